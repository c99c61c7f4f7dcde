package dev.weft.run;

import dev.weft.text.StreamingDecoder;
import dev.weft.text.Tokenizer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Ids to text that can be shown, from the first id of an answer on: whole characters, nothing of the prompt, of a special
/// token, an end id or a stop string.
public final class Pieces {
    private final Tokenizer tokenizer;
    private final StreamingDecoder decoder;
    private final List<String> stops;
    private final StopText stop;
    private final List<Integer> endIds;

    /// @param prompt what stands before: the text of an id may depend on it, as the space at the beginning of a word does
    Pieces(Tokenizer tokenizer, int[] prompt, List<String> stops, List<Integer> endIds) {
        this.tokenizer = tokenizer;
        this.stops = stops;
        this.endIds = endIds;
        decoder = tokenizer.streamingDecoder(true).after(prompt);
        stop = new StopText(stops);
    }

    Pieces(Tokenizer tokenizer, int[] prompt, Generation options) {
        this(tokenizer, prompt, options.limits().stopStrings(), options.limits().endIds());
    }

    /// The text of an answer that is there already.
    ///
    /// @param prompt what it was begun with
    public static String text(Tokenizer tokenizer, int[] prompt, Generated.Text answer, Generation options) {
        var pieces = new Pieces(tokenizer, prompt, options);
        var shown = new StringBuilder();
        for (int i = 0; i < answer.ids().length; i++) {
            shown.append(pieces.next(answer.ids()[i], i + 1 == answer.ids().length ? answer.finish() : null));
        }
        return shown.toString();
    }

    /// @param finish why the text ends with this id, or null
    String next(int id, @Nullable Finish finish) {
        String text = endIds.contains(id) ? "" : text(id);
        return finish == null ? text : text + stop.push(decoder.flush()) + stop.flush();
    }

    private String text(int id) {
        // Stop strings see special tokens, for which what stands before them must not wait.
        return stops.isEmpty() || !tokenizer.isSpecial(id)
                ? stop.push(decoder.push(id))
                : stop.push(decoder.settle()) + stop.push(tokenizer.token(id), false);
    }

    /// Whether a stop string has come, be it in characters that still wait. Nothing may follow.
    boolean stopped() {
        stop.push(decoder.settle());
        return stop.stopped();
    }
}
