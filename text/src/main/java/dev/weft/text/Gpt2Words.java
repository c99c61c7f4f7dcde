package dev.weft.text;

/// GPT-2's way of cutting text into words, as a hand-written scanner:
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
///
/// Letters and numbers are those of the running JDK's Unicode tables; `\s` is the property White_Space.
final class Gpt2Words {
    static final String PATTERN = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

    static final byte OTHER = 0;
    static final byte LETTER = 1;
    static final byte NUMBER = 2;
    static final byte SPACE = 3;

    private static final byte[] KINDS = new byte[1 << 16];

    static {
        for (int c = 0; c < KINDS.length; c++) {
            KINDS[c] = classify(c);
        }
    }

    private Gpt2Words() {}

    private static byte classify(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.UPPERCASE_LETTER, Character.LOWERCASE_LETTER, Character.TITLECASE_LETTER,
                    Character.MODIFIER_LETTER, Character.OTHER_LETTER ->
                LETTER;
            case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> NUMBER;
            case Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> SPACE;
            default -> codePoint >= '\t' && codePoint <= '\r' || codePoint == 0x85 ? SPACE : OTHER;
        };
    }

    static byte kind(int codePoint) {
        return codePoint < KINDS.length ? KINDS[codePoint] : classify(codePoint);
    }

    /// Whether a char is White_Space (all of them are single UTF-16 units).
    static boolean isSpace(char c) {
        return KINDS[c] == SPACE;
    }

    /// Where the word that begins at `from` ends; text from `limit` on does not exist for it.
    static int end(String text, int from, int limit) {
        char first = text.charAt(from);
        if (first == '\'') {
            int contraction = contraction(text, from + 1, limit);
            if (contraction > 0) {
                return from + 1 + contraction;
            }
        }
        if (first == ' ' && from + 1 < limit) {
            byte next = kindAt(text, from + 1, limit);
            if (next != SPACE) {
                return run(text, from + 1, limit, next);
            }
        }
        byte kind = kindAt(text, from, limit);
        int end = run(text, from, limit, kind);
        // A run of spaces leaves its last one to the word behind it, unless it is the only one.
        return kind == SPACE && end < limit && end - from > 1 ? end - 1 : end;
    }

    /// Length of the letters after an apostrophe that belong to it, 0 if none.
    private static int contraction(String text, int at, int limit) {
        if (at >= limit) {
            return 0;
        }
        char next = at + 1 < limit ? text.charAt(at + 1) : 0;
        return switch (text.charAt(at)) {
            case 's', 't', 'm', 'd' -> 1;
            case 'r', 'v' -> next == 'e' ? 2 : 0;
            case 'l' -> next == 'l' ? 2 : 0;
            default -> 0;
        };
    }

    private static int run(String text, int from, int limit, byte kind) {
        int i = from;
        while (i < limit) {
            char c = text.charAt(i);
            if (Character.isHighSurrogate(c) && i + 1 < limit && Character.isLowSurrogate(text.charAt(i + 1))) {
                if (classify(Character.toCodePoint(c, text.charAt(i + 1))) != kind) {
                    return i;
                }
                i += 2;
            } else if (KINDS[c] == kind) {
                i++;
            } else {
                return i;
            }
        }
        return i;
    }

    private static byte kindAt(String text, int at, int limit) {
        char c = text.charAt(at);
        return Character.isHighSurrogate(c) && at + 1 < limit && Character.isLowSurrogate(text.charAt(at + 1))
                ? classify(Character.toCodePoint(c, text.charAt(at + 1)))
                : KINDS[c];
    }
}
