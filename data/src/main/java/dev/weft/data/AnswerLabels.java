package dev.weft.data;

import dev.weft.text.Encoding;
import dev.weft.text.chat.RenderedChat;
import java.util.Arrays;
import java.util.Map;

/// Labels of a causal language model that is trained on answers alone, not on what was asked.
public final class AnswerLabels {
    private AnswerLabels() {}

    /// A conversation of which what the assistant says is trained.
    ///
    /// @param encoding of `chat.text()`, without special tokens
    /// @param room     tokens that the model has room for; later ones are cut
    /// @return `input_ids` and `labels`
    /// @throws IllegalArgumentException if nothing of it is trained
    public static Map<String, int[]> of(RenderedChat chat, Encoding encoding, int room) {
        return of(encoding.ids(), chat.assistantMask(encoding), room);
    }

    /// Ids of which those marked are trained. Each is predicted from those before it, so the first is never.
    public static Map<String, int[]> of(int[] ids, boolean[] trained, int room) {
        int length = Math.min(ids.length, room);
        int[] labels = new int[length];
        int count = 0;
        for (int i = 0; i < length; i++) {
            labels[i] = trained[i] ? ids[i] : Example.IGNORED;
            count += trained[i] && i > 0 ? 1 : 0;
        }
        if (count == 0) {
            throw new IllegalArgumentException(
                    ("Nothing of this example is trained: no token of an answer lies in its first %d of %d tokens; "
                            + "give the conversation an answer, mark it in the template ({%% generation %%}), or allow longer texts")
                            .formatted(length, ids.length));
        }
        return Map.of("input_ids", Arrays.copyOf(ids, length), "labels", labels);
    }
}
