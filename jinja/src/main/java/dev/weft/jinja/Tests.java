package dev.weft.jinja;

import dev.weft.jinja.Values.DictValue;
import dev.weft.jinja.Values.Function;
import dev.weft.jinja.Values.IteratorValue;
import dev.weft.jinja.Values.ListValue;
import dev.weft.jinja.Values.Markup;
import dev.weft.jinja.Values.Method;
import dev.weft.jinja.Values.None;
import dev.weft.jinja.Values.RangeValue;
import dev.weft.jinja.Values.TupleValue;
import dev.weft.jinja.Values.Undefined;
import dev.weft.jinja.Values.ViewValue;
import java.math.BigInteger;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// Jinja's tests: what may stand after `is`.
final class Tests {
    /// Names of tests that compare with their argument.
    private static final Map<String, String> COMPARING = Map.ofEntries(Map.entry("==", "=="), Map.entry("eq", "=="),
            Map.entry("equalto", "=="), Map.entry("!=", "!="), Map.entry("ne", "!="), Map.entry(">", ">"),
            Map.entry("gt", ">"), Map.entry("greaterthan", ">"), Map.entry("ge", ">="), Map.entry(">=", ">="),
            Map.entry("<", "<"), Map.entry("lt", "<"), Map.entry("lessthan", "<"), Map.entry("<=", "<="),
            Map.entry("le", "<="), Map.entry("in", "in"));
    private static final Set<String> OTHERS = Set.of("odd", "even", "divisibleby", "defined", "undefined", "filter",
            "test", "none", "boolean", "false", "true", "integer", "float", "lower", "upper", "string", "mapping",
            "number", "sequence", "iterable", "callable", "sameas", "escaped");

    private Tests() {}

    static boolean knows(String name) {
        return COMPARING.containsKey(name) || OTHERS.contains(name);
    }

    static String unknown(String name) {
        return "there is no test '%s'; the tests are: %s".formatted(name,
                String.join(", ", new TreeSet<>(OTHERS)) + ", and eq, ne, lt, le, gt, ge, in");
    }

    static Object test(Evaluator evaluator, String name, Object value, Arguments arguments) {
        Python python = evaluator.python;
        String operator = COMPARING.get(name);
        if (operator != null) {
            return python.compare(operator, value, arguments.only(name));
        }
        return switch (name) {
            case "divisibleby" -> python.equal(rest(evaluator, value, arguments.only(name)), BigInteger.ZERO);
            case "sameas" -> same(value, arguments.only(name));
            case "filter", "test" -> {
                arguments.bind(name, 0);
                yield name.equals("filter") ? Filters.knows(key(value)) : knows(key(value));
            }
            default -> {
                if (!knows(name)) {
                    throw new Problem(unknown(name));
                }
                arguments.bind(name, 0);
                yield is(evaluator, name, value);
            }
        };
    }

    private static String key(Object value) {
        String text = Python.text(value);
        return text == null ? "" : text;
    }

    private static Object rest(Evaluator evaluator, Object value, Object divisor) {
        return new Arithmetic(evaluator.python).binary("%", value, divisor);
    }

    /// Python keeps one object for small ints and short literals, so that equal ones are the same there.
    private static boolean same(Object a, Object b) {
        return a == b || a instanceof Boolean && a.equals(b) || a instanceof BigInteger && a.equals(b)
                || a instanceof String && a.equals(b);
    }

    private static boolean is(Evaluator evaluator, String name, Object value) {
        Python python = evaluator.python;
        return switch (name) {
            case "odd" -> python.equal(rest(evaluator, value, Python.integer(2)), BigInteger.ONE);
            case "even" -> python.equal(rest(evaluator, value, Python.integer(2)), BigInteger.ZERO);
            case "defined" -> !(value instanceof Undefined);
            case "undefined" -> value instanceof Undefined;
            case "none" -> value instanceof None;
            case "boolean" -> value instanceof Boolean;
            case "false" -> Boolean.FALSE.equals(value);
            case "true" -> Boolean.TRUE.equals(value);
            case "integer" -> value instanceof BigInteger;
            case "float" -> value instanceof Double;
            case "number" -> Python.isNumber(value);
            case "lower" -> Text.isCase(python.str(value), false);
            case "upper" -> Text.isCase(python.str(value), true);
            case "string" -> Python.text(value) != null;
            case "escaped" -> value instanceof Markup;
            case "mapping" -> value instanceof DictValue;
            case "sequence" -> Python.text(value) != null || value instanceof ListValue || value instanceof TupleValue
                    || value instanceof DictValue || value instanceof RangeValue || value instanceof Undefined;
            case "iterable" -> Python.text(value) != null || value instanceof ListValue || value instanceof TupleValue
                    || value instanceof DictValue || value instanceof RangeValue || value instanceof Undefined
                    || value instanceof ViewValue || value instanceof IteratorValue
                    || value instanceof Evaluator.Loop;
            default -> value instanceof Function || value instanceof Method || value instanceof Evaluator.MacroValue
                    || value instanceof Evaluator.Loop || value instanceof Undefined;
        };
    }
}
