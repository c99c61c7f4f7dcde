package dev.weft.jinja;

import dev.weft.jinja.Values.DictValue;
import dev.weft.jinja.Values.ListValue;
import dev.weft.jinja.Values.None;
import dev.weft.jinja.Values.TupleValue;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Python's `json.dumps`, which is what `tojson` is in chat templates.
final class JsonText {
    private final Python python;
    private final boolean onlyAscii;
    private final @Nullable String indent;
    private final String between;
    private final String afterKey;
    private final boolean sorted;
    private final StringBuilder out = new StringBuilder();

    private JsonText(Python python, boolean onlyAscii, @Nullable String indent, String between, String afterKey,
            boolean sorted) {
        this.python = python;
        this.onlyAscii = onlyAscii;
        this.indent = indent;
        this.between = between;
        this.afterKey = afterKey;
        this.sorted = sorted;
    }

    static String of(Python python, Object value, Arguments arguments) {
        @Nullable
        Object[] given = arguments.bind("tojson", 0, "ensure_ascii", "indent", "separators", "sort_keys");
        String indent = given[1] == null || given[1] instanceof None
                ? null
                : given[1] instanceof String text ? text : spaces(python, given[1]);
        String between = indent == null ? ", " : ",";
        String afterKey = ": ";
        if (given[2] != null && !(given[2] instanceof None)) {
            List<Object> pair = python.list(given[2]);
            if (pair.size() != 2) {
                throw new Problem("the separators of tojson are two strings");
            }
            between = Python.wantText(pair.get(0), "a separator of tojson");
            afterKey = Python.wantText(pair.get(1), "a separator of tojson");
        }
        var text = new JsonText(python, given[0] != null && python.truth(given[0]), indent, between, afterKey,
                given[3] != null && python.truth(given[3]));
        text.write(value, 0);
        return text.out.toString();
    }

    private static String spaces(Python python, Object count) {
        int number = Math.max(0, Python.wantInt(count, "the indent of tojson"));
        python.meter.chars(number);
        return " ".repeat(number);
    }

    private void write(Object value, int depth) {
        python.meter.steps(1);
        python.meter.output(out.length());
        switch (value) {
            case None none -> out.append("null");
            case Boolean flag -> out.append(flag);
            case BigInteger number -> out.append(number);
            case Double number -> out.append(number(number));
            case ListValue list -> items(list.items(), depth);
            case TupleValue tuple -> items(tuple.items(), depth);
            case DictValue dict -> dict(dict, depth);
            default -> {
                String text = Python.text(value);
                if (text == null) {
                    throw Python.unused(value, "a %s has no JSON".formatted(Python.type(value)));
                }
                string(text);
            }
        }
    }

    private static String number(double number) {
        return Double.isFinite(number)
                ? Python.digits(number)
                : Double.isNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity";
    }

    private void items(List<Object> items, int depth) {
        if (items.isEmpty()) {
            out.append("[]");
            return;
        }
        out.append('[');
        for (int i = 0; i < items.size(); i++) {
            out.append(i == 0 ? "" : between);
            line(depth + 1);
            write(items.get(i), depth + 1);
        }
        line(depth);
        out.append(']');
    }

    private void dict(DictValue dict, int depth) {
        if (dict.size() == 0) {
            out.append("{}");
            return;
        }
        List<Map.Entry<Object, Object>> entries = new ArrayList<>(dict.entries());
        if (sorted) {
            entries = Filters.sorted(python, entries, Map.Entry::getKey, false);
        }
        out.append('{');
        boolean first = true;
        for (Map.Entry<Object, Object> entry : entries) {
            out.append(first ? "" : between);
            first = false;
            line(depth + 1);
            string(key(entry.getKey()));
            out.append(afterKey);
            write(entry.getValue(), depth + 1);
        }
        line(depth);
        out.append('}');
    }

    private static String key(Object key) {
        return switch (key) {
            case None none -> "null";
            case Boolean flag -> flag.toString();
            case BigInteger number -> number.toString();
            case Double number -> number(number);
            default -> Python.wantText(key, "a key in JSON");
        };
    }

    private void line(int depth) {
        if (indent != null) {
            python.meter.chars((long) indent.length() * depth);
            out.append('\n').append(indent.repeat(depth));
        }
    }

    private void string(String text) {
        python.meter.chars(text.length());
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\f' -> out.append("\\f");
                case '\b' -> out.append("\\b");
                default -> {
                    if (c < 0x20 || onlyAscii && c > 0x7E) {
                        out.append("\\u%04x".formatted((int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }

    /// Other characters than ASCII as Python's escapes.
    static String ascii(String text) {
        var out = new StringBuilder(text.length());
        text.codePoints().forEach(c -> {
            if (c < 0x80) {
                out.append((char) c);
            } else {
                out.append(c < 0x100
                        ? "\\x%02x".formatted(c)
                        : c < 0x10000
                                ? "\\u%04x".formatted(c)
                                : "\\U%08x".formatted(c));
            }
        });
        return out.toString();
    }
}
