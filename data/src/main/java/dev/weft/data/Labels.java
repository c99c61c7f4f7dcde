package dev.weft.data;

import java.math.BigInteger;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The classes of a data set, in the order of their ids.
public final class Labels {
    private static final int MOST = 1 << 16;

    private final List<String> names;
    private final Map<String, Integer> ids = new HashMap<>();

    private Labels(List<String> names) {
        this.names = List.copyOf(names);
        for (String name : names) {
            if (ids.put(name, ids.size()) != null) {
                throw new IllegalArgumentException("two labels are called \"%s\"".formatted(name));
            }
        }
    }

    /// Labels in a given order, such as that of a model's config.
    ///
    /// @throws IllegalArgumentException if one comes twice
    public static Labels of(List<String> names) {
        return new Labels(names);
    }

    /// The labels that stand in a column, alone or in lists: sorted, by value where all are whole numbers.
    ///
    /// @throws IllegalArgumentException if a row has none, or there are more than 65,536
    public static Labels of(Rows rows, String column) {
        Set<String> found = new HashSet<>();
        rows.forEach(row -> {
            if (row.value(column) instanceof List<?>) {
                found.addAll(row.labels(column));
            } else {
                found.add(row.label(column));
            }
            if (found.size() > MOST) {
                throw new IllegalArgumentException(
                        "%s: column \"%s\" holds more than %d different values up to here; is it a label?"
                                .formatted(row.place(), column, MOST));
            }
        });
        boolean numbers = found.stream().allMatch(label -> label.matches("-?[0-9]+"));
        return new Labels(found.stream()
                .sorted(numbers ? Comparator.comparing(BigInteger::new) : Comparator.naturalOrder()).toList());
    }

    public List<String> names() {
        return names;
    }

    public int size() {
        return names.size();
    }

    public boolean has(String name) {
        return ids.containsKey(name);
    }

    public String name(int id) {
        return names.get(id);
    }

    /// @param place what messages call it
    /// @throws IllegalArgumentException if the training data had no such label, with those it had
    public int id(String name, String place) {
        Integer id = ids.get(name);
        if (id == null) {
            throw new IllegalArgumentException("%s: the label \"%s\" is not one of those in training: %s".formatted(
                    place, name, size() > 20
                            ? "%s and %d more".formatted(String.join(", ", names.subList(0, 20)), size() - 20)
                            : String.join(", ", names)));
        }
        return id;
    }

    /// The label of a row.
    public int id(Row row, String column) {
        return id(row.label(column), row.place());
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Labels labels && names.equals(labels.names);
    }

    @Override
    public int hashCode() {
        return names.hashCode();
    }

    @Override
    public String toString() {
        // Quoted, since names may hold commas: what is the same here is the same.
        return names.stream().map(name -> '"' + name.replace("\"", "\\\"") + '"').toList().toString();
    }
}
