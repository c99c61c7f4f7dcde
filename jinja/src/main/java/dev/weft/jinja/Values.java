package dev.weft.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Python's values, as the interpreter holds them: [None], [Boolean], [BigInteger] for every int, [Double], [String], and
/// the types here. None of them can be changed but [Namespace], as in Jinja's immutable sandbox.
final class Values {
    /// Values inside values: deep enough for any schema, and walks over them need no other bound.
    private static final int DEEPEST = 200;

    private Values() {}

    enum None {
        NONE
    }

    /// A string that counts as HTML, which only `escape` and `safe` make.
    record Markup(String text) {}

    /// What holds other values.
    sealed interface Container {
        int depth();
    }

    private static int depthOf(Collection<?> inner) {
        int deepest = 0;
        for (Object value : inner) {
            if (value instanceof Container container) {
                deepest = Math.max(deepest, container.depth());
            }
        }
        if (deepest >= DEEPEST) {
            throw Problem.of("lists and dictionaries lie more than %d deep in each other", DEEPEST);
        }
        return deepest + 1;
    }

    record ListValue(List<Object> items, int depth) implements Container {
        ListValue(List<Object> items) {
            this(items, depthOf(items));
        }
    }

    /// @param group whether it came from `groupby`, so that its two items have names
    record TupleValue(List<Object> items, boolean group, int depth) implements Container {
        TupleValue(List<Object> items, boolean group) {
            this(items, group, depthOf(items));
        }

        static TupleValue of(Object... items) {
            return new TupleValue(List.of(items), false);
        }
    }

    /// In order of insertion; 1, 1.0 and True are one key.
    static final class DictValue implements Container {
        private final Map<Object, Map.Entry<Object, Object>> entries = new LinkedHashMap<>();
        private int depth = 1;

        void put(Object key, Object value) {
            Object known = key(key);
            Map.Entry<Object, Object> before = entries.get(known);
            entries.put(known, Map.entry(before == null ? key : before.getKey(), value));
            depth = Math.max(depth, depthOf(List.of(key, value)));
        }

        @Nullable
        Object get(Object key) {
            Map.Entry<Object, Object> entry = entries.get(key(key));
            return entry == null ? null : entry.getValue();
        }

        Collection<Map.Entry<Object, Object>> entries() {
            return Collections.unmodifiableCollection(entries.values());
        }

        int size() {
            return entries.size();
        }

        @Override
        public int depth() {
            return depth;
        }
    }

    /// Equal for values that are one key of a dictionary.
    static Object key(Object value) {
        return switch (value) {
            case Boolean flag -> flag ? BigInteger.ONE : BigInteger.ZERO;
            case Double number when Double.isFinite(number) && number == Math.rint(number) ->
                new java.math.BigDecimal(number).toBigInteger();
            case Markup markup -> markup.text();
            case TupleValue tuple -> tuple.items().stream().map(Values::key).toList();
            case ListValue list -> throw new Problem("a list cannot be the key of a dictionary");
            case DictValue dict -> throw new Problem("a dict cannot be the key of a dictionary");
            case Undefined undefined -> Undefined.class;
            default -> value;
        };
    }

    /// Whether a value can be the key of a dictionary.
    static boolean isKey(Object value) {
        return switch (value) {
            case ListValue list -> false;
            case DictValue dict -> false;
            case TupleValue tuple -> tuple.items().stream().allMatch(Values::isKey);
            default -> true;
        };
    }

    /// `dict.keys()` and its like.
    record ViewValue(DictValue dict, Kind kind) {
        enum Kind {
            KEYS, VALUES, ITEMS
        }

        List<Object> items() {
            var items = new ArrayList<Object>(dict.size());
            for (Map.Entry<Object, Object> entry : dict.entries()) {
                items.add(switch (kind) {
                    case KEYS -> entry.getKey();
                    case VALUES -> entry.getValue();
                    case ITEMS -> TupleValue.of(entry.getKey(), entry.getValue());
                });
            }
            return items;
        }
    }

    record RangeValue(BigInteger start, BigInteger stop, BigInteger step, int size) {
        Object at(int index) {
            return start.add(step.multiply(BigInteger.valueOf(index)));
        }
    }

    /// What can be gone through once: what `map`, `select` and their like give.
    record IteratorValue(Iterator<Object> rest) {}

    /// What has names after a dot.
    interface Attributes {
        @Nullable
        Object attribute(String name);
    }

    /// `namespace()`: the one thing a template can write to.
    static final class Namespace implements Attributes {
        final DictValue values = new DictValue();

        @Override
        public @Nullable Object attribute(String name) {
            return values.get(name);
        }
    }

    /// A method of a value, not yet called.
    record Method(Object receiver, String name) {}

    /// A function a template can call.
    interface Function {
        Object call(Evaluator evaluator, Arguments arguments);
    }

    /// What a name without value stands for: prints as nothing, is false, is empty, and cannot be used for anything else.
    record Undefined(String problem) {
        static Undefined name(String name) {
            return new Undefined("'%s' is undefined".formatted(name));
        }

        Problem used() {
            return new Problem(problem);
        }
    }
}
