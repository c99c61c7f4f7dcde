package dev.weft.text;

/// Ids to text one at a time, as they leave a model.
///
/// What [#push] and [#flush] return, joined, is what [Tokenizer#decode(int[], boolean)] returns for the same ids. Half a
/// character is never returned; it waits for its other half. Not for several threads at once.
public final class StreamingDecoder {
    private final Tokenizer tokenizer;
    private final boolean skipSpecialTokens;
    private final Decoding decoding;

    StreamingDecoder(Tokenizer tokenizer, boolean skipSpecialTokens, Decoding decoding) {
        this.tokenizer = tokenizer;
        this.skipSpecialTokens = skipSpecialTokens;
        this.decoding = decoding;
    }

    /// The text that is certain with this id; often empty. An id that no token has gives none.
    ///
    /// @throws IllegalArgumentException if the id is negative
    public String push(int id) {
        var out = new StringBuilder();
        push(id, out);
        return out.toString();
    }

    void push(int id, StringBuilder out) {
        String token = tokenizer.token(id);
        if (token != null && !(skipSpecialTokens && tokenizer.isSpecial(id))) {
            decoding.push(token, out);
        }
    }

    /// What was held back, an unfinished character as U+FFFD. Afterwards a new text may begin.
    public String flush() {
        var out = new StringBuilder();
        decoding.end(out);
        return out.toString();
    }
}
