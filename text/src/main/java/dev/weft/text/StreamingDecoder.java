package dev.weft.text;

/// Ids to text one at a time, as they leave a model.
///
/// What [#push] and [#flush] return, joined, is what [Tokenizer#decode(int[], boolean)] returns for the same ids. Half a
/// character is never returned; it waits for its other half. Not for several threads at once.
public final class StreamingDecoder {
    private final Tokenizer tokenizer;
    private final boolean skipSpecialTokens;
    private final Decoding decoding;
    /// Characters that are still to come and belong to what stands before.
    private int owed;

    StreamingDecoder(Tokenizer tokenizer, boolean skipSpecialTokens, Decoding decoding) {
        this.tokenizer = tokenizer;
        this.skipSpecialTokens = skipSpecialTokens;
        this.decoding = decoding;
    }

    /// This decoder, for ids that stand behind others: what comes of it is the text of both together without the text of
    /// those before. So a word that goes on from them keeps its space, and nothing of them is given again. Half a
    /// character at their end is theirs.
    ///
    /// @param before such as a prompt; this decoder must not have begun a text
    /// @throws IllegalArgumentException if an id is negative
    public StreamingDecoder after(int... before) {
        var given = new StringBuilder();
        for (int id : before) {
            push(id, given);
        }
        decoding.settle(true, given);
        // Few decoders hold more than bytes, but some all of a text to its end.
        owed = (int) Math.max(0, tokenizer.decode(before, skipSpecialTokens).codePoints().count()
                - given.codePoints().count());
        return this;
    }

    /// The text that is certain with this id; often empty. An id that no token has gives none.
    ///
    /// @throws IllegalArgumentException if the id is negative
    public String push(int id) {
        var out = new StringBuilder();
        push(id, out);
        return own(out);
    }

    void push(int id, StringBuilder out) {
        String token = tokenizer.token(id);
        if (token != null && !(skipSpecialTokens && tokenizer.isSpecial(id))) {
            decoding.push(token, out);
        }
    }

    /// Characters that wait though they are whole: bytes that a wrong one behind them would still have spoiled. The text
    /// goes on.
    public String settle() {
        var out = new StringBuilder();
        decoding.settle(false, out);
        return own(out);
    }

    /// What was held back, an unfinished character as U+FFFD. Afterwards a new text may begin.
    public String flush() {
        var out = new StringBuilder();
        decoding.end(out);
        String text = own(out);
        owed = 0;
        return text;
    }

    private String own(StringBuilder out) {
        int from = 0;
        for (; owed > 0 && from < out.length(); owed--) {
            from += Character.charCount(out.codePointAt(from));
        }
        return out.substring(from);
    }
}
