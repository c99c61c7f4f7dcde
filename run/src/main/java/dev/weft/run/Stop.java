package dev.weft.run;

import dev.weft.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/// Ends a text for what it has become.
@FunctionalInterface
public interface Stop {
    Stop NEVER = (ids, promptLength) -> false;

    /// @param ids          prompt, its padding and what was generated, the newest last
    /// @param promptLength how many of them were given
    boolean reached(int[] ids, int promptLength);

    /// Once one of these has been generated, across however many ids. What stands in the prompt does not count.
    static Stop strings(Tokenizer tokenizer, List<String> strings) {
        if (strings.isEmpty()) {
            return NEVER;
        }
        // An id gives a byte at the least, save special ones: a few more may stand between.
        int tail = 16 + strings.stream().mapToInt(each -> each.getBytes(StandardCharsets.UTF_8).length).max()
                .getAsInt();
        return (ids, promptLength) -> {
            int from = Math.max(promptLength, ids.length - tail);
            // The text of an id may depend on the one before, so that one is decoded too and its text left out.
            String text = tokenizer.decode(Arrays.copyOfRange(ids, from - 1, ids.length), true);
            int before = tokenizer.decode(new int[]{ids[from - 1]}, true).length();
            return strings.stream().anyMatch(string -> text.indexOf(string, before) >= 0);
        };
    }
}
