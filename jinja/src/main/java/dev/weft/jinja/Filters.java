package dev.weft.jinja;

import dev.weft.jinja.Values.DictValue;
import dev.weft.jinja.Values.ListValue;
import dev.weft.jinja.Values.Markup;
import dev.weft.jinja.Values.None;
import dev.weft.jinja.Values.TupleValue;
import dev.weft.jinja.Values.Undefined;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// Jinja's filters: what may stand after a bar.
final class Filters {
    /// A filter at work.
    private interface Filter {
        Object apply(Evaluator evaluator, Object value, Arguments arguments);
    }

    private static final Map<String, Filter> ALL = new TreeMap<>();
    private static final Set<String> NOT_HERE = Set.of("random", "urlize", "wordwrap");
    /// Filters that know what to do with a string that counts as HTML.
    private static final Set<String> FOR_MARKUP = Set.of("escape", "e", "forceescape", "safe", "string", "length",
            "count", "join", "list", "default", "d", "tojson", "striptags", "wordcount", "replace");

    static {
        ALL.put("abs", (run, value, given) -> {
            given.bind("abs", 0);
            return value instanceof Double number
                    ? (Object) Math.abs(number)
                    : (Object) Python.wantInteger(value, "the value of abs").abs();
        });
        ALL.put("attr", (run, value, given) -> {
            String name = run.python.str(given.bind("attr", 1, "name")[0] instanceof Object any ? any : "");
            if (value instanceof Undefined undefined) {
                throw undefined.used();
            }
            Object found = Methods.of(value, name);
            return found != null ? found : Python.missing(value, name);
        });
        ALL.put("batch", Filters::batch);
        ALL.put("capitalize", text("capitalize", Text::capitalized));
        ALL.put("center", (run, value, given) -> {
            Object width = given.bind("center", 0, "width")[0];
            return new Strings(run).aligned(run.python.str(value), "center",
                    width == null ? 80 : Python.wantInt(width, "the width of center"), " ");
        });
        ALL.put("count", Filters::length);
        ALL.put("length", Filters::length);
        ALL.put("d", Filters::otherwise);
        ALL.put("default", Filters::otherwise);
        ALL.put("dictsort", Filters::dictsort);
        ALL.put("e", Filters::escape);
        ALL.put("escape", Filters::escape);
        ALL.put("filesizeformat", Filters::filesizeformat);
        ALL.put("first", (run, value, given) -> {
            given.bind("first", 0);
            Iterator<Object> items = run.python.iterate(value);
            return items.hasNext() ? items.next() : new Undefined("No first item, sequence was empty.");
        });
        ALL.put("float", (run, value, given) -> {
            Object other = given.bind("float", 0, "default")[0];
            Double number = floatOf(value);
            return number != null ? number : other == null ? 0.0 : other;
        });
        ALL.put("forceescape", (run, value, given) -> {
            given.bind("forceescape", 0);
            return new Markup(escaped(run.python.str(value)));
        });
        ALL.put("format", (run, value, given) -> {
            if (!given.positional().isEmpty() && !given.named().isEmpty()) {
                throw new Problem("format takes values with names or without, not both");
            }
            var dict = new DictValue();
            given.named().forEach(dict::put);
            return new Formatting(run.python).percent(run.python.str(value),
                    given.named().isEmpty() ? new TupleValue(given.positional(), false) : dict);
        });
        ALL.put("groupby", Filters::groupby);
        ALL.put("indent", Filters::indent);
        ALL.put("int", Filters::integer);
        ALL.put("items", (run, value, given) -> {
            given.bind("items", 0);
            if (value instanceof Undefined) {
                return Evaluator.once(List.<Object>of().iterator());
            }
            if (!(value instanceof DictValue dict)) {
                throw Problem.of("items needs a dict, found %s", Python.type(value));
            }
            return Evaluator.once(
                    new Values.ViewValue(dict, Values.ViewValue.Kind.ITEMS).items().iterator());
        });
        ALL.put("join", (run, value, given) -> {
            @Nullable
            Object[] arguments = given.bind("join", 0, "d", "attribute");
            List<Object> parts = run.python.list(value);
            if (arguments[1] != null && !(arguments[1] instanceof None)) {
                parts = parts.stream().map(attribute(run, arguments[1], null)).toList();
            }
            return new Strings(run).join(arguments[0] == null ? "" : run.python.str(arguments[0]), parts);
        });
        ALL.put("last", (run, value, given) -> {
            given.bind("last", 0);
            if (value instanceof Values.IteratorValue) {
                throw new Problem("last needs a list, not what can be gone through once");
            }
            List<Object> items = run.python.list(value);
            return items.isEmpty() ? new Undefined("No last item, sequence was empty.") : items.getLast();
        });
        ALL.put("list", (run, value, given) -> {
            given.bind("list", 0);
            return new ListValue(run.python.list(value));
        });
        ALL.put("lower", text("lower", Text::lower));
        ALL.put("map", Filters::map);
        ALL.put("max", (run, value, given) -> extreme(run, value, given, "max"));
        ALL.put("min", (run, value, given) -> extreme(run, value, given, "min"));
        ALL.put("pprint", (run, value, given) -> {
            given.bind("pprint", 0);
            String text = run.python.repr(value instanceof DictValue dict ? inOrder(run, dict) : value);
            if (text.length() > 80) {
                throw new Problem("pprint of a value longer than a line is not supported; use tojson(indent=2)");
            }
            return text;
        });
        ALL.put("reject", (run, value, given) -> select(run, value, given, false, false));
        ALL.put("rejectattr", (run, value, given) -> select(run, value, given, false, true));
        ALL.put("select", (run, value, given) -> select(run, value, given, true, false));
        ALL.put("selectattr", (run, value, given) -> select(run, value, given, true, true));
        ALL.put("replace", (run, value, given) -> {
            @Nullable
            Object[] arguments = given.bind("replace", 2, "old", "new", "count");
            return new Strings(run).replaced(run.python.str(value), run.python.str(some(arguments[0])),
                    run.python.str(some(arguments[1])), arguments[2] == null || arguments[2] instanceof None
                            ? -1
                            : Python.wantInt(arguments[2], "the count of replace"));
        });
        ALL.put("reverse", (run, value, given) -> {
            given.bind("reverse", 0);
            String text = Python.text(value);
            if (text != null) {
                return run.python.slice(text, null, null, Python.integer(-1));
            }
            List<Object> items = run.python.list(value).reversed();
            return value instanceof Values.IteratorValue || value instanceof Undefined
                    ? new ListValue(items)
                    : Evaluator.once(items.iterator());
        });
        ALL.put("round", Filters::round);
        ALL.put("safe", (run, value, given) -> {
            given.bind("safe", 0);
            return new Markup(run.python.str(value));
        });
        ALL.put("slice", Filters::slice);
        ALL.put("sort", (run, value, given) -> {
            @Nullable
            Object[] arguments = given.bind("sort", 0, "reverse", "case_sensitive", "attribute");
            Function<Object, Object> key = keys(run, arguments[2], truth(run, arguments[1]));
            return new ListValue(sorted(run.python, run.python.list(value), key, truth(run, arguments[0])));
        });
        ALL.put("string", (run, value, given) -> {
            given.bind("string", 0);
            return value instanceof Markup ? value : run.python.str(value);
        });
        ALL.put("striptags", (run, value, given) -> {
            given.bind("striptags", 0);
            return Html.stripped(run.python.str(value));
        });
        ALL.put("sum", (run, value, given) -> {
            @Nullable
            Object[] arguments = given.bind("sum", 0, "attribute", "start");
            var arithmetic = new Arithmetic(run.python);
            Object sum = arguments[1] == null ? BigInteger.ZERO : arguments[1];
            if (Python.text(sum) != null) {
                throw new Problem("sum cannot begin with a string; use join");
            }
            for (Object item : run.python.list(value)) {
                sum = arithmetic.binary("+", sum, arguments[0] == null || arguments[0] instanceof None
                        ? item
                        : attribute(run, arguments[0], null).apply(item));
            }
            return sum;
        });
        ALL.put("title", text("title", Filters::title));
        ALL.put("tojson", (run, value, given) -> JsonText.of(run.python, value, given));
        ALL.put("trim", (run, value, given) -> {
            Object chars = given.bind("trim", 0, "chars")[0];
            return Text.strip(run.python.str(value),
                    chars == null || chars instanceof None ? null : Python.wantText(chars, "what trim takes"), true,
                    true);
        });
        ALL.put("truncate", Filters::truncate);
        ALL.put("unique", Filters::unique);
        ALL.put("upper", text("upper", Text::upper));
        ALL.put("urlencode", Filters::urlencode);
        ALL.put("wordcount", (run, value, given) -> {
            given.bind("wordcount", 0);
            String text = run.python.str(value);
            int words = 0;
            boolean within = false;
            for (int c : text.codePoints().toArray()) {
                boolean word = c == '_' || Text.isAlphanumeric(c);
                words += word && !within ? 1 : 0;
                within = word;
            }
            return Python.integer(words);
        });
        ALL.put("xmlattr", Filters::xmlattr);
        for (String name : NOT_HERE) {
            ALL.put(name, (run, value, given) -> {
                throw Problem.of("the filter '%s' is not supported", name);
            });
        }
    }

    private Filters() {}

    static boolean knows(String name) {
        return ALL.containsKey(name);
    }

    static String unknown(String name) {
        var names = new TreeSet<>(ALL.keySet());
        names.removeAll(NOT_HERE);
        return "there is no filter '%s'; the filters are: %s".formatted(name, String.join(", ", names));
    }

    static Object apply(Evaluator evaluator, String name, Object value, Arguments arguments) {
        Filter filter = ALL.get(name);
        if (filter == null) {
            throw new Problem(unknown(name));
        }
        if (value instanceof Markup && !FOR_MARKUP.contains(name)) {
            throw Problem.of("the filter '%s' is not supported on a string that was escaped or marked as safe", name);
        }
        evaluator.python.meter.steps(1);
        String text = Python.text(value);
        if (text != null) {
            evaluator.python.meter.chars(text.length());
        }
        return filter.apply(evaluator, value, arguments);
    }

    private static Filter text(String name, UnaryOperator<String> change) {
        return (run, value, given) -> {
            given.bind(name, 0);
            return change.apply(run.python.str(value));
        };
    }

    private static Object some(@Nullable Object value) {
        if (value == null) {
            throw new IllegalStateException("an argument that is there is missing");
        }
        return value;
    }

    private static boolean truth(Evaluator run, @Nullable Object value) {
        return value != null && run.python.truth(value);
    }

    private static Object length(Evaluator run, Object value, Arguments given) {
        given.bind("length", 0);
        return Python.integer(run.python.length(value));
    }

    private static Object otherwise(Evaluator run, Object value, Arguments given) {
        @Nullable
        Object[] arguments = given.bind("default", 0, "default_value", "boolean");
        boolean replaced = value instanceof Undefined || truth(run, arguments[1]) && !run.python.truth(value);
        Object other = arguments[0] == null ? "" : arguments[0];
        return replaced ? other : value;
    }

    private static Object escape(Evaluator run, Object value, Arguments given) {
        given.bind("escape", 0);
        return value instanceof Markup ? value : new Markup(escaped(run.python.str(value)));
    }

    static String escaped(@Nullable String text) {
        return text == null
                ? ""
                : text.replace("&", "&amp;").replace(">", "&gt;").replace("<", "&lt;").replace("'", "&#39;")
                        .replace("\"", "&#34;");
    }

    // Lists

    /// What a filter's argument `attribute` finds in an item: names or numbers with dots between.
    private static Function<Object, Object> attribute(Evaluator run, Object attribute, @Nullable Object otherwise) {
        List<Object> path = new ArrayList<>();
        if (attribute instanceof String text) {
            for (String part : text.split("\\.", -1)) {
                path.add(Text.all(part, Text::isDigit) && part.length() < 10
                        ? (Object) new BigInteger(part)
                        : (Object) part);
            }
        } else if (!(attribute instanceof None)) {
            path.add(attribute);
        }
        return item -> {
            Object found = item;
            for (Object part : path) {
                found = run.item(found, part);
                if (otherwise != null && found instanceof Undefined) {
                    found = otherwise;
                }
            }
            return found;
        };
    }

    private static Object withoutCase(Object value) {
        return value instanceof String text ? Text.lower(text) : value;
    }

    /// What a list is sorted by: several attributes with commas between, or the items.
    private static Function<Object, Object> keys(Evaluator run, @Nullable Object attribute, boolean caseSensitive) {
        Object path = attribute == null ? None.NONE : attribute;
        String[] parts = path instanceof String text ? text.split(",", -1) : new String[0];
        UnaryOperator<Object> done = caseSensitive ? UnaryOperator.identity() : Filters::withoutCase;
        if (parts.length < 2) {
            return attribute(run, path, null).andThen(done);
        }
        List<Function<Object, Object>> keys = Arrays.stream(parts).map(part -> attribute(run, part, null).andThen(done))
                .toList();
        return item -> new ListValue(keys.stream().map(key -> key.apply(item)).toList());
    }

    /// Stable, and needs nothing of the order but what is less than what, so that odd orders only give odd results.
    static <T> List<T> sorted(Python python, List<T> items, Function<? super T, Object> key, boolean reverse) {
        List<T> ordered = reverse ? items.reversed() : items;
        List<Object> keys = ordered.stream().map(key::apply).map(Object.class::cast).toList();
        int[] places = new int[ordered.size()];
        Arrays.setAll(places, i -> i);
        merge(python, keys, places, new int[places.length], 0, places.length);
        var result = new ArrayList<T>(places.length);
        for (int place : places) {
            result.add(ordered.get(place));
        }
        return reverse ? result.reversed() : result;
    }

    private static void merge(Python python, List<Object> keys, int[] places, int[] free, int from, int to) {
        if (to - from < 2) {
            return;
        }
        int middle = (from + to) / 2;
        merge(python, keys, places, free, from, middle);
        merge(python, keys, places, free, middle, to);
        int left = from;
        int right = middle;
        for (int i = from; i < to; i++) {
            boolean second = left == middle
                    || right < to && python.less(keys.get(places[right]), keys.get(places[left]));
            free[i] = places[second ? right++ : left++];
        }
        System.arraycopy(free, from, places, from, to - from);
    }

    private static Object batch(Evaluator run, Object value, Arguments given) {
        @Nullable
        Object[] arguments = given.bind("batch", 1, "linecount", "fill_with");
        int size = Python.wantInt(some(arguments[0]), "the size of batch");
        var batches = new ArrayList<Object>();
        List<Object> batch = new ArrayList<>();
        for (Object item : run.python.list(value)) {
            if (batch.size() == size) {
                batches.add(new ListValue(batch));
                batch = new ArrayList<>();
            }
            batch.add(item);
        }
        if (!batch.isEmpty()) {
            if (arguments[1] != null && !(arguments[1] instanceof None)) {
                run.python.meter.items(size);
                while (batch.size() < size) {
                    batch.add(arguments[1]);
                }
            }
            batches.add(new ListValue(batch));
        }
        return Evaluator.once(batches.iterator());
    }

    private static Object slice(Evaluator run, Object value, Arguments given) {
        @Nullable
        Object[] arguments = given.bind("slice", 1, "slices", "fill_with");
        int slices = Python.wantInt(some(arguments[0]), "the number of slices");
        List<Object> items = run.python.list(value);
        if (slices == 0) {
            throw new Problem("slice needs a number of slices other than zero");
        }
        run.python.meter.items(Math.max(0, slices));
        int each = Math.floorDiv(items.size(), slices);
        int longer = Math.floorMod(items.size(), slices);
        int offset = 0;
        var all = new ArrayList<Object>();
        for (int i = 0; i < slices; i++) {
            int start = offset + i * each;
            offset += i < longer ? 1 : 0;
            var slice = new ArrayList<>(items.subList(start, offset + (i + 1) * each));
            if (arguments[1] != null && !(arguments[1] instanceof None) && i >= longer) {
                slice.add(arguments[1]);
            }
            all.add(new ListValue(slice));
        }
        return Evaluator.once(all.iterator());
    }

    private static Object dictsort(Evaluator run, Object value, Arguments given) {
        @Nullable
        Object[] arguments = given.bind("dictsort", 0, "case_sensitive", "by", "reverse");
        if (!(value instanceof DictValue dict)) {
            throw Python.unused(value, "dictsort needs a dict, found " + Python.type(value));
        }
        String by = arguments[1] == null ? "key" : run.python.str(arguments[1]);
        if (!by.equals("key") && !by.equals("value")) {
            throw new Problem("dictsort sorts by 'key' or 'value'");
        }
        boolean caseSensitive = truth(run, arguments[0]);
        return new ListValue(sorted(run.python, new Values.ViewValue(dict, Values.ViewValue.Kind.ITEMS).items(),
                item -> {
                    Object key = ((TupleValue) item).items().get(by.equals("key") ? 0 : 1);
                    return caseSensitive ? key : withoutCase(key);
                }, truth(run, arguments[2])));
    }

    private static DictValue inOrder(Evaluator run, DictValue dict) {
        var ordered = new DictValue();
        sorted(run.python, new ArrayList<>(dict.entries()), Map.Entry::getKey, false)
                .forEach(entry -> ordered.put(entry.getKey(), entry.getValue()));
        return ordered;
    }

    private static Object groupby(Evaluator run, Object value, Arguments given) {
        @Nullable
        Object[] arguments = given.bind("groupby", 1, "attribute", "default", "case_sensitive");
        boolean caseSensitive = truth(run, arguments[2]);
        Object otherwise = arguments[1] instanceof None ? null : arguments[1];
        Function<Object, Object> name = attribute(run, some(arguments[0]), otherwise);
        Function<Object, Object> key = caseSensitive ? name : name.andThen(Filters::withoutCase);
        var groups = new ArrayList<Object>();
        List<Object> group = new ArrayList<>();
        Object current = null;
        for (Object item : sorted(run.python, run.python.list(value), key, false)) {
            Object own = key.apply(item);
            if (current == null || !run.python.equal(own, current)) {
                group = new ArrayList<>();
                groups.add(List.of(name.apply(item), group));
                current = own;
            }
            group.add(item);
        }
        return new ListValue(groups.stream().map(pair -> {
            List<?> two = (List<?>) pair;
            var items = new ArrayList<Object>((List<?>) two.get(1));
            return (Object) new TupleValue(List.of(two.get(0), new ListValue(items)), true);
        }).toList());
    }

    private static Object map(Evaluator run, Object value, Arguments given) {
        if (!run.python.truth(value)) {
            return Evaluator.once(List.<Object>of().iterator());
        }
        Iterator<Object> items = run.python.iterate(value);
        Function<Object, Object> change;
        if (given.positional().isEmpty() && given.named().containsKey("attribute")) {
            @Nullable
            Object[] arguments = given.bind("map", 0, "attribute", "default");
            change = attribute(run, some(arguments[0]), arguments[1] instanceof None ? null : arguments[1]);
        } else {
            if (given.positional().isEmpty()) {
                throw new Problem("map needs the name of a filter, or attribute='name'");
            }
            String filter = run.python.str(given.positional().getFirst());
            change = item -> apply(run, filter, item, given.from(1));
        }
        return Evaluator.once(new Iterator<>() {
            @Override
            public boolean hasNext() {
                return items.hasNext();
            }

            @Override
            public Object next() {
                run.python.meter.steps(1);
                return change.apply(items.next());
            }
        });
    }

    private static Object select(Evaluator run, Object value, Arguments given, boolean wanted, boolean byAttribute) {
        if (!run.python.truth(value)) {
            return Evaluator.once(List.<Object>of().iterator());
        }
        List<Object> positional = given.positional();
        if (byAttribute && positional.isEmpty()) {
            throw new Problem("selectattr and rejectattr need the name of an attribute");
        }
        Function<Object, Object> look = byAttribute
                ? attribute(run, positional.getFirst(), null)
                : Function.identity();
        int first = byAttribute ? 1 : 0;
        Predicate<Object> test;
        if (positional.size() > first) {
            String name = run.python.str(positional.get(first));
            test = item -> run.python.truth(Tests.test(run, name, item, given.from(first + 1)));
        } else {
            test = run.python::truth;
        }
        return Evaluator.once(run.filter(run.python.iterate(value), item -> test.test(look.apply(item)) == wanted));
    }

    private static Object unique(Evaluator run, Object value, Arguments given) {
        @Nullable
        Object[] arguments = given.bind("unique", 0, "case_sensitive", "attribute");
        Function<Object, Object> name = attribute(run, arguments[1] == null ? None.NONE : arguments[1], null);
        boolean caseSensitive = truth(run, arguments[0]);
        Set<Object> seen = new HashSet<>();
        return Evaluator.once(run.filter(run.python.iterate(value), item -> {
            Object key = name.apply(item);
            return seen.add(Values.key(caseSensitive ? key : withoutCase(key)));
        }));
    }

    private static Object extreme(Evaluator run, Object value, Arguments given, String name) {
        @Nullable
        Object[] arguments = given.bind(name, 0, "case_sensitive", "attribute");
        Function<Object, Object> look = attribute(run, arguments[1] == null ? None.NONE : arguments[1], null);
        boolean caseSensitive = truth(run, arguments[0]);
        Object best = null;
        Object bestKey = null;
        for (Object item : run.python.list(value)) {
            Object key = caseSensitive ? look.apply(item) : withoutCase(look.apply(item));
            if (bestKey == null || name.equals("min")
                    ? bestKey == null || run.python.less(key, bestKey)
                    : run.python.compare(">", key, bestKey)) {
                best = item;
                bestKey = key;
            }
        }
        return best == null ? new Undefined("No aggregated item, sequence was empty.") : best;
    }

    // Numbers

    private static @Nullable Double floatOf(Object value) {
        if (value instanceof Undefined undefined) {
            throw undefined.used();
        }
        if (Python.isNumber(value)) {
            return Python.doubleOf(value);
        }
        String text = Python.text(value);
        if (text == null) {
            return null;
        }
        String number = asciiDigits(Text.lower(Text.strip(text, null, true, true)));
        String bare = number.startsWith("+") || number.startsWith("-") ? number.substring(1) : number;
        double sign = number.startsWith("-") ? -1 : 1;
        if (bare.equals("inf") || bare.equals("infinity")) {
            return sign * Double.POSITIVE_INFINITY;
        }
        if (bare.equals("nan")) {
            return Double.NaN;
        }
        return isFloat(bare) ? sign * Double.parseDouble(bare.replace("_", "")) : null;
    }

    private static String asciiDigits(String text) {
        var out = new StringBuilder(text.length());
        text.codePoints().forEach(c -> {
            if (Character.isDigit(c)) {
                out.append(Character.digit(c, 10));
            } else {
                out.appendCodePoint(c);
            }
        });
        return out.toString();
    }

    /// Digits with single underscores between them, a point, an exponent; no sign.
    private static boolean isFloat(String text) {
        int i = digits(text, 0, 10);
        boolean found = i > 0;
        if (i < text.length() && text.charAt(i) == '.') {
            int end = digits(text, i + 1, 10);
            found |= end > i + 1;
            i = end;
        }
        if (found && i < text.length() && text.charAt(i) == 'e') {
            int begin = i + 1 < text.length() && "+-".indexOf(text.charAt(i + 1)) >= 0 ? i + 2 : i + 1;
            i = digits(text, begin, 10);
            found = i > begin;
        }
        return found && i == text.length();
    }

    private static int digits(String text, int from, int radix) {
        int i = from;
        while (i < text.length() && (Character.digit(text.charAt(i), radix) >= 0
                || text.charAt(i) == '_' && i > from && text.charAt(i - 1) != '_' && i + 1 < text.length()
                        && Character.digit(text.charAt(i + 1), radix) >= 0)) {
            i++;
        }
        return i;
    }

    static BigInteger truncated(double number) {
        if (!Double.isFinite(number)) {
            throw new Problem("infinity and nan are no integers");
        }
        return new BigDecimal(number).toBigInteger();
    }

    private static Object integer(Evaluator run, Object value, Arguments given) {
        @Nullable
        Object[] arguments = given.bind("int", 0, "default", "base");
        int base = arguments[1] == null ? 10 : Python.wantInt(arguments[1], "the base of int");
        Object otherwise = arguments[0] == null ? BigInteger.ZERO : arguments[0];
        String text = Python.text(value);
        if (text != null) {
            BigInteger number = base == 0 || base >= 2 && base <= 36 ? parsed(text, base) : null;
            if (number != null) {
                return number;
            }
        } else if (value instanceof BigInteger || value instanceof Boolean) {
            return Python.wantInteger(value, "a number");
        }
        Double number = floatOf(value);
        if (number == null || number.isNaN()) {
            return otherwise;
        }
        return truncated(number);
    }

    private static @Nullable BigInteger parsed(String text, int base) {
        String number = asciiDigits(Text.lower(Text.strip(text, null, true, true)));
        boolean negative = number.startsWith("-");
        String bare = negative || number.startsWith("+") ? number.substring(1) : number;
        int radix = base;
        for (Map.Entry<String, Integer> prefix : Map.of("0b", 2, "0o", 8, "0x", 16).entrySet()) {
            if (bare.startsWith(prefix.getKey()) && (base == 0 || base == prefix.getValue())) {
                radix = prefix.getValue();
                bare = bare.substring(bare.startsWith("_", 2) ? 3 : 2);
                break;
            }
        }
        if (radix == 0) {
            if (bare.startsWith("0") && !bare.replaceAll("[0_]", "").isEmpty()) {
                return null;
            }
            radix = 10;
        }
        if (bare.isEmpty() || digits(bare, 0, radix) < bare.length()) {
            return null;
        }
        String digits = bare.replace("_", "");
        if (digits.length() > 4300) {
            throw new Problem("an integer of more than 4300 digits");
        }
        var whole = new BigInteger(digits, radix);
        return negative ? whole.negate() : whole;
    }

    private static Object round(Evaluator run, Object value, Arguments given) {
        @Nullable
        Object[] arguments = given.bind("round", 0, "precision", "method");
        int precision = arguments[0] == null ? 0 : Python.wantInt(arguments[0], "the precision of round");
        String method = arguments[1] == null ? "common" : run.python.str(arguments[1]);
        if (!Set.of("common", "ceil", "floor").contains(method)) {
            throw new Problem("the method of round is common, ceil or floor");
        }
        if (!Python.isNumber(value)) {
            throw Python.unused(value, "round needs a number, found " + Python.type(value));
        }
        if (Math.abs((long) precision) > 400) {
            throw new Problem("round has a precision from -400 to 400");
        }
        if (method.equals("common")) {
            if (value instanceof Double number) {
                return !Double.isFinite(number)
                        ? number
                        : Math.copySign(new BigDecimal(number).setScale(precision, RoundingMode.HALF_EVEN)
                                .doubleValue(), number);
            }
            BigInteger whole = Python.wantInteger(value, "a number");
            return precision >= 0
                    ? whole
                    : new BigDecimal(whole).setScale(precision, RoundingMode.HALF_EVEN).toBigInteger();
        }
        var arithmetic = new Arithmetic(run.python);
        Object factor = arithmetic.binary("**", BigInteger.TEN, Python.integer(precision));
        Object scaled = arithmetic.binary("*", value, factor);
        BigInteger whole = scaled instanceof Double number
                ? truncated(method.equals("ceil") ? Math.ceil(number) : Math.floor(number))
                : Python.wantInteger(scaled, "a number");
        return arithmetic.binary("/", whole, factor);
    }

    private static Object filesizeformat(Evaluator run, Object value, Arguments given) {
        boolean binary = truth(run, given.bind("filesizeformat", 0, "binary")[0]);
        Double bytes = floatOf(value);
        if (bytes == null) {
            throw Problem.of("filesizeformat needs a number, found %s", Python.type(value));
        }
        double base = binary ? 1024 : 1000;
        if (bytes == 1) {
            return "1 Byte";
        }
        if (bytes < base) {
            return truncated(bytes) + " Bytes";
        }
        String letters = binary ? "KMGTPEZY" : "kMGTPEZY";
        int i = 0;
        double unit = base * base;
        while (bytes >= unit && i < letters.length() - 1) {
            unit *= base;
            i++;
        }
        return Formatting.digits(base * bytes / unit, 1, 'f', false) + " " + letters.charAt(i) + (binary ? "iB" : "B");
    }

    // Texts

    private static String title(String text) {
        var out = new StringBuilder(text.length());
        boolean begins = true;
        for (int c : text.codePoints().toArray()) {
            String letter = Character.toString(c);
            out.append(begins ? Text.upper(letter) : Text.lower(letter));
            begins = c == '-' || Text.isSpace(c) || "({[<".indexOf(c) >= 0;
        }
        return out.toString();
    }

    private static Object indent(Evaluator run, Object value, Arguments given) {
        @Nullable
        Object[] arguments = given.bind("indent", 0, "width", "first", "blank");
        String text = Python.text(value);
        if (text == null) {
            throw Python.unused(value, "indent needs a string, found " + Python.type(value));
        }
        String width = arguments[0] == null ? "    " : Python.text(arguments[0]);
        if (width == null) {
            int blanks = Math.max(0, Python.wantInt(some(arguments[0]), "the width of indent"));
            run.python.meter.chars(blanks);
            width = " ".repeat(blanks);
        }
        List<Object> lines = Text.lines(text + "\n", false);
        run.python.meter.chars(text.length() + (long) width.length() * lines.size());
        var out = new StringBuilder(truth(run, arguments[1]) ? width : "");
        for (int i = 0; i < lines.size(); i++) {
            String line = (String) lines.get(i);
            out.append(i == 0 ? "" : "\n").append(i > 0 && (truth(run, arguments[2]) || !line.isEmpty()) ? width : "")
                    .append(line);
        }
        return out.toString();
    }

    private static Object truncate(Evaluator run, Object value, Arguments given) {
        @Nullable
        Object[] arguments = given.bind("truncate", 0, "length", "killwords", "end", "leeway");
        int length = arguments[0] == null ? 255 : Python.wantInt(arguments[0], "the length of truncate");
        String end = arguments[2] == null ? "..." : Python.wantText(arguments[2], "the end of truncate");
        int leeway = arguments[3] == null || arguments[3] instanceof None
                ? 5
                : Python.wantInt(arguments[3], "the leeway of truncate");
        int room = length - Text.length(end);
        if (room < 0 || leeway < 0) {
            throw new Problem("truncate needs a length that holds its end, and a leeway of 0 or more");
        }
        // What is short enough stays as it is, whatever it is.
        if (run.python.length(value) <= (long) length + leeway) {
            return value;
        }
        String text = Python.text(value);
        if (text == null) {
            throw Problem.of("truncate needs a string, found %s", Python.type(value));
        }
        String cut = text.substring(0, Text.unit(text, room));
        int blank = truth(run, arguments[1]) ? -1 : cut.lastIndexOf(' ');
        return (blank < 0 ? cut : cut.substring(0, blank)) + end;
    }

    private static Object urlencode(Evaluator run, Object value, Arguments given) {
        given.bind("urlencode", 0);
        Python python = run.python;
        boolean iterable = !(value instanceof String)
                && Boolean.TRUE.equals(Tests.test(run, "iterable", value, Arguments.NONE));
        if (!iterable) {
            return quoted(run, python.str(value), true);
        }
        List<Object> pairs = value instanceof DictValue dict
                ? new Values.ViewValue(dict, Values.ViewValue.Kind.ITEMS).items()
                : python.list(value);
        var parts = new ArrayList<Object>();
        for (Object pair : pairs) {
            List<Object> two = python.list(pair);
            if (two.size() != 2) {
                throw new Problem("urlencode needs a string, a dict or pairs");
            }
            parts.add(quoted(run, python.str(two.get(0)), false).replace("%20", "+") + "="
                    + quoted(run, python.str(two.get(1)), false).replace("%20", "+"));
        }
        return new Strings(run).join("&", parts);
    }

    private static String quoted(Evaluator run, String text, boolean slash) {
        var out = new StringBuilder();
        run.python.meter.chars(text.length() * 9L);
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xFF);
            boolean plain = c < 0x80 && Character.isLetterOrDigit(c) || "_.-~".indexOf(c) >= 0 || slash && c == '/';
            out.append(plain ? String.valueOf(c) : "%%%02X".formatted((int) c));
        }
        return out.toString();
    }

    private static Object xmlattr(Evaluator run, Object value, Arguments given) {
        Object space = given.bind("xmlattr", 0, "autospace")[0];
        if (!(value instanceof DictValue dict)) {
            throw Python.unused(value, "xmlattr needs a dict, found " + Python.type(value));
        }
        var out = new StringBuilder();
        for (Map.Entry<Object, Object> entry : dict.entries()) {
            Object inner = entry.getValue();
            if (inner instanceof None || inner instanceof Undefined) {
                continue;
            }
            String key = Python.wantText(entry.getKey(), "the name of an attribute");
            if (key.codePoints().anyMatch(c -> Text.isSpace(c) || "/>=".indexOf(c) >= 0)) {
                throw Problem.of("'%s' is no name of an attribute", key);
            }
            out.append(out.isEmpty() ? "" : " ").append(escaped(key)).append("=\"")
                    .append(inner instanceof Markup(String html) ? html : escaped(run.python.str(inner))).append('"');
            run.python.meter.chars(out.length());
        }
        boolean first = (space == null || run.python.truth(space)) && !out.isEmpty();
        return (first ? " " : "") + out;
    }

    /// HTML without its tags.
    private static final class Html {
        private static final Map<String, String> ENTITIES = Map.of("amp", "&", "lt", "<", "gt", ">", "quot", "\"",
                "apos", "'", "nbsp", "\u00a0");

        private Html() {}

        static String stripped(String html) {
            var out = new StringBuilder(html.length());
            int lastTagEnd = html.lastIndexOf('>');
            int lastCommentEnd = html.lastIndexOf("-->");
            for (int i = 0; i < html.length();) {
                char c = html.charAt(i);
                boolean comment = html.startsWith("<!--", i);
                boolean ends = c == '<' && i < (comment ? lastCommentEnd : lastTagEnd);
                if (ends) {
                    i = comment ? html.indexOf("-->", i) + 3 : html.indexOf('>', i) + 1;
                } else {
                    out.append(c);
                    i++;
                }
            }
            String text = out.toString();
            if (text.indexOf('&') < 0) {
                return joined(text);
            }
            return joined(unescaped(text));
        }

        private static String joined(String text) {
            var out = new StringBuilder();
            for (int c : text.codePoints().toArray()) {
                if (!Text.isSpace(c)) {
                    out.appendCodePoint(c);
                } else if (!out.isEmpty() && out.charAt(out.length() - 1) != ' ') {
                    out.append(' ');
                }
            }
            return Text.strip(out.toString(), null, true, true);
        }

        private static String unescaped(String text) {
            var out = new StringBuilder();
            int last = text.lastIndexOf(';');
            for (int i = 0; i < text.length(); i++) {
                int end = text.charAt(i) == '&' && i < last ? text.indexOf(';', i) : -1;
                if (end < 0) {
                    out.append(text.charAt(i));
                    continue;
                }
                String name = text.substring(i + 1, end);
                String known = ENTITIES.get(name);
                if (known == null && name.matches("#[0-9]{1,6}")) {
                    int c = Integer.parseInt(name.substring(1));
                    known = c > 31 && c < 127 || c > 159 && c < 0xD800 ? Character.toString(c) : null;
                }
                if (known == null) {
                    throw new Problem("striptags knows no entity like the one in this text");
                }
                out.append(known);
                i = end;
            }
            return out.toString();
        }
    }
}
