package dev.weft.jinja;

import dev.weft.jinja.Values.Attributes;
import dev.weft.jinja.Values.DictValue;
import dev.weft.jinja.Values.ListValue;
import dev.weft.jinja.Values.Markup;
import dev.weft.jinja.Values.Method;
import dev.weft.jinja.Values.None;
import dev.weft.jinja.Values.RangeValue;
import dev.weft.jinja.Values.TupleValue;
import dev.weft.jinja.Values.Undefined;
import dev.weft.jinja.Values.ViewValue;
import java.math.BigInteger;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// What Python's values have after a dot.
final class Methods {
    private static final Set<String> LIST_CHANGES = Set.of("append", "clear", "extend", "insert", "pop", "remove",
            "reverse", "sort");
    private static final Set<String> DICT_CHANGES = Set.of("clear", "pop", "popitem", "setdefault", "update");
    private static final Set<String> NOT_HERE = Set.of("str.encode", "str.maketrans", "str.translate", "dict.fromkeys",
            "int.as_integer_ratio", "int.bit_count", "int.from_bytes", "int.to_bytes", "bool.as_integer_ratio",
            "bool.bit_count", "bool.from_bytes", "bool.to_bytes", "float.as_integer_ratio", "float.fromhex",
            "float.hex", "dict_keys.isdisjoint", "dict_keys.mapping", "dict_items.isdisjoint", "dict_items.mapping",
            "dict_values.mapping", "generator.close", "generator.send", "generator.throw", "Macro.arguments",
            "Macro.catch_kwargs", "Macro.catch_varargs", "Macro.caller");

    private Methods() {}

    /// The attribute, or null if there is none.
    static @Nullable Object of(Object object, String name) {
        if (name.startsWith("_")) {
            return name.startsWith("__") && !(object instanceof DictValue dict && dict.get(name) != null)
                    ? unsafe(object, name)
                    : null;
        }
        if (NOT_HERE.contains(Python.type(object) + "." + name)) {
            throw Problem.of("'%s' of a %s is not supported", name, Python.type(object));
        }
        return switch (object) {
            case String text -> Strings.NAMES.contains(name) ? new Method(text, name) : null;
            case Markup markup -> {
                if (Strings.NAMES.contains(name)) {
                    throw Problem.of("'%s' is not supported on a string that was escaped or marked as safe", name);
                }
                yield null;
            }
            case ListValue list -> LIST_CHANGES.contains(name)
                    ? unsafe(list, name)
                    : Set.of("index", "count", "copy").contains(name) ? new Method(list, name) : null;
            case DictValue dict -> DICT_CHANGES.contains(name)
                    ? unsafe(dict, name)
                    : Set.of("items", "keys", "values", "get", "copy").contains(name) ? new Method(dict, name) : null;
            case TupleValue tuple -> switch (name) {
                case "index", "count" -> new Method(tuple, name);
                case "grouper" -> tuple.group() ? tuple.items().get(0) : null;
                case "list" -> tuple.group() ? tuple.items().get(1) : null;
                default -> null;
            };
            case RangeValue range -> switch (name) {
                case "start" -> range.start();
                case "stop" -> range.stop();
                case "step" -> range.step();
                case "index", "count" -> new Method(range, name);
                default -> null;
            };
            case BigInteger number -> ofInteger(number, number, name);
            case Boolean flag -> ofInteger(flag, flag ? BigInteger.ONE : BigInteger.ZERO, name);
            case Double number -> switch (name) {
                case "real" -> number;
                case "imag" -> 0.0;
                case "is_integer", "conjugate" -> new Method(number, name);
                default -> null;
            };
            case Evaluator.MacroValue macro -> name.equals("name") ? macro.name() : null;
            case Attributes attributes -> attributes.attribute(name);
            default -> null;
        };
    }

    private static @Nullable Object ofInteger(Object object, BigInteger number, String name) {
        return switch (name) {
            case "real", "numerator" -> number;
            case "imag" -> BigInteger.ZERO;
            case "denominator" -> BigInteger.ONE;
            case "bit_length", "conjugate" -> new Method(object, name);
            default -> null;
        };
    }

    private static Undefined unsafe(Object object, String name) {
        return new Undefined("'%s' of a %s cannot be used: a template changes nothing and sees no inner workings"
                .formatted(name, Python.type(object)));
    }

    static Object call(Evaluator evaluator, Object receiver, String name, Arguments arguments) {
        Python python = evaluator.python;
        return switch (receiver) {
            case String text -> new Strings(evaluator).call(text, name, arguments);
            case DictValue dict -> switch (name) {
                case "get" -> {
                    @Nullable
                    Object[] given = arguments.bind("get", 1, "/key", "/default");
                    Object key = given[0];
                    assert key != null;
                    Object value = dict.get(key);
                    Object otherwise = given[1] == null ? None.NONE : given[1];
                    yield value != null ? value : otherwise;
                }
                case "copy" -> none(arguments, name, dict);
                default -> none(arguments, name, new ViewValue(dict, switch (name) {
                    case "keys" -> ViewValue.Kind.KEYS;
                    case "values" -> ViewValue.Kind.VALUES;
                    default -> ViewValue.Kind.ITEMS;
                }));
            };
            case ListValue list when name.equals("copy") -> none(arguments, name, list);
            case BigInteger number -> none(arguments, name,
                    name.equals("conjugate") ? number : Python.integer(number.abs().bitLength()));
            case Boolean flag -> none(arguments, name, Python.integer(flag ? 1 : 0));
            case Double number -> none(arguments, name,
                    name.equals("conjugate")
                            ? number
                            : (Object) (Double.isFinite(number) && number == Math.rint(number)));
            default -> search(python, receiver, name, arguments);
        };
    }

    private static Object none(Arguments arguments, String name, Object value) {
        arguments.bind(name, 0);
        return value;
    }

    /// `index` and `count` of lists, tuples and ranges.
    private static Object search(Python python, Object receiver, String name, Arguments arguments) {
        boolean index = name.equals("index");
        @Nullable
        Object[] given = index && !(receiver instanceof RangeValue)
                ? arguments.bind(name, 1, "/value", "/start", "/stop")
                : arguments.bind(name, 1, "/value");
        Object wanted = given[0];
        assert wanted != null;
        List<Object> items = python.list(receiver);
        int from = given.length > 1 && given[1] != null ? bound(given[1], items.size()) : 0;
        int to = given.length > 2 && given[2] != null ? bound(given[2], items.size()) : items.size();
        int count = 0;
        for (int i = from; i < to; i++) {
            if (python.equal(items.get(i), wanted)) {
                if (index) {
                    return Python.integer(i);
                }
                count++;
            }
        }
        if (index) {
            throw Problem.of("the value is not in the %s", Python.type(receiver));
        }
        return Python.integer(count);
    }

    static int bound(Object place, int size) {
        int at = Python.wantInt(place, "a place");
        return Math.max(0, Math.min(size, at < 0 ? at + size : at));
    }
}
