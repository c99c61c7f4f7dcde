package dev.weft.jinja;

import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;

/// A template cut into tokens, with `trim_blocks` and `lstrip_blocks` as chat templates have them: the line break after
/// a block goes, and so do the blanks before a block that is the first of its line.
final class Lexer {
    private static final Set<String> TWO = Set.of("//", "**", "==", "!=", ">=", "<=");
    private static final String ONE = "+-/*%~[](){}><=.:|,;";
    /// Python refuses to read longer integers too.
    private static final int MOST_DIGITS = 4300;

    private final String name;
    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private int line = 1;
    /// Whether what was read last ended a line.
    private boolean lineStarts = true;

    private Lexer(String name, String source) {
        this.name = name;
        String lines = source.replace("\r\n", "\n").replace('\r', '\n');
        this.source = lines.endsWith("\n") ? lines.substring(0, lines.length() - 1) : lines;
    }

    static List<Token> tokens(String name, String source) {
        var lexer = new Lexer(name, source);
        lexer.template();
        lexer.add(Token.Kind.END, "");
        return lexer.tokens;
    }

    private TemplateException error(String problem) {
        return new TemplateException(name, line, problem);
    }

    private void add(Token.Kind kind, Object value) {
        tokens.add(new Token(kind, value, line));
    }

    /// Goes on to a place, counting the lines between.
    private void moveTo(int to) {
        for (int i = at; i < to; i++) {
            if (source.charAt(i) == '\n') {
                line++;
            }
        }
        if (to > at) {
            lineStarts = source.charAt(to - 1) == '\n';
        }
        at = to;
    }

    private void template() {
        while (at < source.length()) {
            int tag = tag(at);
            if (tag < 0) {
                data(source.substring(at));
                moveTo(source.length());
                return;
            }
            char type = source.charAt(tag + 1);
            int raw = type == '%' ? rawBegin(tag) : -1;
            char sign = tag + 2 < source.length() ? source.charAt(tag + 2) : ' ';
            boolean signed = sign == '-' || sign == '+';
            data(stripped(source.substring(at, tag), signed ? sign : ' ', type != '{'));
            moveTo(raw >= 0 ? raw : tag + (signed ? 3 : 2));
            if (raw >= 0) {
                raw();
            } else if (type == '#') {
                comment();
            } else {
                boolean block = type == '%';
                add(block ? Token.Kind.BLOCK_BEGIN : Token.Kind.PRINT_BEGIN, "");
                code(block);
            }
        }
    }

    private int tag(int from) {
        for (int i = source.indexOf('{', from); i >= 0 && i + 1 < source.length(); i = source.indexOf('{', i + 1)) {
            char next = source.charAt(i + 1);
            if (next == '{' || next == '%' || next == '#') {
                return i;
            }
        }
        return -1;
    }

    private void data(String text) {
        if (!text.isEmpty()) {
            add(Token.Kind.DATA, text);
        }
    }

    /// Text before a tag, without the blanks the tag takes.
    private String stripped(String text, char sign, boolean blanksOfLineGo) {
        if (sign == '-') {
            return Text.strip(text, null, false, true);
        }
        if (sign == '+' || !blanksOfLineGo) {
            return text;
        }
        int lineBegin = text.lastIndexOf('\n') + 1;
        boolean first = lineBegin > 0 || lineStarts;
        return first && text.substring(lineBegin).codePoints().allMatch(Text::isSpace)
                ? text.substring(0, lineBegin)
                : text;
    }

    private int spaces(int from) {
        int i = from;
        while (i < source.length() && Text.isSpace(source.charAt(i))) {
            i++;
        }
        return i;
    }

    /// Where `{% raw %}` ends that begins here, or -1.
    private int rawBegin(int tag) {
        int i = tag + 2;
        if (i < source.length() && (source.charAt(i) == '-' || source.charAt(i) == '+')) {
            i++;
        }
        i = spaces(i);
        if (!source.startsWith("raw", i)) {
            return -1;
        }
        i = spaces(i + 3);
        if (source.startsWith("-%}", i)) {
            return spaces(i + 3);
        }
        return source.startsWith("%}", i) ? i + 2 : -1;
    }

    private void raw() {
        for (int tag = source.indexOf("{%", at); tag >= 0; tag = source.indexOf("{%", tag + 1)) {
            int i = tag + 2;
            char sign = i < source.length() ? source.charAt(i) : ' ';
            boolean signed = sign == '-' || sign == '+';
            i = spaces(signed ? i + 1 : i);
            if (source.startsWith("endraw", i)) {
                int end = end(spaces(i + 6), "%}");
                if (end >= 0) {
                    data(stripped(source.substring(at, tag), signed ? sign : ' ', true));
                    moveTo(end);
                    return;
                }
            }
        }
        throw error("{% raw %} without {% endraw %}");
    }

    private void comment() {
        for (int i = at; i < source.length(); i++) {
            int end = end(i, "#}");
            if (end >= 0) {
                moveTo(end);
                return;
            }
        }
        throw error("a comment without end: '{#' without '#}'");
    }

    /// Where the end of a block or comment ends that begins here, with the white space it takes, or -1.
    private int end(int from, String mark) {
        if (source.startsWith(mark, from)) {
            int end = from + 2;
            return end < source.length() && source.charAt(end) == '\n' ? end + 1 : end;
        }
        if (source.startsWith("-" + mark, from)) {
            return spaces(from + 3);
        }
        return source.startsWith("+" + mark, from) ? from + 3 : -1;
    }

    private int printEnd(int from) {
        if (source.startsWith("-}}", from)) {
            return spaces(from + 3);
        }
        return source.startsWith("}}", from) ? from + 2 : -1;
    }

    /// Inside `{% %}` or `{{ }}`.
    private void code(boolean block) {
        Deque<Character> open = new ArrayDeque<>();
        while (at < source.length()) {
            int end = !open.isEmpty() ? -1 : block ? end(at, "%}") : printEnd(at);
            if (end >= 0) {
                add(block ? Token.Kind.BLOCK_END : Token.Kind.PRINT_END, "");
                moveTo(end);
                return;
            }
            char c = source.charAt(at);
            if (Text.isSpace(c)) {
                moveTo(spaces(at));
            } else if (c >= '0' && c <= '9') {
                number();
            } else if (isWord(source.codePointAt(at))) {
                word();
            } else if (c == '\'' || c == '"') {
                string(c);
            } else {
                operator(open);
            }
        }
    }

    private static boolean isWord(int c) {
        return c == '_' || Character.isUnicodeIdentifierPart(c) && !Character.isIdentifierIgnorable(c);
    }

    private void word() {
        int end = at;
        while (end < source.length() && isWord(source.codePointAt(end))) {
            end += Character.charCount(source.codePointAt(end));
        }
        int first = source.codePointAt(at);
        if (first != '_' && !Character.isUnicodeIdentifierStart(first)) {
            throw error("a name cannot begin with '%s'".formatted(Character.toString(first)));
        }
        add(Token.Kind.NAME, source.substring(at, end));
        moveTo(end);
    }

    private void operator(Deque<Character> open) {
        String two = at + 2 <= source.length() ? source.substring(at, at + 2) : "";
        String operator = TWO.contains(two) ? two : source.substring(at, at + 1);
        char c = operator.charAt(0);
        if (operator.length() == 1 && ONE.indexOf(c) < 0) {
            throw error("unexpected character '%s'".formatted(Character.toString(source.codePointAt(at))));
        }
        switch (c) {
            case '{' -> open.push('}');
            case '(' -> open.push(')');
            case '[' -> open.push(']');
            case '}', ')', ']' -> {
                if (open.isEmpty()) {
                    throw error("unexpected '%c'".formatted(c));
                }
                char expected = open.pop();
                if (expected != c) {
                    throw error("unexpected '%c', expected '%c'".formatted(c, expected));
                }
            }
            default -> {
                // no bracket
            }
        }
        add(Token.Kind.OPERATOR, operator);
        moveTo(at + operator.length());
    }

    /// The end of digits with single underscores between them.
    private int digits(int from, int radix) {
        int i = from;
        while (i < source.length() && Character.digit(source.charAt(i), radix) >= 0 && source.charAt(i) < 0x80) {
            i++;
            if (i > from && i + 1 < source.length() && source.charAt(i) == '_'
                    && Character.digit(source.charAt(i + 1), radix) >= 0 && source.charAt(i + 1) < 0x80) {
                i++;
            }
        }
        return i;
    }

    private void number() {
        int end = digits(at, 10);
        boolean afterDot = at > 0 && source.charAt(at - 1) == '.';
        int whole = end;
        if (end + 1 < source.length() && source.charAt(end) == '.' && digits(end + 1, 10) > end + 1) {
            end = digits(end + 1, 10);
        }
        if (end < source.length() && (source.charAt(end) | 0x20) == 'e') {
            int sign = end + 1 < source.length() && "+-".indexOf(source.charAt(end + 1)) >= 0 ? 1 : 0;
            if (digits(end + 1 + sign, 10) > end + 1 + sign) {
                end = digits(end + 1 + sign, 10);
            }
        }
        if (end > whole && !afterDot) {
            add(Token.Kind.FLOAT, Double.parseDouble(source.substring(at, end).replace("_", "")));
            moveTo(end);
            return;
        }
        integer(whole);
    }

    private void integer(int decimalEnd) {
        int radix = 10;
        int begin = at;
        int end = decimalEnd;
        if (source.charAt(at) == '0') {
            char mark = at + 1 < source.length() ? (char) (source.charAt(at + 1) | 0x20) : ' ';
            int prefixed = mark == 'b' ? 2 : mark == 'o' ? 8 : mark == 'x' ? 16 : 0;
            int first = at + 2 < source.length() && source.charAt(at + 2) == '_' ? at + 3 : at + 2;
            if (prefixed > 0 && digits(first, prefixed) > first) {
                radix = prefixed;
                begin = first;
                end = digits(first, prefixed);
            } else {
                end = at + 1;
                while (end < decimalEnd && (source.charAt(end) == '0'
                        || source.charAt(end) == '_' && source.charAt(end + 1) == '0')) {
                    end++;
                }
            }
        }
        String digits = source.substring(begin, end).replace("_", "");
        if (digits.length() > MOST_DIGITS) {
            throw error("a number of %d digits; %d are allowed".formatted(digits.length(), MOST_DIGITS));
        }
        add(Token.Kind.INTEGER, new BigInteger(digits, radix));
        moveTo(end);
    }

    private void string(char quote) {
        int end = at + 1;
        while (end < source.length() && source.charAt(end) != quote) {
            end += source.charAt(end) == '\\' ? 2 : 1;
        }
        if (end >= source.length()) {
            throw error("a string without its closing %c".formatted(quote));
        }
        try {
            add(Token.Kind.STRING, unescaped(source.substring(at + 1, end)));
        } catch (Problem e) {
            throw error(e.getMessage());
        }
        moveTo(end + 1);
    }

    /// Python's escapes; what is none stays as it is, with its backslash. jinja2 writes other characters than ASCII as
    /// escapes first, so that a backslash before one of them stands before that escape.
    private static String unescaped(String text) {
        if (text.indexOf('\\') < 0) {
            return text;
        }
        var out = new StringBuilder(text.length());
        for (int i = 0; i < text.length();) {
            char c = text.charAt(i++);
            if (c != '\\') {
                out.append(c);
                continue;
            }
            char escape = text.charAt(i++);
            switch (escape) {
                case '\n' -> {
                    // the line goes on
                }
                case '\\', '\'', '"' -> out.append(escape);
                case 'a' -> out.append('\u0007');
                case 'b' -> out.append('\b');
                case 'f' -> out.append('\f');
                case 'n' -> out.append('\n');
                case 'r' -> out.append('\r');
                case 't' -> out.append('\t');
                case 'v' -> out.append('\u000b');
                case 'x' -> i = hexadecimal(text, i, 2, out);
                case 'u' -> i = hexadecimal(text, i, 4, out);
                case 'U' -> i = hexadecimal(text, i, 8, out);
                case 'N' -> i = named(text, i, out);
                case '0', '1', '2', '3', '4', '5', '6', '7' -> {
                    int value = escape - '0';
                    for (int n = 1; n < 3 && i < text.length() && "01234567".indexOf(text.charAt(i)) >= 0; n++) {
                        value = value * 8 + text.charAt(i++) - '0';
                    }
                    out.append((char) value);
                }
                default -> {
                    out.append('\\');
                    if (escape < 0x80) {
                        out.append(escape);
                    } else {
                        int whole = text.codePointAt(i - 1);
                        i += Character.charCount(whole) - 1;
                        out.append(whole < 0x100
                                ? "x%02x".formatted(whole)
                                : whole < 0x10000 ? "u%04x".formatted(whole) : "U%08x".formatted(whole));
                    }
                }
            }
        }
        return out.toString();
    }

    private static int hexadecimal(String text, int from, int digits, StringBuilder out) {
        long value = 0;
        for (int i = from; i < from + digits; i++) {
            int digit = i < text.length() && text.charAt(i) < 0x80 ? Character.digit(text.charAt(i), 16) : -1;
            if (digit < 0) {
                throw Problem.of("an escape in a string needs %d hexadecimal digits", digits);
            }
            value = value * 16 + digit;
        }
        if (value > Character.MAX_CODE_POINT) {
            throw new Problem("an escape in a string beyond U+10FFFF");
        }
        out.appendCodePoint((int) value);
        return from + digits;
    }

    private static int named(String text, int from, StringBuilder out) {
        int end = text.indexOf('}', from);
        if (!text.startsWith("{", from) || end < 0) {
            throw new Problem("\\N in a string needs the name of a character in braces");
        }
        try {
            out.appendCodePoint(Character.codePointOf(text.substring(from + 1, end)));
        } catch (IllegalArgumentException e) {
            throw new Problem("\\N in a string: no character has this name");
        }
        return end + 1;
    }
}
