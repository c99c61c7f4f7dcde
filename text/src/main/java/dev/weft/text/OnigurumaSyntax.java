package dev.weft.text;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/// A regular expression in Oniguruma's Ruby syntax, which the files assume, written for Java's engine with the same
/// meaning. What Java's engine cannot do is an error.
final class OnigurumaSyntax {
    /// Unicode classes, lines end at line feeds only and `^`, `$` see them.
    static final int FLAGS = Pattern.UNICODE_CHARACTER_CLASS | Pattern.UNICODE_CASE | Pattern.MULTILINE
            | Pattern.UNIX_LINES;

    private static final String HEX = "[0-9A-Fa-f]";
    /// Oniguruma's `\w` has no joiners, but, by an oddity of its table for Latin-1, the superscripts and fractions there.
    private static final String WORD = "[\\p{IsAlphabetic}\\p{M}\\p{Nd}\\p{Pc}\\xB2\\xB3\\xB9\\xBC-\\xBE]";
    private static final String WORD_PROPERTY = "[\\p{IsAlphabetic}\\p{M}\\p{Nd}\\p{Pc}]";
    private static final String GRAPH = "[^\\p{IsWhite_Space}\\p{Cc}\\p{Cs}\\p{Cn}]";

    /// The names of POSIX, in brackets and as properties.
    private static final Map<String, String> POSIX = Map.ofEntries(Map.entry("alnum", "[\\p{IsAlphabetic}\\p{Nd}]"),
            Map.entry("alpha", "\\p{IsAlphabetic}"), Map.entry("ascii", "[\\x00-\\x7F]"),
            Map.entry("blank", "[\\p{Zs}\\t]"), Map.entry("cntrl", "\\p{Cc}"), Map.entry("digit", "\\p{Nd}"),
            Map.entry("graph", GRAPH), Map.entry("lower", "\\p{IsLowercase}"),
            Map.entry("print", "[" + GRAPH + "\\p{Zs}]"), Map.entry("punct", "[\\p{P}\\p{S}]"),
            Map.entry("space", "\\p{IsWhite_Space}"), Map.entry("upper", "\\p{IsUppercase}"),
            Map.entry("xdigit", HEX), Map.entry("word", WORD_PROPERTY));

    /// General categories by their long names.
    private static final Map<String, String> CATEGORIES = Map.ofEntries(Map.entry("other", "C"),
            Map.entry("control", "Cc"), Map.entry("format", "Cf"), Map.entry("unassigned", "Cn"),
            Map.entry("privateuse", "Co"), Map.entry("surrogate", "Cs"), Map.entry("letter", "L"),
            Map.entry("casedletter", "LC"), Map.entry("lowercaseletter", "Ll"), Map.entry("modifierletter", "Lm"),
            Map.entry("otherletter", "Lo"), Map.entry("titlecaseletter", "Lt"), Map.entry("uppercaseletter", "Lu"),
            Map.entry("mark", "M"), Map.entry("combiningmark", "M"), Map.entry("spacingmark", "Mc"),
            Map.entry("enclosingmark", "Me"), Map.entry("nonspacingmark", "Mn"), Map.entry("number", "N"),
            Map.entry("decimalnumber", "Nd"), Map.entry("letternumber", "Nl"), Map.entry("othernumber", "No"),
            Map.entry("punctuation", "P"), Map.entry("connectorpunctuation", "Pc"),
            Map.entry("dashpunctuation", "Pd"), Map.entry("closepunctuation", "Pe"),
            Map.entry("finalpunctuation", "Pf"), Map.entry("initialpunctuation", "Pi"),
            Map.entry("otherpunctuation", "Po"), Map.entry("openpunctuation", "Ps"), Map.entry("symbol", "S"),
            Map.entry("currencysymbol", "Sc"), Map.entry("modifiersymbol", "Sk"), Map.entry("mathsymbol", "Sm"),
            Map.entry("othersymbol", "So"), Map.entry("separator", "Z"), Map.entry("lineseparator", "Zl"),
            Map.entry("paragraphseparator", "Zp"), Map.entry("spaceseparator", "Zs"));

    private static final Pattern CASED = Pattern.compile("L[ult]}|case}");

    private final String regex;
    private final boolean ignoresCase;
    private final StringBuilder java = new StringBuilder();
    /// For every open group: where it begins in `java`, and how many option groups were opened inside it.
    private final Deque<int[]> groups = new ArrayDeque<>();
    private int at;
    /// Where the last atom begins in `java`, or -1 where none can be repeated.
    private int atom = -1;

    OnigurumaSyntax(String regex) {
        this.regex = regex;
        ignoresCase = regex.matches("(?s).*\\(\\?[imx]*i.*");
    }

    /// @throws PatternSyntaxException for what Java's engine cannot do
    String inJava() {
        groups.push(new int[]{0, 0});
        while (at < regex.length()) {
            switch (regex.charAt(at)) {
                case '\\' -> escape();
                case '[' -> {
                    atom = java.length();
                    characterClass();
                }
                case '(' -> open();
                case ')' -> close();
                case '*', '+', '?' -> repeat();
                case '{' -> interval();
                case '|', '^', '$' -> {
                    java.append(regex.charAt(at++));
                    atom = -1;
                }
                default -> {
                    atom = java.length();
                    int c = regex.codePointAt(at);
                    java.append(c == '}' ? "\\}" : Character.toString(c));
                    at += Character.charCount(c);
                }
            }
        }
        java.append(")".repeat(groups.peek()[1]));
        return java.toString();
    }

    private PatternSyntaxException error(String problem) {
        return new PatternSyntaxException(problem, regex, at);
    }

    private boolean looksAt(String text) {
        return regex.startsWith(text, at);
    }

    private char escaped() {
        if (at + 1 >= regex.length()) {
            throw error("a backslash at the end");
        }
        return regex.charAt(at + 1);
    }

    private void escape() {
        char c = escaped();
        atom = java.length();
        @Nullable
        String simple = switch (c) {
            case 'p', 'P' -> {
                property();
                if (ignoresCase && CASED.matcher(java.substring(atom)).find()) {
                    // Unlike Java's, these sets are not widened where case is ignored.
                    java.insert(atom, "(?-i:").append(')');
                }
                at -= 2;
                yield "";
            }
            case 'b' -> "(?:(?<=%1$s)(?!%1$s)|(?<!%1$s)(?=%1$s))".formatted(WORD);
            case 'B' -> "(?:(?<=%1$s)(?=%1$s)|(?<!%1$s)(?!%1$s))".formatted(WORD);
            case 'O' -> "(?s:.)";
            case 'N' -> "[^\\n]";
            case 'A', 'z', 'Z', 'G', 'R', 'X' -> "\\" + c;
            case 'w' -> WORD;
            case 'W' -> "[^" + WORD.substring(1);
            case 'K', 'g', 'y', 'Y' -> throw error("\\%c is not supported".formatted(c));
            case 'k' -> "\\k";
            default -> c >= '1' && c <= '9' && !octal() ? "\\" + c : null;
        };
        if (simple == null) {
            escapeInClass();
        } else {
            java.append(simple);
            at += 2;
        }
    }

    /// The escapes that mean the same inside and outside of brackets.
    private void escapeInClass() {
        char c = escaped();
        switch (c) {
            case 'p', 'P' -> property();
            case 'h' -> java.append(HEX);
            case 'H' -> java.append("[^0-9A-Fa-f]");
            case 'w' -> java.append(WORD_PROPERTY);
            case 'W' -> java.append("[^").append(WORD_PROPERTY, 1, WORD_PROPERTY.length());
            case 'd', 'D', 's', 'S', 'n', 't', 'r', 'f', 'a', 'e', 'x', 'u', 'c' -> java.append('\\').append(c);
            case '0', '1', '2', '3', '4', '5', '6', '7' -> {
                int end = at + 1;
                while (end < at + 4 && end < regex.length() && regex.charAt(end) >= '0' && regex.charAt(end) <= '7') {
                    end++;
                }
                java.append("\\x{%X}".formatted(Integer.parseInt(regex, at + 1, end, 8)));
                at = end - 2;
            }
            case 'v' -> java.append("\\x0B");
            default -> {
                int literal = regex.codePointAt(at + 1);
                if (literal < 0x80 && !Character.isLetterOrDigit(literal)) {
                    java.append('\\');
                }
                java.appendCodePoint(literal);
                at += Character.charCount(literal) - 1;
            }
        }
        if (c != 'p' && c != 'P') {
            at += 2;
        }
    }

    /// Whether three octal digits stand here: a character, and not a reference to a group.
    private boolean octal() {
        return regex.length() >= at + 4 && regex.substring(at + 1, at + 4).matches("[0-7]{3}");
    }

    private void property() {
        boolean negative = escaped() == 'P';
        int end = regex.indexOf('}', at);
        if (end < 0 || at + 2 >= regex.length() || regex.charAt(at + 2) != '{') {
            throw error("expected a property, as in \\p{L}");
        }
        String name = regex.substring(at + 3, end);
        if (name.startsWith("^")) {
            negative = !negative;
            name = name.substring(1);
        }
        String set = set(name);
        java.append(negative ? "[^" + set + "]" : set);
        at = end + 1;
    }

    private String set(String name) {
        String plain = name.replaceAll("[ _-]", "").toLowerCase(Locale.ROOT);
        if (plain.isEmpty()) {
            throw error("a property has a name, as in \\p{L}");
        }
        if (plain.equals("any")) {
            return "[\\x{0}-\\x{10FFFF}]";
        }
        if (plain.equals("assigned")) {
            return "\\P{Cn}";
        }
        if (plain.equals("punct")) {
            return "\\p{P}";
        }
        @Nullable
        String posix = POSIX.get(plain);
        if (posix != null) {
            return posix;
        }
        if (plain.length() <= 2) {
            return known("\\p{" + name.substring(0, 1).toUpperCase(Locale.ROOT)
                    + (plain.equals("lc") ? "C" : name.substring(1).toLowerCase(Locale.ROOT)) + "}", name);
        }
        @Nullable
        String category = CATEGORIES.get(plain);
        if (category != null) {
            return "\\p{" + category + "}";
        }
        return known(name.startsWith("In")
                ? "\\p{In" + name.substring(name.startsWith("In_") ? 3 : 2) + "}"
                : "\\p{Is" + name + "}", name);
    }

    private String known(String set, String name) {
        try {
            Pattern.compile(set, FLAGS);
            return set;
        } catch (PatternSyntaxException e) {
            throw error("the property {%s} is not known".formatted(name));
        }
    }

    private void characterClass() {
        java.append(regex.charAt(at++));
        if (looksAt("^")) {
            java.append('^');
            at++;
        }
        if (looksAt("]")) {
            java.append("\\]");
            at++;
        }
        // A hyphen behind a set is itself.
        boolean afterSet = false;
        while (at < regex.length()) {
            char c = regex.charAt(at);
            if (c == ']') {
                java.append(c);
                at++;
                return;
            }
            boolean set = false;
            if (c == '[') {
                set = true;
                if (!bracket()) {
                    characterClass();
                }
            } else if (c == '\\') {
                set = "pPhHwWdDsS".indexOf(escaped()) >= 0;
                if (escaped() == 'b') {
                    java.append("\\x08");
                    at += 2;
                } else {
                    escapeInClass();
                }
            } else if (c == '-' && afterSet) {
                java.append("\\-");
                at++;
            } else if (looksAt("&&")) {
                java.append("&&");
                at += 2;
            } else {
                java.append(c == '&' || c == '#' || c == ' ' ? "\\" : "").append(c);
                at++;
            }
            afterSet = set;
        }
        throw error("a bracket is not closed");
    }

    /// A POSIX bracket such as `[:alpha:]`; false if there is none.
    private boolean bracket() {
        int end = regex.indexOf(":]", at);
        if (!looksAt("[:") || end < 0) {
            return false;
        }
        boolean negative = regex.charAt(at + 2) == '^';
        @Nullable
        String set = POSIX.get(regex.substring(at + (negative ? 3 : 2), end));
        if (set == null) {
            return false;
        }
        java.append(negative ? "[^" + set + "]" : set);
        at = end + 2;
        return true;
    }

    private void open() {
        if (looksAt("(?#")) {
            int end = regex.indexOf(')', at);
            at = end < 0 ? regex.length() : end + 1;
            return;
        }
        if (looksAt("(?~") || looksAt("(?(") || looksAt("(?{") || looksAt("(*")) {
            throw error("\"%s\" is not supported".formatted(regex.substring(at, at + 3 - (looksAt("(*") ? 1 : 0))));
        }
        int start = java.length();
        if (looksAt("(?") && at + 2 < regex.length() && "imx-".indexOf(regex.charAt(at + 2)) >= 0) {
            options(start);
            return;
        }
        groups.push(new int[]{start, 0});
        String head = "(";
        for (String known : new String[]{"(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!"}) {
            head = looksAt(known) ? known : head;
        }
        if (head.equals("(") && looksAt("(?")) {
            // A name: Java writes it alike, but only between angle brackets.
            if (!looksAt("(?<")) {
                throw error("\"%s\" is not supported".formatted(regex.substring(at, Math.min(at + 3,
                        regex.length()))));
            }
            head = "(?<";
        }
        java.append(head);
        at += head.length();
        atom = -1;
    }

    /// `(?i)` counts up to the end of the group around it, alternatives included; `m` lets the dot match line feeds.
    private void options(int start) {
        int end = at + 2;
        while (end < regex.length() && "imx-".indexOf(regex.charAt(end)) >= 0) {
            end++;
        }
        String options = regex.substring(at + 2, end).replace('m', 's');
        if (end == regex.length() || regex.charAt(end) != ')' && regex.charAt(end) != ':') {
            throw error("options that are not known");
        }
        java.append("(?").append(options).append(':');
        if (regex.charAt(end) == ':') {
            groups.push(new int[]{start, 0});
        } else {
            groups.peek()[1]++;
        }
        at = end + 1;
        atom = -1;
    }

    private void close() {
        if (groups.size() == 1) {
            throw error("a closing parenthesis without an opening one");
        }
        int[] group = groups.pop();
        java.append(")".repeat(group[1] + 1));
        atom = group[0];
        at++;
    }

    private void repeat() {
        java.append(regex.charAt(at++));
        if (at < regex.length() && (regex.charAt(at) == '+' || regex.charAt(at) == '?')) {
            java.append(regex.charAt(at++));
        }
        wrapFurther();
    }

    /// `{n}`, `{n,}`, `{,m}`, `{n,m}`; anything else is a brace. A plus behind it repeats it again, and so does a
    /// question mark behind `{n}`.
    private void interval() {
        int end = at + 1;
        int comma = -1;
        while (end < regex.length()
                && (Character.isDigit(regex.charAt(end)) || regex.charAt(end) == ',' && comma < 0)) {
            comma = regex.charAt(end) == ',' ? end : comma;
            end++;
        }
        boolean digits = end - at > (comma < 0 ? 1 : 2);
        if (atom < 0 || end >= regex.length() || regex.charAt(end) != '}' || !digits) {
            atom = java.length();
            java.append("\\{");
            at++;
            return;
        }
        if (regex.substring(at, end).matches(".*\\d{7}.*")) {
            throw error("an interval of too large numbers");
        }
        int least = comma == at + 1 ? 0 : Integer.parseInt(regex, at + 1, comma < 0 ? end : comma, 10);
        if (least < 2 && comma >= 0 && regex.startsWith("}+", end)) {
            // Repeated again, this is a plain star or plus, at which Java's engine does not go deep.
            java.append(least == 0 ? '*' : '+');
            at = end + 2;
        } else {
            java.append('{').append(least).append(regex, comma < 0 ? end : comma, end + 1);
            at = end + 1;
            if (looksAt("?") && comma >= 0) {
                java.append('?');
                at++;
            }
        }
        wrapFurther();
    }

    /// Where one repetition follows another, the first is the atom of the second.
    private void wrapFurther() {
        if (atom >= 0 && at < regex.length() && "*+?".indexOf(regex.charAt(at)) >= 0) {
            java.insert(atom, "(?:").append(')');
        }
    }
}
