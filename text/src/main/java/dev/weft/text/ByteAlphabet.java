package dev.weft.text;

import java.util.Arrays;

/// The 256 printable characters by which GPT-2 writes bytes (Radford et al. 2019): a byte that is a visible Latin-1
/// character stands for itself, the other 68 are U+0100 and up, in order. A space becomes `Ġ`, a line feed `Ċ`.
final class ByteAlphabet {
    private static final char[] CHARS = new char[256];
    private static final short[] BYTES = new short[256 + 68];

    static {
        Arrays.fill(BYTES, (short) -1);
        char next = 256;
        for (int b = 0; b < 256; b++) {
            boolean visible = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xFF && b != 0xAD;
            CHARS[b] = visible ? (char) b : next++;
            BYTES[CHARS[b]] = (short) b;
        }
    }

    private ByteAlphabet() {}

    static char charOf(int b) {
        return CHARS[b & 0xFF];
    }

    /// The byte a character stands for, or -1.
    static int byteOf(char c) {
        return c < BYTES.length ? BYTES[c] : -1;
    }

    /// All 256, in the order of their code points.
    static char[] sorted() {
        char[] sorted = CHARS.clone();
        Arrays.sort(sorted);
        return sorted;
    }

    /// The UTF-8 bytes of a code point (a lone surrogate counts as U+FFFD), one `to` call for each.
    static void encode(int codePoint, CharSink to) {
        int c = codePoint >= 0xD800 && codePoint <= 0xDFFF ? 0xFFFD : codePoint;
        if (c < 0x80) {
            to.accept(CHARS[c]);
        } else if (c < 0x800) {
            to.accept(CHARS[0xC0 | c >> 6]);
            to.accept(CHARS[0x80 | c & 0x3F]);
        } else if (c < 0x10000) {
            to.accept(CHARS[0xE0 | c >> 12]);
            to.accept(CHARS[0x80 | c >> 6 & 0x3F]);
            to.accept(CHARS[0x80 | c & 0x3F]);
        } else {
            to.accept(CHARS[0xF0 | c >> 18]);
            to.accept(CHARS[0x80 | c >> 12 & 0x3F]);
            to.accept(CHARS[0x80 | c >> 6 & 0x3F]);
            to.accept(CHARS[0x80 | c & 0x3F]);
        }
    }

    /// Text in the byte alphabet.
    static String encode(CharSequence text, int from, int to) {
        var out = new StringBuilder((to - from) * 2);
        for (int i = from; i < to;) {
            int c = Character.codePointAt(text, i);
            encode(c, out::append);
            i += Character.charCount(c);
        }
        return out.toString();
    }

    /// A piece in the byte alphabet; all bytes of a character have its place.
    static Piece encode(Piece piece) {
        String text = piece.text;
        int ascii = 0;
        while (ascii < text.length() && text.charAt(ascii) < 0x80) {
            ascii++;
        }
        if (ascii == text.length()) {
            char[] same = text.toCharArray();
            for (int i = 0; i < same.length; i++) {
                same[i] = CHARS[same[i]];
            }
            return piece.withText(new String(same));
        }
        var bytes = piece.new Rewriting();
        for (int i = 0; i < text.length();) {
            int from = i;
            int codePoint = text.codePointAt(i);
            int to = from + Character.charCount(codePoint);
            encode(codePoint, c -> bytes.write(c, from, to));
            i = to;
        }
        return bytes.piece();
    }

    interface CharSink {
        void accept(char c);
    }
}
