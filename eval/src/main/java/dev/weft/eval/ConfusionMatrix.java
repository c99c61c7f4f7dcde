package dev.weft.eval;

import dev.weft.eval.picture.HeatMap;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/// How often each label was said where each was expected.
public final class ConfusionMatrix {
    private final List<String> given;
    private final Map<String, Map<String, Long>> counts = new TreeMap<>();

    /// Labels in alphabetical order.
    public ConfusionMatrix() {
        this(List.of());
    }

    /// @param labels the order of the rows; others follow in alphabetical order
    public ConfusionMatrix(Collection<String> labels) {
        given = List.copyOf(labels);
    }

    public void add(String predicted, String expected) {
        counts.computeIfAbsent(expected, label -> new TreeMap<>()).merge(predicted, 1L, Long::sum);
    }

    /// Those given and those seen: the order of rows and columns.
    public List<String> labels() {
        var labels = new TreeSet<>(counts.keySet());
        counts.values().forEach(row -> labels.addAll(row.keySet()));
        given.forEach(labels::remove);
        return Stream.concat(given.stream(), labels.stream()).toList();
    }

    public long count(String predicted, String expected) {
        return counts.getOrDefault(expected, Map.of()).getOrDefault(predicted, 0L);
    }

    /// How often a label was said.
    public long predicted(String label) {
        return counts.values().stream().mapToLong(row -> row.getOrDefault(label, 0L)).sum();
    }

    /// How often a label was expected.
    public long expected(String label) {
        return counts.getOrDefault(label, Map.of()).values().stream().mapToLong(Long::longValue).sum();
    }

    public long total() {
        return counts.keySet().stream().mapToLong(this::expected).sum();
    }

    public long right() {
        return counts.keySet().stream().mapToLong(label -> count(label, label)).sum();
    }

    PrecisionRecall.Counts counts(String label) {
        return new PrecisionRecall.Counts(count(label, label), predicted(label), expected(label));
    }

    /// A picture: rows are what was expected, columns what was said; dark where a row's examples went.
    public String svg() {
        List<String> labels = labels();
        var shares = new double[labels.size()][labels.size()];
        var texts = new String[labels.size()][labels.size()];
        for (int row = 0; row < labels.size(); row++) {
            for (int column = 0; column < labels.size(); column++) {
                long count = count(labels.get(column), labels.get(row));
                shares[row][column] = (double) count / Math.max(1, expected(labels.get(row)));
                texts[row][column] = Long.toString(count);
            }
        }
        return new HeatMap("expected", labels, "predicted", labels, shares, texts).svg();
    }
}
