package dev.weft.grammar;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/// A regular expression, in the syntax that Java's, Python's and JavaScript's have in common; what more they have is
/// refused by name. Characters are Unicode code points.
///
/// | | |
/// |---|---|
/// | `a` `\.` `\n` `\r` `\t` `\f` `\0` | a character; `\` before punctuation takes its meaning away |
/// | `\x41` `\x{1F642}`, and with a `u` of four digits | a character by its number |
/// | `.` | any but the ends of lines |
/// | `[a-z_]` `[^"]` | one of these, or none of these |
/// | `\d` `\w` `\s` `\D` `\W` `\S` | digits, letters and spaces of ASCII, and all others; `\S` is no space of Unicode either |
/// | `\p{L}` `\P{Lu}` `\p{IsGreek}` | categories and scripts, named as in Java |
/// | `x?` `x*` `x+` `x{3}` `x{2,}` `x{2,5}` | repetitions; a `?` behind one changes nothing in what is allowed |
/// | `xy` `x\|y` `(x)` `(?:x)` `(?<name>x)` | sequence, choice, groups |
/// | `^` `$` | at the ends only |
final class Regex {
    private static final int LONGEST = 10_000;
    private static final int MOST_TIMES = 100_000;
    private static final int DEEPEST = 100;
    private static final CodePoints DIGITS = CodePoints.range('0', '9');
    private static final CodePoints WORD = CodePoints.where(c -> c < 0x80 && Character.isLetterOrDigit(c) || c == '_');
    private static final CodePoints SPACE = CodePoints.of(" \t\n\u000B\f\r");
    /// What JavaScript or Java call a space, so that it is none in either.
    private static final CodePoints ANY_SPACE = SPACE.or(CodePoints.of("\uFEFF\u0085"))
            .or(CodePoints.where(c -> Character.isSpaceChar(c) || Character.isWhitespace(c)));
    private static final CodePoints NOT_IN_DOT = CodePoints.of("\n\r\u0085\u2028\u2029");
    private static final Map<Integer, Integer> CONTROLS = Map.of((int) 'n', 10, (int) 'r', 13, (int) 't', 9, (int) 'f',
            12, (int) '0', 0);

    /// Those that were asked for: each looks at every character there is.
    private static final Map<String, CodePoints> CATEGORIES = new ConcurrentHashMap<>();

    /// What was read.
    private sealed interface Node {
        record Chars(CodePoints set) implements Node {}

        record Sequence(List<Node> parts) implements Node {}

        record Choice(List<Node> options) implements Node {}

        record Repeat(Node each, int least, int most) implements Node {}

        /// `^` or `$`.
        record Anchor(boolean begin) implements Node {}
    }

    private static final Node EMPTY = new Node.Sequence(List.of());
    private static final Node ANYTHING = new Node.Repeat(new Node.Chars(CodePoints.ALL), 0, Term.FOREVER);

    private final String source;
    private final int[] chars;
    private int at;
    private int depth;

    private Regex(String source) {
        this.source = source;
        chars = source.codePoints().toArray();
        if (chars.length > LONGEST) {
            throw new IllegalArgumentException(
                    "A regular expression of %,d characters is too long; at most %,d are read"
                            .formatted(chars.length, LONGEST));
        }
    }

    /// The whole text matches.
    ///
    /// @param spelling how one of a set of characters is written
    static Term whole(String expression, Function<CodePoints, Term> spelling) {
        return of(expression, EMPTY, spelling);
    }

    /// The text has a match, as JSON Schema's `pattern` means it.
    static Term somewhere(String expression, Function<CodePoints, Term> spelling) {
        return of(expression, ANYTHING, spelling);
    }

    private static Term of(String expression, Node around, Function<CodePoints, Term> spelling) {
        var regex = new Regex(expression);
        Node read = regex.choice();
        if (regex.at < regex.chars.length) {
            throw regex.error("a ) without its (", "write \\) for the character");
        }
        Node bounded = regex.anchored(regex.anchored(read, true, around), false, around);
        return term(bounded, new HashMap<>(), spelling);
    }

    private static Term term(Node node, Map<CodePoints, Term> known, Function<CodePoints, Term> spelling) {
        return switch (node) {
            case Node.Chars(CodePoints set) -> known.computeIfAbsent(set, spelling);
            case Node.Sequence(List<Node> parts) ->
                Term.sequence(parts.stream().map(part -> term(part, known, spelling)).toArray(Term[]::new));
            case Node.Choice(List<Node> options) ->
                Term.either(options.stream().map(option -> term(option, known, spelling)).toList());
            case Node.Repeat(Node each, int least, int most) -> Term.times(term(each, known, spelling), least, most);
            case Node.Anchor anchor -> throw new IllegalStateException("an anchor is left: " + anchor);
        };
    }

    /// Takes the anchors off one end, and sets `around` where there is none.
    private Node anchored(Node node, boolean begin, Node around) {
        if (!has(node, begin)) {
            return begin ? new Node.Sequence(List.of(around, node)) : new Node.Sequence(List.of(node, around));
        }
        return switch (node) {
            case Node.Anchor anchor -> EMPTY;
            case Node.Choice(List<Node> options) ->
                new Node.Choice(options.stream().map(option -> anchored(option, begin, around)).toList());
            case Node.Sequence(List<Node> parts) -> {
                int outer = begin ? 0 : parts.size() - 1;
                var inside = new ArrayList<Node>();
                for (int i = 0; i < parts.size(); i++) {
                    if (i != outer && has(parts.get(i), begin)) {
                        throw notAtTheEnd(begin);
                    }
                    inside.add(i == outer ? anchored(parts.get(i), begin, around) : parts.get(i));
                }
                yield new Node.Sequence(inside);
            }
            case Node.Repeat repeat -> throw notAtTheEnd(begin);
            case Node.Chars chars -> throw new IllegalStateException("no anchor: " + chars);
        };
    }

    private IllegalArgumentException notAtTheEnd(boolean begin) {
        return new IllegalArgumentException("The regular expression %s has a %s inside; it is known at the %s only"
                .formatted(source, begin ? "^" : "$", begin ? "beginning" : "end"));
    }

    private static boolean has(Node node, boolean begin) {
        return switch (node) {
            case Node.Anchor anchor -> anchor.begin() == begin;
            case Node.Chars chars -> false;
            case Node.Sequence(List<Node> parts) -> parts.stream().anyMatch(part -> has(part, begin));
            case Node.Choice(List<Node> options) -> options.stream().anyMatch(option -> has(option, begin));
            case Node.Repeat(Node each, int least, int most) -> has(each, begin);
        };
    }

    // ---- reading ----

    private Node choice() {
        if (++depth > DEEPEST) {
            throw error("more than %d groups in one another".formatted(DEEPEST), "simplify it");
        }
        var options = new ArrayList<Node>();
        do {
            options.add(sequence());
        } while (take('|'));
        depth--;
        return options.size() == 1 ? options.getFirst() : new Node.Choice(options);
    }

    private Node sequence() {
        var parts = new ArrayList<Node>();
        while (at < chars.length && chars[at] != '|' && chars[at] != ')') {
            parts.add(repeated(part()));
        }
        return parts.size() == 1 ? parts.getFirst() : new Node.Sequence(parts);
    }

    private Node part() {
        int c = chars[at++];
        return switch (c) {
            case '.' -> new Node.Chars(NOT_IN_DOT.complement());
            case '^' -> new Node.Anchor(true);
            case '$' -> new Node.Anchor(false);
            case '(' -> group();
            case '[' -> new Node.Chars(set());
            case '\\' -> new Node.Chars(escaped());
            case '*', '+', '?', '{' -> {
                at--;
                throw error("a %c with nothing to repeat".formatted(c), "write \\%c for the character".formatted(c));
            }
            default -> new Node.Chars(CodePoints.of(character(c)));
        };
    }

    private int character(int c) {
        if (c >= 0xD800 && c <= 0xDFFF) {
            throw error("half of a surrogate pair", "give whole characters");
        }
        return c;
    }

    private Node group() {
        if (take('?')) {
            int kind = at < chars.length ? chars[at] : -1;
            int next = at + 1 < chars.length ? chars[at + 1] : -1;
            if (kind == 'P' && next == '<' || kind == '<' && next != '=' && next != '!') {
                while (!take('>')) {
                    if (at++ >= chars.length) {
                        throw error("a group without the > of its name", "close it");
                    }
                }
            } else if (kind == '=' || kind == '!' || kind == '<') {
                throw error("a look around, (?%c".formatted(kind), "say what the text is, not what stands beside it");
            } else if (!take(':')) {
                throw error(
                        "a group of a kind that is not known, (?%s".formatted(Character.toString(Math.max(kind, 32))),
                        "use ( ), (?: ) or (?<name> )");
            }
        }
        Node inside = choice();
        if (!take(')')) {
            throw error("a ( without its )", "write \\( for the character");
        }
        return inside;
    }

    private Node repeated(Node each) {
        int least;
        int most;
        if (take('?')) {
            least = 0;
            most = 1;
        } else if (take('*')) {
            least = 0;
            most = Term.FOREVER;
        } else if (take('+')) {
            least = 1;
            most = Term.FOREVER;
        } else if (take('{')) {
            least = count();
            most = take(',') ? (at < chars.length && chars[at] == '}' ? Term.FOREVER : count()) : least;
            if (!take('}') || least > most) {
                throw error("a { that is no repetition", "write {2}, {2,} or {2,5}, or \\{ for the character");
            }
        } else {
            return each;
        }
        if (take('+')) {
            throw error("a possessive repetition", "leave the second + out");
        }
        take('?');
        if (at < chars.length && (chars[at] == '*' || chars[at] == '+' || chars[at] == '?' || chars[at] == '{')) {
            throw error("a repetition of a repetition", "put ( ) around the first");
        }
        if (each instanceof Node.Anchor) {
            throw error("an anchor that is repeated", "leave the repetition out");
        }
        return new Node.Repeat(each, least, most);
    }

    private int count() {
        int from = at;
        int count = 0;
        while (at < chars.length && chars[at] >= '0' && chars[at] <= '9' && count <= MOST_TIMES) {
            count = count * 10 + chars[at++] - '0';
        }
        if (at == from || count > MOST_TIMES) {
            throw error("a repetition without a number up to %,d".formatted(MOST_TIMES),
                    "write {2}, {2,} or {2,5}, or \\{ for the character");
        }
        return count;
    }

    private CodePoints set() {
        boolean without = take('^');
        CodePoints all = CodePoints.NONE;
        for (boolean first = true; !take(']'); first = false) {
            if (at >= chars.length || first && chars[at] == ']') {
                throw error("a [ without its ]", "write \\[ for the character");
            }
            int begin = at;
            CodePoints one = inSet();
            if (at + 1 < chars.length && chars[at] == '-' && chars[at + 1] != ']') {
                at++;
                int from = single(one, begin);
                int second = at;
                int to = single(inSet(), second);
                if (from > to) {
                    throw error("a range that ends before it begins", "turn it round");
                }
                one = CodePoints.range(from, to);
            }
            all = all.or(one);
        }
        return without ? all.complement() : all;
    }

    private CodePoints inSet() {
        int c = chars[at++];
        if (c == '\\') {
            return at < chars.length && chars[at] == '-' ? CodePoints.of(chars[at++]) : escaped();
        }
        if (c == '[' || c == '&' && at < chars.length && chars[at] == '&') {
            throw error("sets in a set", "write all characters in one, and \\[ or \\& for the character");
        }
        return CodePoints.of(character(c));
    }

    private int single(CodePoints set, int from) {
        if (set.bounds().size() != 2 || !set.bounds().getFirst().equals(set.bounds().getLast())) {
            at = from;
            throw error("a range from or to more than one character", "write \\- for the character");
        }
        return set.bounds().getFirst();
    }

    private CodePoints escaped() {
        if (at >= chars.length) {
            throw error("a \\ at the end", "write \\\\ for the character");
        }
        int c = chars[at++];
        return switch (c) {
            case 'd' -> DIGITS;
            case 'D' -> DIGITS.complement();
            case 'w' -> WORD;
            case 'W' -> WORD.complement();
            case 's' -> SPACE;
            case 'S' -> ANY_SPACE.complement();
            case 'p' -> category();
            case 'P' -> category().complement();
            case 'x' -> CodePoints.of(character(number(2)));
            case 'u' -> CodePoints.of(character(unit()));
            default -> {
                if (CONTROLS.containsKey(c) && !(c == '0' && at < chars.length && Character.isDigit(chars[at]))) {
                    yield CodePoints.of(CONTROLS.get(c));
                }
                if (Character.isLetterOrDigit(c)) {
                    at -= 2;
                    throw error(
                            c >= '1' && c <= '9' || c == 'k'
                                    ? "a reference to a group, \\%c".formatted(c)
                                    : "\\%s, which is not known".formatted(Character.toString(c)),
                            "see the syntax in docs/constrained-decoding.md");
                }
                yield CodePoints.of(character(c));
            }
        };
    }

    /// A character by its number, of which a surrogate pair has two.
    private int unit() {
        int first = number(4);
        if (Character.isBmpCodePoint(first) && Character.isHighSurrogate((char) first) && at + 1 < chars.length
                && chars[at] == '\\' && chars[at + 1] == 'u') {
            at += 2;
            int second = number(4);
            return Character.isBmpCodePoint(second) && Character.isLowSurrogate((char) second)
                    ? Character.toCodePoint((char) first, (char) second)
                    : first;
        }
        return first;
    }

    private int number(int digits) {
        boolean braces = take('{');
        int value = 0;
        int from = at;
        while (at < chars.length && (braces ? chars[at] != '}' : at < from + digits)) {
            int digit = chars[at] < 0x80 ? Character.digit(chars[at], 16) : -1;
            if (digit < 0 || value > Character.MAX_CODE_POINT) {
                break;
            }
            value = value * 16 + digit;
            at++;
        }
        if (at == from || braces && !take('}') || !braces && at < from + digits || value > Character.MAX_CODE_POINT) {
            throw error("a character number that cannot be read", "write \\x41, \\u0041 or \\u{1F642}");
        }
        return value;
    }

    private CodePoints category() {
        var name = new StringBuilder();
        if (take('{')) {
            while (at < chars.length && chars[at] != '}') {
                name.appendCodePoint(chars[at++]);
            }
        }
        if (name.isEmpty() || !take('}')) {
            throw error("a category that cannot be read", "write \\p{L} or \\p{IsGreek}");
        }
        try {
            return CATEGORIES.computeIfAbsent(name.toString(), known -> {
                var matches = Pattern.compile("\\p{" + known + "}").asMatchPredicate();
                return CodePoints.where(c -> matches.test(Character.toString(c)));
            });
        } catch (PatternSyntaxException e) {
            throw error("the category " + name + ", which Java does not know", "write \\p{L} or \\p{IsGreek}");
        }
    }

    private boolean take(int c) {
        if (at < chars.length && chars[at] == c) {
            at++;
            return true;
        }
        return false;
    }

    private IllegalArgumentException error(String found, String advice) {
        return new IllegalArgumentException("The regular expression %s has %s (near character %d): %s".formatted(source,
                found, Math.min(at, chars.length), advice));
    }
}
