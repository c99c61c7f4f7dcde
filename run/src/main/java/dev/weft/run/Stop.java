package dev.weft.run;

import dev.weft.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Ends a text for what it has become.
@FunctionalInterface
public interface Stop {
    Stop NEVER = (ids, promptLength) -> false;

    /// @param ids          prompt, its padding and what was generated, the newest last
    /// @param promptLength how many of them were given
    boolean reached(int[] ids, int promptLength);

    /// Once one of these has been generated, across however many ids; names of special tokens count. What stands in the
    /// prompt does not.
    static Stop strings(Tokenizer tokenizer, List<String> strings) {
        if (strings.isEmpty()) {
            return NEVER;
        }
        // An id gives a byte at the least, save some special ones: a few more may stand between.
        int tail = 16 + strings.stream().mapToInt(each -> each.getBytes(StandardCharsets.UTF_8).length).max()
                .getAsInt();
        return (ids, promptLength) -> {
            int from = Math.max(promptLength, ids.length - tail);
            // Not from within a character that is spelled in bytes.
            while (from > promptLength && isByte(tokenizer.token(ids[from]))) {
                from--;
            }
            int[] before = Arrays.copyOfRange(ids, from == promptLength ? 0 : from - 1, from);
            var pieces = new Pieces(tokenizer, before, strings, List.of());
            for (int i = from; i < ids.length; i++) {
                pieces.next(ids[i], null);
            }
            return pieces.stopped();
        };
    }

    private static boolean isByte(@Nullable String token) {
        return token != null && token.length() == 6 && token.startsWith("<0x");
    }
}
