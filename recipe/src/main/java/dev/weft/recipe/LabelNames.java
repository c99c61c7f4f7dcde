package dev.weft.recipe;

import dev.weft.data.Labels;
import dev.weft.data.Row;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Labels of data by the names that a model has for them.
final class LabelNames {
    private static final int SHOWN = 20;
    private static final String NUMBER = "[0-9]{1,6}";

    private LabelNames() {}

    /// Rows with the model's names in a column. Where the data has numbers and the model names, a number is the id of a
    /// class.
    ///
    /// @throws IllegalArgumentException if the model lacks some, naming them and where the first one stands
    static List<Row> of(List<Row> rows, String column, Labels known) {
        var found = new LinkedHashMap<String, String>();
        rows.forEach(row -> names(row, column).forEach(name -> found.putIfAbsent(name, row.place())));
        if (found.keySet().stream().allMatch(known::has)) {
            return rows;
        }
        boolean ids = found.keySet().stream().allMatch(name -> name.matches(NUMBER)
                && Integer.parseInt(name) < known.size())
                && known.names().stream().noneMatch(name -> name.matches(NUMBER));
        if (!ids) {
            List<Map.Entry<String, String>> unknown = found.entrySet().stream()
                    .filter(each -> !known.has(each.getKey())).toList();
            throw new IllegalArgumentException(
                    "%s: the model does not know %s of column \"%s\": %s; it knows %s".formatted(
                            unknown.getFirst().getValue(),
                            unknown.size() == 1 ? "a label" : unknown.size() + " labels", column,
                            shown(unknown.stream().map(Map.Entry::getKey).toList()), shown(known.names())));
        }
        return rows.stream().map(row -> {
            var values = new LinkedHashMap<String, @Nullable Object>(row.values());
            List<String> named = names(row, column).stream().map(id -> known.name(Integer.parseInt(id))).toList();
            values.put(column, row.value(column) instanceof List<?> ? named : named.getFirst());
            return new Row(values, row.place());
        }).toList();
    }

    private static List<String> names(Row row, String column) {
        return row.value(column) instanceof List<?> ? row.labels(column) : List.of(row.label(column));
    }

    private static String shown(List<String> names) {
        String some = names.stream().limit(SHOWN).collect(Collectors.joining(", "));
        return names.size() > SHOWN ? "%s and %d more".formatted(some, names.size() - SHOWN) : some;
    }
}
