package dev.weft.text.chat;

import dev.weft.text.Encoding;
import dev.weft.jinja.Template;
import java.util.List;

/// A conversation as text, and which parts of it the assistant wrote: what a model is trained to say.
///
/// @param text           the text
/// @param assistantTurns places in the text, in order, in UTF-16 units as in [String#substring(int, int)]
public record RenderedChat(String text, List<Template.Span> assistantTurns) {
    public RenderedChat {
        assistantTurns = List.copyOf(assistantTurns);
    }

    /// For each token of this text whether any of it is the assistant's.
    ///
    /// @param encoding this text's tokens, encoded without special tokens, since the template writes its own
    public boolean[] assistantMask(Encoding encoding) {
        boolean[] mask = new boolean[encoding.size()];
        for (int i = 0; i < mask.length; i++) {
            int start = encoding.starts()[i];
            int end = encoding.ends()[i];
            mask[i] = assistantTurns.stream().anyMatch(turn -> start < turn.end() && end > turn.start());
        }
        return mask;
    }
}
