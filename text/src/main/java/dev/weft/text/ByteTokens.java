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

    /// The byte that a token stands for, or -1.
    static int valueOf(String token) {
        if (token.length() != 6 || !token.startsWith("<0x") || token.charAt(5) != '>') {
            return -1;
        }
        int high = hex(token.charAt(3));
        int low = hex(token.charAt(4));
        return high < 0 || low < 0 ? -1 : high << 4 | low;
    }

    private static int hex(char c) {
        return c < 0x80 ? Character.digit(c, 16) : -1;
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
