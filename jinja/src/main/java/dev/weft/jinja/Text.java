package dev.weft.jinja;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/// Strings as Python has them: by code points, with Python's notions of white space, letters and digits.
final class Text {
    /// Characters with the Unicode property Numeric_Type=Digit that are not decimal digits.
    private static final String DIGITS = "b2-b3 b9 1369-1371 19da 2070 2074-2079 2080-2089 2460-2468 2474-247c 2488-2490 24ea "
            + "24f5-24fd 24ff 2776-277e 2780-2788 278a-2792 10a40-10a43 10e60-10e68 11052-1105a "
            + "1f100-1f10a";
    /// Ideographs that stand for numbers.
    private static final String IDEOGRAPHS = "3405 3483 382a 3b4d 4e00 4e03 4e07 4e09 4e5d 4e8c 4e94 4e96 4ebf-4ec0 4edf 4ee8 4f0d 4f70 "
            + "5104 5146 5169 516b 516d 5341 5343-5345 534c 53c1-53c4 56db 58f1 58f9 5e7a 5efe-5eff "
            + "5f0c-5f0e 5f10 62fe 634c 67d2 6f06 7396 767e 8086 842c 8cae 8cb3 8d30 9621 9646 964c 9678 "
            + "96f6 f96b f973 f978 f9b2 f9d1 f9d3 f9fd 20001 20064 200e2 20121 2092a 20983 2098c 2099c "
            + "20aea 20afd 20b19 22390 22998 23b1b 2626d 2f890";

    private static final int[] DIGIT_RANGES = ranges(DIGITS);
    private static final int[] IDEOGRAPH_RANGES = ranges(IDEOGRAPHS);

    private Text() {}

    private static int[] ranges(String text) {
        String[] parts = text.split(" ");
        int[] ranges = new int[parts.length * 2];
        for (int i = 0; i < parts.length; i++) {
            String[] ends = parts[i].split("-");
            ranges[2 * i] = Integer.parseInt(ends[0], 16);
            ranges[2 * i + 1] = Integer.parseInt(ends[ends.length - 1], 16);
        }
        return ranges;
    }

    private static boolean in(int[] ranges, int c) {
        for (int i = 0; i < ranges.length; i += 2) {
            if (c >= ranges[i] && c <= ranges[i + 1]) {
                return true;
            }
        }
        return false;
    }

    static boolean isSpace(int c) {
        return c >= 9 && c <= 13 || c >= 0x1C && c <= 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680
                || c >= 0x2000 && c <= 0x200A || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F
                || c == 0x3000;
    }

    static boolean isDigit(int c) {
        return Character.isDigit(c) || in(DIGIT_RANGES, c);
    }

    static boolean isNumeric(int c) {
        int type = Character.getType(c);
        return type == Character.DECIMAL_DIGIT_NUMBER || type == Character.LETTER_NUMBER
                || type == Character.OTHER_NUMBER || in(IDEOGRAPH_RANGES, c);
    }

    static boolean isAlphanumeric(int c) {
        return Character.isLetter(c) || isNumeric(c);
    }

    static boolean isPrintable(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE, Character.UNASSIGNED,
                    Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR ->
                false;
            case Character.SPACE_SEPARATOR -> c == ' ';
            default -> true;
        };
    }

    static boolean isCased(int c) {
        return Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
    }

    /// Whether there is a character and all are so.
    static boolean all(String text, IntPredicate wanted) {
        return !text.isEmpty() && text.codePoints().allMatch(wanted);
    }

    /// Whether each character is one UTF-16 unit.
    static boolean isPlain(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isHighSurrogate(text.charAt(i))) {
                return false;
            }
        }
        return true;
    }

    static int length(String text) {
        return text.codePointCount(0, text.length());
    }

    /// The place in UTF-16 units of a character, from 0 to the length.
    static int unit(String text, int character) {
        return text.offsetByCodePoints(0, character);
    }

    static List<Object> characters(String text) {
        var characters = new ArrayList<Object>(text.length());
        text.codePoints().forEach(c -> characters.add(Character.toString(c)));
        return characters;
    }

    static String strip(String text, @Nullable String chars, boolean left, boolean right) {
        BitSet some = chars == null ? new BitSet() : chars.codePoints().collect(BitSet::new, BitSet::set, BitSet::or);
        IntPredicate goes = chars == null ? Text::isSpace : some::get;
        int begin = 0;
        int end = text.length();
        while (left && begin < end && goes.test(text.codePointAt(begin))) {
            begin += Character.charCount(text.codePointAt(begin));
        }
        while (right && end > begin && goes.test(text.codePointBefore(end))) {
            end -= Character.charCount(text.codePointBefore(end));
        }
        return text.substring(begin, end);
    }

    private static String capital(int c) {
        // The JDK maps single characters only; the few whose capital is several have it from toUpperCase.
        String upper = Character.toString(c).toUpperCase(java.util.Locale.ROOT);
        int title = Character.toTitleCase(c);
        if (title == c && upper.length() > Character.charCount(c)) {
            int first = upper.codePointAt(0);
            return Character.toString(first)
                    + upper.substring(Character.charCount(first)).toLowerCase(java.util.Locale.ROOT);
        }
        return Character.toString(title);
    }

    static String lower(String text) {
        return text.toLowerCase(java.util.Locale.ROOT);
    }

    static String upper(String text) {
        return text.toUpperCase(java.util.Locale.ROOT);
    }

    static String capitalized(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int first = text.codePointAt(0);
        return capital(first) + lower(text).substring(lower(Character.toString(first)).length());
    }

    static String titled(String text) {
        var out = new StringBuilder(text.length());
        String low = lower(text);
        boolean within = false;
        boolean same = low.length() == text.length();
        for (int i = 0; i < text.length();) {
            int c = text.codePointAt(i);
            int size = Character.charCount(c);
            out.append(!within
                    ? capital(c)
                    : same ? low.substring(i, i + size) : lower(Character.toString(c)));
            within = isCased(c);
            i += size;
        }
        return out.toString();
    }

    static String swapped(String text) {
        var out = new StringBuilder(text.length());
        text.codePoints().forEach(c -> out.append(Character.isUpperCase(c)
                ? lower(Character.toString(c))
                : Character.isLowerCase(c) ? upper(Character.toString(c)) : Character.toString(c)));
        return out.toString();
    }

    /// Whether cased characters occur and all are of one case.
    static boolean isCase(String text, boolean upper) {
        boolean found = false;
        for (int i = 0; i < text.length();) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            boolean fits = upper ? Character.isUpperCase(c) : Character.isLowerCase(c);
            if (!fits && isCased(c)) {
                return false;
            }
            found |= fits;
        }
        return found;
    }

    static boolean isTitle(String text) {
        boolean found = false;
        boolean within = false;
        for (int i = 0; i < text.length();) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            boolean big = Character.isUpperCase(c) || Character.isTitleCase(c);
            if (big && within || Character.isLowerCase(c) && !within) {
                return false;
            }
            within = big || Character.isLowerCase(c);
            found |= within;
        }
        return found;
    }

    /// At Python's line ends, of which there are more than Java's.
    static List<Object> lines(String text, boolean keepEnds) {
        var lines = new ArrayList<Object>();
        int begin = 0;
        for (int i = 0; i < text.length();) {
            char c = text.charAt(i++);
            if (c >= 10 && c <= 13 || c >= 0x1C && c <= 0x1E || c == 0x85 || c == 0x2028 || c == 0x2029) {
                int end = i - 1;
                if (c == '\r' && i < text.length() && text.charAt(i) == '\n') {
                    i++;
                }
                lines.add(text.substring(begin, keepEnds ? i : end));
                begin = i;
            }
        }
        if (begin < text.length()) {
            lines.add(text.substring(begin));
        }
        return lines;
    }

    /// By code points, as Python orders strings; UTF-16 units would put emoji before U+FFFD.
    static int compare(String a, String b) {
        int n = Math.min(a.length(), b.length());
        for (int i = 0; i < n; i++) {
            char left = a.charAt(i);
            char right = b.charAt(i);
            if (left != right) {
                boolean leftHalf = Character.isSurrogate(left);
                return leftHalf == Character.isSurrogate(right)
                        ? Character.compare(left, right)
                        : leftHalf ? 1 : -1;
            }
        }
        return Integer.compare(a.length(), b.length());
    }
}
