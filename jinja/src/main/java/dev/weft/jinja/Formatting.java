package dev.weft.jinja;

import dev.weft.jinja.Values.DictValue;
import dev.weft.jinja.Values.TupleValue;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.List;
import java.util.function.BiFunction;

/// Python's two ways to put values into a string: `'%s' % value` and `'{}'.format(value)`.
final class Formatting {
    private static final int WIDEST = 100_000;
    private static final int FINEST = 400;

    private final Python python;

    Formatting(Python python) {
        this.python = python;
    }

    /// How a value is shown. Width -1 and precision -1: not given.
    private record Spec(String fill, char align, char sign, boolean alternative, int width, char grouping,
            int precision, char type) {}

    String percent(String format, Object values) {
        List<Object> items = values instanceof TupleValue tuple ? tuple.items() : List.of(values);
        var out = new StringBuilder();
        int used = 0;
        boolean named = false;
        for (int i = 0; i < format.length();) {
            char c = format.charAt(i++);
            if (c != '%') {
                out.append(c);
                continue;
            }
            Object given = null;
            if (i < format.length() && format.charAt(i) == '(') {
                int end = closing(format, i);
                if (!(values instanceof DictValue dict)) {
                    throw new Problem("'%(name)s' in a format needs a dict after the %");
                }
                String name = format.substring(i + 1, end);
                given = dict.get(name);
                if (given == null) {
                    throw Problem.of("a format names '%s', which the dict has not", name);
                }
                named = true;
                i = end + 1;
            }
            String flags = "";
            while (i < format.length() && "-+ #0".indexOf(format.charAt(i)) >= 0) {
                flags += format.charAt(i++);
                if (flags.length() > 20) {
                    throw new Problem("too many flags in a format");
                }
            }
            int[] number = {-1};
            if (i < format.length() && format.charAt(i) == '*') {
                number[0] = Python.wantInt(next(items, used++), "the width of a format");
                flags = number[0] < 0 ? flags + "-" : flags;
                number[0] = bounded(Math.abs(number[0]), WIDEST);
                i++;
            } else {
                i = number(format, i, number, WIDEST);
            }
            int width = number[0];
            int precision = -1;
            if (i < format.length() && format.charAt(i) == '.') {
                number[0] = 0;
                if (i + 1 < format.length() && format.charAt(i + 1) == '*') {
                    number[0] = bounded(Math.max(0, Python.wantInt(next(items, used++), "a precision")), FINEST);
                    i += 2;
                } else {
                    i = number(format, i + 1, number, FINEST);
                }
                precision = number[0];
            }
            while (i < format.length() && "hlL".indexOf(format.charAt(i)) >= 0) {
                i++;
            }
            if (i >= format.length()) {
                throw new Problem("a format ends after a %");
            }
            char type = format.charAt(i++);
            if (type == '%') {
                out.append('%');
                continue;
            }
            Object value = given != null ? given : next(items, used++);
            out.append(one(value, flags, width, precision, type));
            python.meter.chars(out.length());
        }
        if (!named && used < items.size() && !(values instanceof DictValue)
                && (values instanceof TupleValue || !(values instanceof Values.ListValue))) {
            throw new Problem("a format has fewer places than values");
        }
        return out.toString();
    }

    private static int closing(String format, int from) {
        int open = 0;
        for (int i = from; i < format.length(); i++) {
            open += format.charAt(i) == '(' ? 1 : format.charAt(i) == ')' ? -1 : 0;
            if (open == 0) {
                return i;
            }
        }
        throw new Problem("'%(' in a format without ')'");
    }

    private static Object next(List<Object> items, int used) {
        if (used >= items.size()) {
            throw new Problem("a format has more places than values");
        }
        return items.get(used);
    }

    private static int number(String text, int from, int[] number, int most) {
        int i = from;
        while (i < text.length() && text.charAt(i) >= '0' && text.charAt(i) <= '9') {
            number[0] = bounded(Math.max(0, number[0]) * 10 + text.charAt(i++) - '0', most);
        }
        return i;
    }

    private static int bounded(int number, int most) {
        if (number > most) {
            throw Problem.of("a width or precision beyond %d in a format", most);
        }
        return number;
    }

    private String one(Object value, String flags, int width, int precision, char type) {
        boolean left = flags.contains("-");
        char sign = flags.contains("+") ? '+' : flags.contains(" ") ? ' ' : '-';
        boolean zeros = flags.contains("0") && !left;
        boolean alternative = flags.contains("#");
        switch (type) {
            case 's', 'r', 'a' -> {
                String text = type == 's' ? python.str(value) : python.repr(value);
                if (type == 'a') {
                    text = JsonText.ascii(text);
                }
                String cut = precision >= 0 && precision < Text.length(text)
                        ? text.substring(0, Text.unit(text, precision))
                        : text;
                return padded("", cut, new Spec(" ", left ? '<' : '>', '-', false, width, ' ', -1, 's'));
            }
            case 'c' -> {
                String text = Python.text(value);
                if (text == null) {
                    text = character(value);
                } else if (Text.length(text) != 1) {
                    throw new Problem("%c in a format needs one character");
                }
                return padded("", text, new Spec(" ", left ? '<' : '>', '-', false, width, ' ', -1, 's'));
            }
            case 'd', 'i', 'u', 'x', 'X', 'o' -> {
                char base = type == 'i' || type == 'u' ? 'd' : type;
                if (base != 'd' && value instanceof Double) {
                    throw Problem.of("%%%c in a format needs an integer, found float", type);
                }
                BigInteger number = value instanceof Double d
                        ? Filters.truncated(d)
                        : Python.wantInteger(value, "the value for %" + type + " in a format");
                String digits = digits(number.abs(), base);
                if (precision > digits.length()) {
                    digits = "0".repeat(precision - digits.length()) + digits;
                }
                String prefix = alternative && base != 'd' ? "0" + base : "";
                return padded(sign(number.signum() < 0, sign) + prefix, digits,
                        new Spec(zeros ? "0" : " ", zeros ? '=' : left ? '<' : '>', sign, false, width, ' ', -1, 'd'));
            }
            case 'e', 'E', 'f', 'F', 'g', 'G' -> {
                if (!Python.isNumber(value)) {
                    throw Python.unused(value,
                            "%%%c in a format needs a number, found %s".formatted(type, Python.type(value)));
                }
                double number = Python.doubleOf(value);
                boolean fill = zeros;
                return padded(sign(isNegative(number), sign),
                        digits(Math.abs(number), precision < 0 ? 6 : precision, type, alternative),
                        new Spec(fill ? "0" : " ", fill ? '=' : left ? '<' : '>', sign, false, width, ' ', -1, type));
            }
            default -> throw Problem.of("'%%%c' in a format is unknown", type);
        }
    }

    private static String character(Object value) {
        int c = Python.wantInt(value, "the value for a character");
        if (!Character.isValidCodePoint(c)) {
            throw Problem.of("%d is not the number of a character", c);
        }
        return Character.toString(c);
    }

    private static boolean isNegative(double number) {
        return number < 0 || number == 0 && 1 / number < 0;
    }

    private static String sign(boolean negative, char sign) {
        return negative ? "-" : sign == '-' ? "" : String.valueOf(sign);
    }

    private static String digits(BigInteger number, char type) {
        return switch (type) {
            case 'b' -> number.toString(2);
            case 'o' -> number.toString(8);
            case 'x' -> number.toString(16);
            case 'X' -> Text.upper(number.toString(16));
            default -> number.toString();
        };
    }

    /// A number of 0 or more with e, f or g.
    static String digits(double number, int precision, char type, boolean alternative) {
        boolean upper = Character.isUpperCase(type);
        if (!Double.isFinite(number)) {
            String text = Double.isNaN(number) ? "nan" : "inf";
            return upper ? Text.upper(text) : text;
        }
        var exact = new BigDecimal(number);
        String text = switch (Character.toLowerCase(type)) {
            case 'f' -> fixed(exact, precision) + (alternative && precision == 0 ? "." : "");
            case 'e' -> scientific(exact, precision, alternative);
            default -> {
                int significant = Math.max(1, precision);
                BigDecimal rounded = exact.round(new MathContext(significant, RoundingMode.HALF_EVEN));
                int exponent = rounded.signum() == 0 ? 0 : rounded.precision() - rounded.scale() - 1;
                String general = exponent < -4 || exponent >= significant
                        ? scientific(rounded, significant - 1, alternative)
                        : fixed(rounded, significant - 1 - exponent) + (alternative
                                && significant - 1 - exponent == 0 ? "." : "");
                yield alternative ? general : withoutZeros(general);
            }
        };
        return upper ? Text.upper(text) : text;
    }

    private static String fixed(BigDecimal number, int precision) {
        return number.setScale(precision, RoundingMode.HALF_EVEN).toPlainString();
    }

    private static String scientific(BigDecimal number, int precision, boolean alternative) {
        BigDecimal rounded = number.round(new MathContext(precision + 1, RoundingMode.HALF_EVEN));
        int exponent = rounded.signum() == 0 ? 0 : rounded.precision() - rounded.scale() - 1;
        String digits = rounded.unscaledValue().toString();
        digits = digits + "0".repeat(Math.max(0, precision + 1 - digits.length()));
        digits = digits.substring(0, precision + 1);
        return digits.charAt(0) + (precision > 0 || alternative ? "." : "") + digits.substring(1)
                + "e%s%02d".formatted(exponent < 0 ? "-" : "+", Math.abs(exponent));
    }

    private static String withoutZeros(String text) {
        int e = text.indexOf('e');
        String mantissa = e < 0 ? text : text.substring(0, e);
        if (mantissa.indexOf('.') >= 0) {
            int end = mantissa.length();
            while (mantissa.charAt(end - 1) == '0') {
                end--;
            }
            mantissa = mantissa.substring(0, mantissa.charAt(end - 1) == '.' ? end - 1 : end);
        }
        return e < 0 ? mantissa : mantissa + text.substring(e);
    }

    private String padded(String prefix, String digits, Spec spec) {
        int missing = spec.width() - Text.length(prefix) - Text.length(digits);
        if (missing <= 0) {
            return prefix + digits;
        }
        python.meter.chars(spec.width());
        String fill = spec.fill();
        return switch (spec.align()) {
            case '<' -> prefix + digits + fill.repeat(missing);
            case '^' -> fill.repeat(missing / 2) + prefix + digits + fill.repeat(missing - missing / 2);
            case '=' -> prefix + fill.repeat(missing) + digits;
            default -> fill.repeat(missing) + prefix + digits;
        };
    }

    // '{}'.format

    /// @param lookUp object and name to the attribute, for `{0.name}`
    String braces(String format, Arguments arguments, BiFunction<Object, String, Object> lookUp) {
        return braces(format, arguments, lookUp, new int[]{0}, 2);
    }

    private String braces(String format, Arguments arguments, BiFunction<Object, String, Object> lookUp, int[] auto,
            int levels) {
        if (levels == 0) {
            throw new Problem("braces of a format lie too deep in each other");
        }
        var out = new StringBuilder();
        for (int i = 0; i < format.length();) {
            char c = format.charAt(i++);
            if (c == '}' || c == '{') {
                if (i < format.length() && format.charAt(i) == c) {
                    out.append(c);
                    i++;
                    continue;
                }
                if (c == '}') {
                    throw new Problem("a single '}' in a format");
                }
                int end = fieldEnd(format, i);
                out.append(field(format.substring(i, end), arguments, lookUp, auto, levels));
                python.meter.chars(out.length());
                i = end + 1;
            } else {
                out.append(c);
            }
        }
        return out.toString();
    }

    private static int fieldEnd(String format, int from) {
        int open = 1;
        for (int i = from; i < format.length(); i++) {
            open += format.charAt(i) == '{' ? 1 : format.charAt(i) == '}' ? -1 : 0;
            if (open == 0) {
                return i;
            }
        }
        throw new Problem("a '{' in a format without '}'");
    }

    private String field(String field, Arguments arguments, BiFunction<Object, String, Object> lookUp, int[] auto,
            int levels) {
        int end = 0;
        boolean bracket = false;
        while (end < field.length() && (bracket || field.charAt(end) != ':' && field.charAt(end) != '!')) {
            bracket = field.charAt(end) == '[' || bracket && field.charAt(end) != ']';
            end++;
        }
        Object value = fieldValue(field.substring(0, end), arguments, lookUp, auto);
        if (end < field.length() && field.charAt(end) == '!') {
            char conversion = end + 1 < field.length() ? field.charAt(end + 1) : ' ';
            value = switch (conversion) {
                case 's' -> python.str(value);
                case 'r' -> python.repr(value);
                case 'a' -> JsonText.ascii(python.repr(value));
                default -> throw Problem.of("the conversion '!%c' in a format is unknown", conversion);
            };
            end += 2;
            if (end < field.length() && field.charAt(end) != ':') {
                throw new Problem("expected ':' after the conversion in a format");
            }
        }
        String spec = end < field.length() ? field.substring(end + 1) : "";
        return format(value, spec.indexOf('{') < 0 && spec.indexOf('}') < 0
                ? spec
                : braces(spec, arguments, lookUp, auto, levels - 1));
    }

    private Object fieldValue(String path, Arguments arguments, BiFunction<Object, String, Object> lookUp,
            int[] auto) {
        int end = 0;
        while (end < path.length() && path.charAt(end) != '.' && path.charAt(end) != '[') {
            end++;
        }
        String first = path.substring(0, end);
        Object value;
        if (first.isEmpty() || first.chars().allMatch(c -> c >= '0' && c <= '9')) {
            boolean automatic = first.isEmpty();
            if (auto[0] != 0 && auto[0] < 0 == automatic) {
                throw new Problem("a format numbers some places itself and leaves others");
            }
            int[] number = {0};
            number(first, 0, number, 1_000_000);
            int place = automatic ? auto[0] : number[0];
            auto[0] = automatic ? auto[0] + 1 : -1;
            if (place >= arguments.positional().size()) {
                throw Problem.of("a format asks for value %d of %d", place, arguments.positional().size());
            }
            value = arguments.positional().get(place);
        } else {
            Object named = arguments.named().get(first);
            if (named == null) {
                throw Problem.of("a format names '%s', which was not given", first);
            }
            value = named;
        }
        while (end < path.length()) {
            if (path.charAt(end) == '.') {
                int to = end + 1;
                while (to < path.length() && path.charAt(to) != '.' && path.charAt(to) != '[') {
                    to++;
                }
                value = lookUp.apply(value, path.substring(end + 1, to));
                end = to;
            } else {
                int to = path.indexOf(']', end);
                if (path.charAt(end) != '[' || to <= end + 1) {
                    throw new Problem("a format has a wrong '[…]' in a place");
                }
                String key = path.substring(end + 1, to);
                int[] number = {0};
                boolean digits = key.chars().allMatch(c -> c >= '0' && c <= '9');
                if (digits) {
                    number(key, 0, number, 1_000_000_000);
                }
                Object item = python.item(value, digits ? Python.integer(number[0]) : key);
                if (item == null) {
                    throw Problem.of("a format asks for the item '%s', which is not there", key);
                }
                value = item;
                end = to + 1;
            }
        }
        return value;
    }

    /// `format(value, spec)`.
    private String format(Object value, String spec) {
        if (spec.isEmpty()) {
            return python.str(value);
        }
        String text = Python.text(value);
        if (text == null && !Python.isNumber(value)) {
            throw Python.unused(value, "a %s cannot be shown with the format '%s'".formatted(Python.type(value), spec));
        }
        Spec parsed = parse(spec, text != null);
        if (text != null) {
            return formatText(text, parsed, spec);
        }
        char type = parsed.type();
        if (value instanceof Double || "eEfFgG%".indexOf(type) >= 0) {
            return formatDouble(Python.doubleOf(value), parsed, spec);
        }
        if (parsed.precision() >= 0 || type != 0 && "bcdoxXn".indexOf(type) < 0) {
            throw wrong(spec, "an int");
        }
        BigInteger number = Python.wantInteger(value, "a number");
        if (type == 'c') {
            return padded("", character(value), parsed);
        }
        String prefix = parsed.alternative() && "boxX".indexOf(type) >= 0 ? "0" + type : "";
        return grouped(sign(number.signum() < 0, parsed.sign()) + prefix, digits(number.abs(), type), parsed,
                "boxX".indexOf(type) >= 0 && type != 0 ? 4 : 3);
    }

    private static Problem wrong(String spec, String type) {
        return Problem.of("the format '%s' is not one for %s", spec, type);
    }

    private String formatText(String text, Spec spec, String written) {
        if (spec.type() != 0 && spec.type() != 's' || spec.grouping() != ' ' || spec.align() == '='
                || spec.sign() != '-' || spec.alternative()) {
            throw wrong(written, "a string");
        }
        String cut = spec.precision() >= 0 && spec.precision() < Text.length(text)
                ? text.substring(0, Text.unit(text, spec.precision()))
                : text;
        return padded("", cut, spec);
    }

    private String formatDouble(double number, Spec spec, String written) {
        char type = spec.type();
        double size = Math.abs(number);
        String digits;
        if (type == '%') {
            digits = digits(size * 100, spec.precision() < 0 ? 6 : spec.precision(), 'f', spec.alternative()) + "%";
        } else if (type == 0 && spec.precision() < 0) {
            digits = Python.digits(size);
        } else if (type == 0) {
            digits = digits(size, spec.precision(), 'g', spec.alternative());
            int exponent = size == 0 || !Double.isFinite(size)
                    ? 0
                    : new BigDecimal(size).round(new MathContext(Math.max(1, spec.precision()),
                            RoundingMode.HALF_EVEN)).precision()
                            - new BigDecimal(size).round(new MathContext(Math.max(1, spec.precision()),
                                    RoundingMode.HALF_EVEN)).scale()
                            - 1;
            if (Double.isFinite(size) && exponent >= Math.max(1, spec.precision()) - 1 && digits.indexOf('e') < 0) {
                digits = digits(size, Math.max(0, spec.precision() - 1), 'e', false);
                digits = withoutZeros(digits);
            } else if (Double.isFinite(size) && digits.indexOf('e') < 0 && digits.indexOf('.') < 0) {
                digits += ".0";
            }
        } else if ("eEfFgGn".indexOf(type) >= 0) {
            digits = digits(size, spec.precision() < 0 ? 6 : spec.precision(), type == 'n' ? 'g' : type,
                    spec.alternative());
        } else {
            throw wrong(written, "a float");
        }
        return grouped(sign(isNegative(number), spec.sign()), digits, spec, 3);
    }

    private String grouped(String prefix, String digits, Spec spec, int every) {
        if (spec.grouping() == ' ') {
            return padded(prefix, digits, spec);
        }
        int whole = 0;
        while (whole < digits.length() && Character.digit(digits.charAt(whole), 16) >= 0
                && digits.charAt(whole) != '.') {
            whole++;
        }
        String integer = digits.substring(0, whole);
        if (spec.fill().equals("0") && spec.align() == '=') {
            int room = spec.width() - prefix.length() - (digits.length() - whole);
            while (integer.length() + (integer.length() - 1) / every < room) {
                integer = "0" + integer;
            }
        }
        var out = new StringBuilder(integer);
        for (int i = integer.length() - every; i > 0; i -= every) {
            out.insert(i, spec.grouping());
        }
        return padded(prefix, out + digits.substring(whole), spec);
    }

    /// `[[fill]align][sign][#][0][width][grouping][.precision][type]`
    private static Spec parse(String spec, boolean text) {
        int[] characters = spec.codePoints().toArray();
        String fill = " ";
        char align = 0;
        int i = 0;
        if (characters.length > 1 && "<>=^".indexOf(characters[1]) >= 0) {
            fill = Character.toString(characters[0]);
            align = (char) characters[1];
            i = 2;
        } else if ("<>=^".indexOf(characters[0]) >= 0) {
            align = (char) characters[0];
            i = 1;
        }
        char sign = '-';
        boolean signed = i < characters.length && "+- ".indexOf(characters[i]) >= 0;
        if (signed) {
            sign = (char) characters[i++];
            if (text) {
                throw wrong(spec, "a string");
            }
        }
        boolean alternative = i < characters.length && characters[i] == '#';
        i += alternative ? 1 : 0;
        if (i < characters.length && characters[i] == '0') {
            fill = align == 0 || i < 2 && align != 0 && fill.equals(" ") ? "0" : fill;
            align = align == 0 ? text ? '<' : '=' : align;
            i++;
        }
        int width = -1;
        while (i < characters.length && characters[i] >= '0' && characters[i] <= '9') {
            width = bounded(Math.max(0, width) * 10 + characters[i++] - '0', WIDEST);
        }
        char grouping = ' ';
        if (i < characters.length && (characters[i] == ',' || characters[i] == '_')) {
            grouping = (char) characters[i++];
        }
        int precision = -1;
        if (i < characters.length && characters[i] == '.') {
            i++;
            if (i >= characters.length || characters[i] < '0' || characters[i] > '9') {
                throw Problem.of("the format '%s' has a point without a precision", spec);
            }
            while (i < characters.length && characters[i] >= '0' && characters[i] <= '9') {
                precision = bounded(Math.max(0, precision) * 10 + characters[i++] - '0', text ? WIDEST : FINEST);
            }
        }
        char type = i < characters.length ? (char) characters[i++] : 0;
        if (i < characters.length || grouping == ',' && type != 0 && "boxXnc".indexOf(type) >= 0
                || grouping == '_' && type != 0 && "nc".indexOf(type) >= 0) {
            throw Problem.of("the format '%s' is not one", spec);
        }
        return new Spec(fill, align == 0 ? text ? '<' : '>' : align, sign, alternative, width, grouping, precision,
                type);
    }
}
