package dev.weft.text;

/// UTF-8 to text as the bytes come: a character is given out with its last byte, never in halves.
///
/// What is not UTF-8 becomes U+FFFD, one for each maximal part of a sequence (Unicode 16, §3.9, table 3-8), as Rust's
/// and the browsers' decoders do. Java's own differs from them on encoded surrogates.
final class Utf8 {
    private int codePoint;
    private int missing;
    private int lowest = 0x80;
    private int highest = 0xBF;

    void push(int b, StringBuilder out) {
        if (missing > 0) {
            boolean continues = b >= lowest && b <= highest;
            lowest = 0x80;
            highest = 0xBF;
            if (continues) {
                codePoint = codePoint << 6 | b & 0x3F;
                if (--missing == 0) {
                    out.appendCodePoint(codePoint);
                }
                return;
            }
            missing = 0;
            out.append('\uFFFD');
        }
        if (b < 0x80) {
            out.append((char) b);
        } else if (b >= 0xC2 && b <= 0xDF) {
            begin(b & 0x1F, 1);
        } else if (b >= 0xE0 && b <= 0xEF) {
            begin(b & 0x0F, 2);
            lowest = b == 0xE0 ? 0xA0 : 0x80;
            highest = b == 0xED ? 0x9F : 0xBF;
        } else if (b >= 0xF0 && b <= 0xF4) {
            begin(b & 0x07, 3);
            lowest = b == 0xF0 ? 0x90 : 0x80;
            highest = b == 0xF4 ? 0x8F : 0xBF;
        } else {
            out.append('\uFFFD');
        }
    }

    private void begin(int bits, int more) {
        codePoint = bits;
        missing = more;
    }

    /// The text is over: an unfinished character becomes U+FFFD.
    void end(StringBuilder out) {
        if (missing > 0) {
            out.append('\uFFFD');
        }
        missing = 0;
        lowest = 0x80;
        highest = 0xBF;
    }

    /// How many bytes a well-formed text has.
    static int length(String text) {
        int length = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            // Each half of a pair stands for two of its four bytes.
            length += c < 0x80 ? 1 : c < 0x800 || Character.isSurrogate(c) ? 2 : 3;
        }
        return length;
    }

    /// The same text with U+FFFD, also one unit long, for each surrogate that has no partner.
    static String wellFormed(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))) {
                if (i + 1 < text.length() && Character.isSurrogatePair(text.charAt(i), text.charAt(i + 1))) {
                    i++;
                } else {
                    return repaired(text);
                }
            }
        }
        return text;
    }

    private static String repaired(String text) {
        var chars = new StringBuilder(text);
        for (int i = 0; i < chars.length(); i++) {
            if (Character.isSurrogate(chars.charAt(i))) {
                if (i + 1 < chars.length() && Character.isSurrogatePair(chars.charAt(i), chars.charAt(i + 1))) {
                    i++;
                } else {
                    chars.setCharAt(i, '\uFFFD');
                }
            }
        }
        return chars.toString();
    }
}
