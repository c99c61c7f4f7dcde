package dev.weft.jinja;

import dev.weft.jinja.Values.DictValue;
import dev.weft.jinja.Values.IteratorValue;
import dev.weft.jinja.Values.ListValue;
import dev.weft.jinja.Values.Markup;
import dev.weft.jinja.Values.Method;
import dev.weft.jinja.Values.Namespace;
import dev.weft.jinja.Values.None;
import dev.weft.jinja.Values.RangeValue;
import dev.weft.jinja.Values.TupleValue;
import dev.weft.jinja.Values.Undefined;
import dev.weft.jinja.Values.ViewValue;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// What Python does with its values: truth, text, equality, order, items.
final class Python {
    private static final int DEEPEST_TEXT = 250;

    final Meter meter;

    Python(Meter meter) {
        this.meter = meter;
    }

    // Values from Java

    /// A value of Java's or a JSON tree as Python has it.
    static Object of(@Nullable Object value) {
        return switch (value) {
            case null -> None.NONE;
            case JsonNode node -> ofJson(node);
            case Boolean flag -> flag;
            case BigInteger number -> number;
            case Byte number -> integer(number);
            case Short number -> integer(number);
            case Integer number -> integer(number);
            case Long number -> integer(number);
            case Number number -> number.doubleValue();
            case CharSequence text -> text.toString();
            case Character letter -> letter.toString();
            case Map<?, ?> map -> {
                var dict = new DictValue();
                map.forEach((key, inner) -> dict.put(of(key), of(inner)));
                yield dict;
            }
            case Collection<?> items -> {
                var list = new ArrayList<Object>(items.size());
                items.forEach(item -> list.add(of(item)));
                yield new ListValue(list);
            }
            default -> throw Problem.of(
                    "a %s cannot be given to a template; strings, numbers, booleans, null, lists and maps can",
                    value.getClass().getName());
        };
    }

    private static Object ofJson(JsonNode node) {
        return switch (node.getNodeType()) {
            case NULL, MISSING -> None.NONE;
            case BOOLEAN -> node.booleanValue();
            case NUMBER -> node.isIntegralNumber() ? (Object) node.bigIntegerValue() : (Object) node.doubleValue();
            case ARRAY -> {
                var list = new ArrayList<Object>(node.size());
                node.forEach(item -> list.add(ofJson(item)));
                yield new ListValue(list);
            }
            case OBJECT -> {
                var dict = new DictValue();
                node.properties().forEach(entry -> dict.put(entry.getKey(), ofJson(entry.getValue())));
                yield dict;
            }
            default -> node.asString();
        };
    }

    static BigInteger integer(long number) {
        return BigInteger.valueOf(number);
    }

    // Types

    static String type(Object value) {
        return switch (value) {
            case None none -> "NoneType";
            case Boolean flag -> "bool";
            case BigInteger number -> "int";
            case Double number -> "float";
            case String text -> "str";
            case Markup markup -> "Markup";
            case ListValue list -> "list";
            case TupleValue tuple -> "tuple";
            case DictValue dict -> "dict";
            case RangeValue range -> "range";
            case ViewValue view -> "dict_" + Text.lower(view.kind().name());
            case IteratorValue iterator -> "generator";
            case Namespace namespace -> "Namespace";
            case Undefined undefined -> "Undefined";
            case Method method -> "method";
            case Evaluator.MacroValue macro -> "Macro";
            case Evaluator.Loop loop -> "LoopContext";
            default -> "function";
        };
    }

    /// The text of a string, or null if it is none.
    static @Nullable String text(Object value) {
        return value instanceof String text ? text : value instanceof Markup(String text) ? text : null;
    }

    static String wantText(Object value, String what) {
        String text = text(value);
        if (text == null) {
            throw unused(value, "%s must be a string, found %s".formatted(what, type(value)));
        }
        return text;
    }

    /// An int that fits a Java int; anything larger is clamped, since lengths and places end before.
    static int wantInt(Object value, String what) {
        BigInteger number = wantInteger(value, what);
        return number.bitLength() < 31 ? number.intValue() : number.signum() * (Integer.MAX_VALUE - 8);
    }

    static BigInteger wantInteger(Object value, String what) {
        return switch (value) {
            case BigInteger number -> number;
            case Boolean flag -> flag ? BigInteger.ONE : BigInteger.ZERO;
            default -> throw unused(value, "%s must be an integer, found %s".formatted(what, type(value)));
        };
    }

    /// The problem of an undefined value where one was used, otherwise the one given.
    static Problem unused(Object value, String problem) {
        return value instanceof Undefined undefined ? undefined.used() : new Problem(problem);
    }

    static Undefined missing(Object object, Object name) {
        return new Undefined(object instanceof None || object instanceof Undefined
                ? "None has no attribute '%s'".formatted(name)
                : "'%s object' has no attribute '%s'".formatted(type(object), name instanceof String ? name : "…"));
    }

    // Truth, equality, order

    boolean truth(Object value) {
        return switch (value) {
            case None none -> false;
            case Boolean flag -> flag;
            case BigInteger number -> number.signum() != 0;
            case Double number -> number != 0;
            case String text -> !text.isEmpty();
            case Markup markup -> !markup.text().isEmpty();
            case ListValue list -> !list.items().isEmpty();
            case TupleValue tuple -> !tuple.items().isEmpty();
            case DictValue dict -> dict.size() > 0;
            case RangeValue range -> range.size() > 0;
            case ViewValue view -> view.dict().size() > 0;
            case Undefined undefined -> false;
            case Evaluator.Loop loop -> loop.length() > 0;
            default -> true;
        };
    }

    static boolean isNumber(Object value) {
        return value instanceof BigInteger || value instanceof Boolean || value instanceof Double;
    }

    private static BigDecimal exact(Object number) {
        return number instanceof Double d ? new BigDecimal(d) : new BigDecimal(wantInteger(number, "a number"));
    }

    /// @throws Problem for an int beyond any float
    static double doubleOf(Object number) {
        if (number instanceof Double d) {
            return d;
        }
        double value = wantInteger(number, "a number").doubleValue();
        if (Double.isInfinite(value)) {
            throw new Problem("an integer too large for a float");
        }
        return value;
    }

    static boolean isNan(Object value) {
        return value instanceof Double d && d.isNaN();
    }

    boolean equal(Object a, Object b) {
        if (a == b) {
            return true;
        }
        meter.steps(1);
        if (isNumber(a) && isNumber(b)) {
            if (a instanceof BigInteger x && b instanceof BigInteger y) {
                return x.equals(y);
            }
            if (isNan(a) || isNan(b)) {
                return false;
            }
            if (a instanceof Double x && x.isInfinite() || b instanceof Double y && y.isInfinite()) {
                return a.equals(b);
            }
            return exact(a).compareTo(exact(b)) == 0;
        }
        String left = text(a);
        if (left != null) {
            return left.equals(text(b));
        }
        return switch (a) {
            case ListValue x when b instanceof ListValue y -> equalItems(x.items(), y.items());
            case TupleValue x when b instanceof TupleValue y -> equalItems(x.items(), y.items());
            case DictValue x when b instanceof DictValue y -> x.size() == y.size() && x.entries().stream()
                    .allMatch(entry -> {
                        Object other = y.get(entry.getKey());
                        return other != null && equal(entry.getValue(), other);
                    });
            case RangeValue x when b instanceof RangeValue y -> x.size() == y.size() && (x.size() == 0
                    || x.start().equals(y.start()) && (x.size() == 1 || x.step().equals(y.step())));
            case ViewValue x when b instanceof ViewValue y && x.kind() != ViewValue.Kind.VALUES
                    && y.kind() != ViewValue.Kind.VALUES ->
                x.dict().size() == y.dict().size() && x.items().stream().allMatch(item -> contains(y, item));
            case Undefined x -> b instanceof Undefined;
            case Method x -> a.equals(b);
            default -> false;
        };
    }

    private boolean equalItems(List<Object> a, List<Object> b) {
        if (a.size() != b.size()) {
            return false;
        }
        for (int i = 0; i < a.size(); i++) {
            if (!equal(a.get(i), b.get(i))) {
                return false;
            }
        }
        return true;
    }

    boolean compare(String operator, Object a, Object b) {
        return switch (operator) {
            case "==" -> equal(a, b);
            case "!=" -> !equal(a, b);
            case "in" -> contains(b, a);
            case "not in" -> !contains(b, a);
            default -> ordered(operator, a, b);
        };
    }

    private boolean ordered(String operator, Object a, Object b) {
        meter.steps(1);
        int order;
        String left = text(a);
        String right = text(b);
        if (left != null && right != null) {
            order = Text.compare(left, right);
        } else if (isNumber(a) && isNumber(b)) {
            if (isNan(a) || isNan(b)) {
                return false;
            }
            order = infinite(a) || infinite(b)
                    ? Double.compare(bounded(a), bounded(b))
                    : exact(a).compareTo(exact(b));
        } else if (a instanceof ListValue x && b instanceof ListValue y) {
            return orderedItems(operator, x.items(), y.items());
        } else if (a instanceof TupleValue x && b instanceof TupleValue y) {
            return orderedItems(operator, x.items(), y.items());
        } else {
            if (b instanceof Undefined undefined) {
                throw undefined.used();
            }
            throw unused(a, "%s and %s cannot be compared with '%s'".formatted(type(a), type(b), operator));
        }
        return switch (operator) {
            case "<" -> order < 0;
            case "<=" -> order <= 0;
            case ">" -> order > 0;
            default -> order >= 0;
        };
    }

    private static boolean infinite(Object value) {
        return value instanceof Double d && d.isInfinite();
    }

    private static double bounded(Object value) {
        return infinite(value) ? (Double) value : 0;
    }

    private boolean orderedItems(String operator, List<Object> a, List<Object> b) {
        for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
            if (!equal(a.get(i), b.get(i))) {
                return ordered(operator, a.get(i), b.get(i));
            }
        }
        return ordered(operator, integer(a.size()), integer(b.size()));
    }

    boolean less(Object a, Object b) {
        return ordered("<", a, b);
    }

    boolean contains(Object container, Object item) {
        String text = text(container);
        if (text != null) {
            String part = text(item);
            if (part == null) {
                throw unused(item, "only a string can be in a string, found " + type(item));
            }
            meter.search(text, part);
            return text.contains(part);
        }
        return switch (container) {
            case DictValue dict -> dict.get(item) != null;
            case RangeValue range when isNumber(item) -> range.size() > 0 && inRange(range, item);
            case ViewValue view when view.kind() == ViewValue.Kind.KEYS -> view.dict().get(item) != null;
            default -> {
                Iterator<Object> items = iterate(container);
                boolean found = false;
                while (!found && items.hasNext()) {
                    found = equal(items.next(), item);
                }
                yield found;
            }
        };
    }

    private static boolean inRange(RangeValue range, Object item) {
        if (item instanceof Double d && (!Double.isFinite(d) || d != Math.rint(d))) {
            return false;
        }
        BigInteger number = exact(item).toBigInteger();
        BigInteger[] place = number.subtract(range.start()).divideAndRemainder(range.step());
        return place[1].signum() == 0 && place[0].signum() >= 0
                && place[0].compareTo(BigInteger.valueOf(range.size())) < 0;
    }

    // Items

    /// @throws Problem if there is nothing to go through
    Iterator<Object> iterate(Object value) {
        String text = text(value);
        if (text != null) {
            return Text.characters(text).iterator();
        }
        return switch (value) {
            case ListValue list -> list.items().iterator();
            case TupleValue tuple -> tuple.items().iterator();
            case DictValue dict -> new ViewValue(dict, ViewValue.Kind.KEYS).items().iterator();
            case ViewValue view -> view.items().iterator();
            case RangeValue range -> new Iterator<>() {
                private int next;

                @Override
                public boolean hasNext() {
                    return next < range.size();
                }

                @Override
                public Object next() {
                    return range.at(next++);
                }
            };
            case IteratorValue iterator -> iterator.rest();
            case Undefined undefined -> List.<Object>of().iterator();
            default -> throw Problem.of("a %s cannot be gone through", type(value));
        };
    }

    ArrayList<Object> list(Object value) {
        var items = new ArrayList<Object>();
        Iterator<Object> rest = iterate(value);
        while (rest.hasNext()) {
            items.add(rest.next());
            meter.items(0);
            meter.steps(1);
        }
        meter.items(items.size());
        return items;
    }

    /// The number of items, or -1 for what has no length.
    int lengthOrNone(Object value) {
        String text = text(value);
        if (text != null) {
            return Text.length(text);
        }
        return switch (value) {
            case ListValue list -> list.items().size();
            case TupleValue tuple -> tuple.items().size();
            case DictValue dict -> dict.size();
            case ViewValue view -> view.dict().size();
            case RangeValue range -> range.size();
            case Undefined undefined -> 0;
            case Evaluator.Loop loop -> loop.length();
            default -> -1;
        };
    }

    int length(Object value) {
        int length = lengthOrNone(value);
        if (length < 0) {
            throw Problem.of("a %s has no length", type(value));
        }
        return length;
    }

    /// `object[key]`, or null if there is no such item.
    @Nullable
    Object item(Object object, Object key) {
        if (object instanceof DictValue dict) {
            return Values.isKey(key) ? dict.get(key) : null;
        }
        if (!(key instanceof BigInteger || key instanceof Boolean)) {
            return null;
        }
        int size = object instanceof ViewValue ? -1 : lengthOrNone(object);
        int index = wantInt(key, "an index");
        if (index < 0) {
            index += size;
        }
        if (index < 0 || index >= size) {
            return null;
        }
        String text = text(object);
        if (text != null) {
            int begin = Text.unit(text, index);
            String character = Character.toString(text.codePointAt(begin));
            return object instanceof Markup ? new Markup(character) : character;
        }
        return switch (object) {
            case ListValue list -> list.items().get(index);
            case TupleValue tuple -> tuple.items().get(index);
            case RangeValue range -> range.at(index);
            default -> null;
        };
    }

    Object slice(Object object, @Nullable Object start, @Nullable Object stop, @Nullable Object step) {
        boolean sliced = text(object) != null || object instanceof ListValue || object instanceof TupleValue
                || object instanceof RangeValue;
        if (!sliced) {
            throw unused(object, "a %s cannot be sliced".formatted(type(object)));
        }
        int by = step == null || step instanceof None ? 1 : wantInt(step, "the step of a slice");
        if (by == 0) {
            throw new Problem("the step of a slice cannot be zero");
        }
        int size = length(object);
        int from = place(start, by > 0 ? 0 : size - 1, size, by);
        int to = place(stop, by > 0 ? size : -1, size, by);
        int count = by > 0 ? from < to ? (to - from - 1) / by + 1 : 0 : to < from ? (from - to - 1) / -by + 1 : 0;
        meter.items(count / 8);
        String text = text(object);
        if (text != null) {
            String cut = sliced(text, from, by, count);
            return object instanceof Markup ? new Markup(cut) : cut;
        }
        if (object instanceof RangeValue range) {
            BigInteger stride = range.step().multiply(BigInteger.valueOf(by));
            BigInteger first = range.start().add(range.step().multiply(BigInteger.valueOf(from)));
            BigInteger last = range.start().add(range.step().multiply(BigInteger.valueOf(to)));
            return new RangeValue(first, last, stride, count);
        }
        List<Object> all = object instanceof ListValue list ? list.items() : ((TupleValue) object).items();
        var items = new ArrayList<Object>(count);
        for (int i = 0; i < count; i++) {
            items.add(all.get(from + i * by));
        }
        return object instanceof ListValue ? new ListValue(items) : new TupleValue(items, false);
    }

    private static int place(@Nullable Object given, int otherwise, int size, int by) {
        if (given == null || given instanceof None) {
            return otherwise;
        }
        int place = wantInt(given, "the place of a slice");
        if (place < 0) {
            place += size;
        }
        int lowest = by > 0 ? 0 : -1;
        return Math.max(lowest, Math.min(place, by > 0 ? size : size - 1));
    }

    private static String sliced(String text, int from, int by, int count) {
        if (count == 0) {
            return "";
        }
        if (by == 1) {
            int begin = Text.unit(text, from);
            return text.substring(begin, text.offsetByCodePoints(begin, count));
        }
        int[] characters = text.codePoints().toArray();
        var cut = new StringBuilder(count);
        for (int i = 0; i < count; i++) {
            cut.appendCodePoint(characters[from + i * by]);
        }
        return cut.toString();
    }

    // Texts

    /// `str(value)`.
    String str(Object value) {
        return switch (value) {
            case String text -> text;
            case Markup markup -> markup.text();
            case Undefined undefined -> "";
            default -> repr(value);
        };
    }

    String repr(Object value) {
        var out = new StringBuilder();
        repr(value, out, 0);
        meter.chars(out.length());
        return out.toString();
    }

    private void repr(Object value, StringBuilder out, int depth) {
        meter.steps(1);
        meter.output(out.length());
        if (depth > DEEPEST_TEXT) {
            throw new Problem("a value holds itself, or values too deep in each other, and has no text");
        }
        switch (value) {
            case None none -> out.append("None");
            case Boolean flag -> out.append(flag ? "True" : "False");
            case BigInteger number -> out.append(number);
            case Double number -> out.append(digits(number));
            case String text -> quoted(text, out);
            case Markup markup -> {
                quoted(markup.text(), out.append("Markup("));
                out.append(')');
            }
            case ListValue list -> reprItems(list.items(), "[", "]", out, depth);
            case TupleValue tuple -> reprItems(tuple.items(), "(", tuple.items().size() == 1 ? ",)" : ")", out, depth);
            case DictValue dict -> reprDict(dict, out, depth);
            case ViewValue view -> reprItems(view.items(), type(view) + "([", "])", out, depth);
            case RangeValue range -> out.append("range(").append(range.start()).append(", ").append(range.stop())
                    .append(range.step().equals(BigInteger.ONE) ? "" : ", " + range.step()).append(')');
            case Undefined undefined -> out.append("Undefined");
            case Namespace namespace -> {
                reprDict(namespace.values, out.append("<Namespace "), depth + 1);
                out.append('>');
            }
            case Evaluator.MacroValue macro -> {
                out.append("<Macro ");
                quoted(macro.name(), out);
                out.append('>');
            }
            case Evaluator.Loop loop -> out.append(loop.text());
            default -> throw Problem.of("a %s has no text of its own%s", type(value),
                    value instanceof IteratorValue ? "; make a list of it with |list" : "; is it to be called?");
        }
    }

    private void reprItems(List<Object> items, String begin, String end, StringBuilder out, int depth) {
        out.append(begin);
        for (int i = 0; i < items.size(); i++) {
            repr(items.get(i), i == 0 ? out : out.append(", "), depth + 1);
        }
        out.append(end);
    }

    private void reprDict(DictValue dict, StringBuilder out, int depth) {
        out.append('{');
        boolean first = true;
        for (Map.Entry<Object, Object> entry : dict.entries()) {
            repr(entry.getKey(), first ? out : out.append(", "), depth + 1);
            repr(entry.getValue(), out.append(": "), depth + 1);
            first = false;
        }
        out.append('}');
    }

    /// The shortest digits that give the number back, in Python's form.
    static String digits(double number) {
        if (!Double.isFinite(number)) {
            return Double.isNaN(number) ? "nan" : number > 0 ? "inf" : "-inf";
        }
        if (number == 0) {
            return 1 / number < 0 ? "-0.0" : "0.0";
        }
        BigDecimal shortest = new BigDecimal(Double.toString(number)).stripTrailingZeros();
        if (shortest.precision() == 2) {
            // Java shows two digits at least, also where one is enough.
            BigDecimal one = shortest.round(new MathContext(1));
            shortest = one.doubleValue() == number ? one.stripTrailingZeros() : shortest;
        }
        String digits = shortest.unscaledValue().abs().toString();
        int exponent = digits.length() - 1 - shortest.scale();
        String sign = number < 0 ? "-" : "";
        if (exponent < -4 || exponent >= 16) {
            String fraction = digits.length() == 1 ? "" : "." + digits.substring(1);
            return "%s%s%se%s%02d".formatted(sign, digits.substring(0, 1), fraction, exponent < 0 ? "-" : "+",
                    Math.abs(exponent));
        }
        String plain = shortest.abs().toPlainString();
        return sign + (plain.indexOf('.') < 0 ? plain + ".0" : plain);
    }

    private void quoted(String text, StringBuilder out) {
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        meter.chars(text.length());
        out.append(quote);
        for (int i = 0; i < text.length();) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            if (c == quote || c == '\\') {
                out.append('\\').appendCodePoint(c);
            } else if (c == '\n') {
                out.append("\\n");
            } else if (c == '\r') {
                out.append("\\r");
            } else if (c == '\t') {
                out.append("\\t");
            } else if (Text.isPrintable(c)) {
                out.appendCodePoint(c);
            } else {
                out.append(c < 0x100
                        ? "\\x%02x".formatted(c)
                        : c < 0x10000
                                ? "\\u%04x".formatted(c)
                                : "\\U%08x".formatted(c));
            }
        }
        out.append(quote);
    }
}
