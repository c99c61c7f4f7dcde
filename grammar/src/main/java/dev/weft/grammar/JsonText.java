package dev.weft.grammar;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// How the values of JSON are written (RFC 8259): in one line, with one space or none behind each comma and colon and
/// no other white space, so that a model cannot write white space without end.
final class JsonText {
    static final Term SPACE = Term.optional(Term.literal(" "));
    static final Term QUOTE = Term.literal("\"");

    private static final CodePoints ESCAPED = CodePoints.range(0, 0x1F).or(CodePoints.of("\"\\"));
    private static final String LETTERS = "\"\\\b\f\n\r\t";
    private static final String NAMES = "\"\\bfnrt";
    private static final Term DIGIT = digits('0', '9');
    /// Numbers of which nothing is said fit a `long` and a `double`.
    private static final int WHOLE_DIGITS = 18;
    private static final int FRACTION_DIGITS = 16;

    /// A character of a string in any of its spellings, but no half of a surrogate pair.
    static final Term ANY_CHARACTER = anyCharacter();
    /// A character in its only spelling where two must not mean the same.
    static final Term CHARACTER = spelled(CodePoints.ALL);

    private JsonText() {}

    private static Term anyCharacter() {
        Term hex = Term.bytes(ByteSet.range('0', '9').or(ByteSet.range('a', 'f')).or(ByteSet.range('A', 'F')));
        Term d = chars("dD");
        Term alone = Term.either(
                Term.sequence(Term.bytes(ByteSet.range('0', '9').or(set("abcefABCEF"))), Term.times(hex, 3, 3)),
                Term.sequence(d, digits('0', '7'), Term.times(hex, 2, 2)));
        Term pair = Term.sequence(d, chars("89abAB"), Term.times(hex, 2, 2), Term.literal("\\u"), d, chars("cdefCDEF"),
                Term.times(hex, 2, 2));
        return Term.either(CodePoints.ALL.without(ESCAPED).utf8(),
                Term.then(Term.literal("\\"), Term.either(chars("\"\\/bfnrt"),
                        Term.then(Term.literal("u"), Term.either(alone, pair)))));
    }

    /// One of these characters inside a string, each in one spelling.
    static Term spelled(CodePoints set) {
        var options = new ArrayList<Term>();
        options.add(set.without(ESCAPED).utf8());
        for (int c = 0; c < 0x80; c++) {
            if (ESCAPED.has(c) && set.has(c)) {
                options.add(Term.literal(escaped(c)));
            }
        }
        return Term.either(options);
    }

    private static String escaped(int c) {
        int named = LETTERS.indexOf(c);
        return named >= 0 ? "\\" + NAMES.charAt(named) : "\\u%04x".formatted(c);
    }

    /// A string, with its quotes.
    static String quoted(String text) {
        var quoted = new StringBuilder("\"");
        text.codePoints().forEach(c -> {
            if (ESCAPED.has(c)) {
                quoted.append(escaped(c));
            } else {
                quoted.appendCodePoint(c);
            }
        });
        return quoted.append('"').toString();
    }

    /// A value as it is, with the same freedom of spaces.
    static Term of(JsonNode value) {
        var parts = new ArrayList<Term>();
        if (value.isObject()) {
            parts.add(Term.literal("{"));
            value.properties().forEach(entry -> {
                comma(parts);
                parts.add(Term.literal(quoted(entry.getKey()) + ":"));
                parts.add(SPACE);
                parts.add(of(entry.getValue()));
            });
            parts.add(Term.literal("}"));
        } else if (value.isArray()) {
            parts.add(Term.literal("["));
            value.valueStream().forEach(each -> {
                comma(parts);
                parts.add(of(each));
            });
            parts.add(Term.literal("]"));
        } else {
            parts.add(Term.literal(value.isString() ? quoted(value.stringValue()) : value.toString()));
        }
        return Term.sequence(parts.toArray(Term[]::new));
    }

    private static void comma(List<Term> parts) {
        if (parts.size() > 1) {
            parts.add(Term.literal(","));
            parts.add(SPACE);
        }
    }

    // ---- numbers ----

    /// An end of a range of numbers.
    record Bound(BigDecimal value, boolean included) {
        Bound negated() {
            return new Bound(value.negate(), included);
        }
    }

    /// A number between two bounds. Exact: every number that can be written in this form and lies between them, and no
    /// other. Whole numbers have 18 digits at the most, or as many as the bounds; fractions 16, or as many as the bounds;
    /// an exponent, of two digits, only where there are neither bounds nor `places`.
    ///
    /// @param places digits behind the point at the most; 0 for whole numbers, −1 where nothing is said
    static Term number(@Nullable Bound low, @Nullable Bound high, int places, String where) {
        Term fraction = Term.optional(Term.then(Term.literal("."),
                Term.times(DIGIT, 1, places < 0 ? FRACTION_DIGITS + scale(low) + scale(high) : Math.max(1, places))));
        int most = Math.max(WHOLE_DIGITS, Math.max(precision(low), precision(high)));
        Term whole = Term.either(Term.literal("0"),
                Term.then(digits('1', '9'), Term.times(DIGIT, 0, most - 1)));
        Term plain = places == 0 ? whole : Term.then(whole, fraction);
        if (low == null && high == null) {
            Term exponent = Term
                    .optional(Term.sequence(chars("eE"), Term.optional(chars("+-")), Term.times(DIGIT, 1, 2)));
            Term negative = places == 0
                    ? Term.then(digits('1', '9'), Term.times(DIGIT, 0, most - 1))
                    : plain;
            return Term.then(Term.either(Term.then(Term.literal("-"), negative), plain),
                    places < 0 ? exponent : Term.EMPTY);
        }
        var zero = new Bound(BigDecimal.ZERO, true);
        Term positive = between(plain, low == null || low.value().signum() < 0 ? zero : low, high, where);
        Bound above = high == null || high.value().signum() > 0 ? zero : high;
        Term negative = between(plain,
                new Bound(above.value().negate(), above.included() && above.value().signum() != 0),
                low == null ? null : low.negated(), where);
        return Term.either(positive, Term.then(Term.literal("-"), negative));
    }

    private static int scale(@Nullable Bound bound) {
        return bound == null ? 0 : Math.max(0, bound.value().stripTrailingZeros().scale());
    }

    private static int precision(@Nullable Bound bound) {
        return bound == null ? 0 : bound.value().abs().setScale(0, RoundingMode.DOWN).precision();
    }

    /// Numbers without a sign.
    private static Term between(Term plain, Bound low, @Nullable Bound high, String where) {
        if (high != null && high.value().signum() < 0) {
            return Term.NOTHING;
        }
        var all = new ArrayList<Term>();
        all.add(plain);
        all.add(compared(low, true));
        if (high != null) {
            all.add(compared(high, false));
        }
        return Dfa.of(Term.both(all), where);
    }

    /// Numbers above a bound, or below it, digit by digit.
    private static Term compared(Bound bound, boolean above) {
        String[] digits = bound.value().stripTrailingZeros().toPlainString().split("\\.");
        String whole = digits[0];
        String behind = digits.length > 1 ? digits[1] : "";
        Term any = Term.times(DIGIT, 0, Term.FOREVER);
        Term tail = Term.optional(Term.then(Term.literal("."), any));
        // The same number before the point: what is behind it counts.
        Term same = Term.then(Term.literal(whole), fraction(behind, bound.included(), above));
        var options = new ArrayList<Term>(List.of(same));
        for (int i = 0; i < whole.length(); i++) {
            Term differs = other(whole.charAt(i), above);
            int left = whole.length() - i - 1;
            options.add(
                    Term.sequence(Term.literal(whole.substring(0, i)), differs, Term.times(DIGIT, left, left), tail));
        }
        // More digits are more, since none begins with 0.
        options.add(above
                ? Term.sequence(DIGIT, Term.times(DIGIT, whole.length(), Term.FOREVER), tail)
                : Term.sequence(Term.times(DIGIT, 0, whole.length() - 1), tail));
        return Term.either(options);
    }

    /// What follows the whole part of the bound itself.
    private static Term fraction(String behind, boolean included, boolean above) {
        Term any = Term.times(DIGIT, 0, Term.FOREVER);
        Term zeros = Term.times(Term.literal("0"), 0, Term.FOREVER);
        Term notZero = Term.sequence(zeros, digits('1', '9'), any);
        var options = new ArrayList<Term>();
        for (int i = 0; i < behind.length(); i++) {
            options.add(Term.sequence(Term.literal("." + behind.substring(0, i)), other(behind.charAt(i), above), any));
            if (!above && i > 0) {
                // Shorter is less, since the bound ends with no 0.
                options.add(Term.literal("." + behind.substring(0, i)));
            }
        }
        if (!above && !behind.isEmpty()) {
            options.add(Term.EMPTY);
        }
        Term exact = behind.isEmpty() ? Term.EMPTY : Term.literal("." + behind);
        Term point = behind.isEmpty() ? Term.literal(".") : Term.EMPTY;
        if (above) {
            options.add(Term.sequence(exact, point, notZero));
        }
        if (included) {
            options.add(Term.then(exact, behind.isEmpty() ? Term.optional(Term.then(point, zeros)) : zeros));
        }
        return Term.either(options);
    }

    private static Term other(char digit, boolean above) {
        return above
                ? digit == '9' ? Term.NOTHING : digits((char) (digit + 1), '9')
                : digit == '0' ? Term.NOTHING : digits('0', (char) (digit - 1));
    }

    private static Term digits(char first, char last) {
        return Term.bytes(ByteSet.range(first, last));
    }

    private static Term chars(String ascii) {
        return Term.bytes(set(ascii));
    }

    private static ByteSet set(String ascii) {
        return ascii.chars().mapToObj(ByteSet::of).reduce(ByteSet.NONE, ByteSet::or);
    }
}
