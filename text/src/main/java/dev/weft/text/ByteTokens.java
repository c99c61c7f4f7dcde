package dev.weft.text;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/// The tokens `<0x00>` to `<0xFF>`, in which models write characters they do not know.
final class ByteTokens {
    private final int[] ids = new int[256];

    private ByteTokens(Vocabulary vocabulary) {
        for (int b = 0; b < 256; b++) {
            ids[b] = vocabulary.idOrNone(spelling(b));
        }
    }

    static ByteTokens of(Vocabulary vocabulary) {
        return new ByteTokens(vocabulary);
    }

    static String spelling(int b) {
        return "<0x%02X>".formatted(b);
    }

    /// The ids of the UTF-8 bytes of a text, or null if one has none.
    int @Nullable [] of(String text, int from, int to) {
        byte[] bytes = text.substring(from, to).getBytes(StandardCharsets.UTF_8);
        int[] found = new int[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            found[i] = ids[bytes[i] & 0xFF];
            if (found[i] < 0) {
                return null;
            }
        }
        return found;
    }
}
