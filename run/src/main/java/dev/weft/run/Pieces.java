package dev.weft.run;

import dev.weft.text.StreamingDecoder;
import dev.weft.text.Tokenizer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Ids to text that can be shown: whole characters, nothing of an end id or a stop string.
final class Pieces {
    private final StreamingDecoder decoder;
    private final StopText stop;
    private final List<Integer> endIds;

    Pieces(Tokenizer tokenizer, int[] prompt, Generation options) {
        decoder = tokenizer.streamingDecoder(true);
        stop = new StopText(options.limits().stopStrings());
        endIds = options.limits().endIds();
        // The text of an id may depend on the one before: a space at the beginning of a word.
        for (int id : prompt) {
            decoder.push(id);
        }
    }

    /// @param finish why the text ends with this id, or null
    String next(int id, @Nullable Finish finish) {
        String text = endIds.contains(id) ? "" : decoder.push(id);
        if (finish == null) {
            return stop.push(text);
        }
        return stop.push(text + decoder.flush()) + stop.flush();
    }
}
