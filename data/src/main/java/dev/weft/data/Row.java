package dev.weft.data;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// One record of a data set: values by the names of their columns, and where it stood. A value is text, a number, true or
/// false, a list, a map, or null.
///
/// @param place what messages call it: `train.csv, line 7`
public record Row(Map<String, @Nullable Object> values, String place) {
    public Row {
        values = Collections.unmodifiableMap(values);
    }

    public Set<String> columns() {
        return values.keySet();
    }

    /// What a column holds, as it is; null where it holds nothing.
    ///
    /// @throws IllegalArgumentException if there is no such column, with those there are
    public @Nullable Object value(String column) {
        if (!values.containsKey(column)) {
            throw new IllegalArgumentException("%s: there is no column \"%s\"; the columns are %s".formatted(place,
                    column, String.join(", ", columns())));
        }
        return values.get(column);
    }

    /// A text; numbers as they are written.
    ///
    /// @throws IllegalArgumentException if there is none
    public String text(String column) {
        return text(value(column), column);
    }

    /// A finite number, which may be written as text.
    ///
    /// @throws IllegalArgumentException if there is none
    public double number(String column) {
        return number(value(column), column);
    }

    /// A whole number.
    ///
    /// @throws IllegalArgumentException if there is none
    public long whole(String column) {
        return whole(value(column), column);
    }

    /// The name of a class, which may be a number: 1, "1", 1.0 and "1.0" are the same.
    ///
    /// @throws IllegalArgumentException if there is none
    public String label(String column) {
        return label(value(column), column);
    }

    /// A list of texts, such as the words of a sentence.
    ///
    /// @throws IllegalArgumentException if it is no list, or an entry is no text
    public List<String> texts(String column) {
        return list(column).stream().map(each -> text(each, column)).toList();
    }

    /// A list of names of classes, perhaps none.
    ///
    /// @throws IllegalArgumentException if it is no list, or an entry is no label
    public List<String> labels(String column) {
        return list(column).stream().map(each -> label(each, column)).toList();
    }

    /// The answers to a question, in a map of two lists as the Python library has them: `text` and `answer_start`, the
    /// latter in code points.
    public record Answers(List<String> texts, List<Long> starts) {}

    /// @throws IllegalArgumentException if it is no map of two lists of one length
    public Answers answers(String column) {
        if (!(value(column) instanceof Map<?, ?> map) || !(map.get("text") instanceof List<?> texts)
                || !(map.get("answer_start") instanceof List<?> starts) || texts.size() != starts.size()) {
            throw wrong(column, value(column), "answers: a map with the lists \"text\" and \"answer_start\"");
        }
        return new Answers(texts.stream().map(each -> text(each, column)).toList(),
                starts.stream().map(each -> whole(each, column)).toList());
    }

    private List<?> list(String column) {
        if (value(column) instanceof List<?> list) {
            return list;
        }
        throw wrong(column, value(column), "a list");
    }

    private String text(@Nullable Object value, String column) {
        return switch (value) {
            case String text -> text;
            case Double number when number.isNaN() -> throw wrong(column, value, "a text");
            case Number number -> number.toString();
            case Boolean truth -> truth.toString();
            case null, default -> throw wrong(column, value, "a text");
        };
    }

    private double number(@Nullable Object value, String column) {
        double number = Double.NaN;
        if (value instanceof Number found) {
            number = found.doubleValue();
        } else if (value instanceof String text) {
            try {
                number = Double.parseDouble(text.strip());
            } catch (NumberFormatException e) {
                throw wrong(column, value, "a number");
            }
        }
        if (!Double.isFinite(number)) {
            throw wrong(column, value, "a number");
        }
        return number;
    }

    private long whole(@Nullable Object value, String column) {
        double number = number(value, column);
        if (number != Math.rint(number) || Math.abs(number) > 1L << 53) {
            throw wrong(column, value, "a whole number");
        }
        return (long) number;
    }

    private String label(@Nullable Object value, String column) {
        String label = switch (value) {
            case Double number when Double.isFinite(number) && number == Math.rint(number) ->
                Long.toString(number.longValue());
            case String text -> text.strip().replaceFirst("^(-?[0-9]+)\\.0+$", "$1");
            case null, default -> text(value, column);
        };
        if (label.isEmpty()) {
            throw wrong(column, value, "a label");
        }
        return label;
    }

    private IllegalArgumentException wrong(String column, @Nullable Object found, String needed) {
        String shown = found instanceof String text ? '"' + text + '"' : String.valueOf(found);
        return new IllegalArgumentException("%s: column \"%s\" needs %s, found %s".formatted(place, column, needed,
                found == null ? "nothing" : shown.length() > 60 ? shown.substring(0, 60) + "…" : shown));
    }

    /// This row with other names for its columns: new name to the one it has. Columns that are not named stay, unless a
    /// new name takes theirs.
    ///
    /// @throws IllegalArgumentException if a column is not there, with those there are
    public Row named(Map<String, String> columns) {
        var named = new LinkedHashMap<String, @Nullable Object>();
        columns.forEach((name, column) -> named.put(name, value(column)));
        values.forEach((column, value) -> {
            if (!columns.containsValue(column) && !named.containsKey(column)) {
                named.put(column, value);
            }
        });
        return new Row(named, place);
    }
}
