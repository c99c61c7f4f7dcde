package dev.weft.eval;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// One label of several for each example: accuracy, precision, recall, F1 and Matthews' coefficient.
///
/// Matches scikit-learn's functions of these names.
public final class Classification implements Metric<String, String> {
    private final ConfusionMatrix matrix;
    private final @Nullable String positive;
    private final double zeroDivision;
    private final Seen seen = new Seen("classification");

    /// All labels are equal, and nothing in nothing is 0.
    public Classification() {
        this(List.of(), null, 0);
    }

    /// @param labels       the order in which they are shown; those that are only seen follow
    /// @param positive     the label that is looked for: its precision, recall and F1 are the plain ones; or null
    /// @param zeroDivision what precision or recall is where there is nothing to divide by: 0, or 1
    public Classification(Collection<String> labels, @Nullable String positive, double zeroDivision) {
        if (positive != null && !labels.contains(positive)) {
            throw new IllegalArgumentException("The positive label %s is none of %s".formatted(positive, labels));
        }
        this.matrix = new ConfusionMatrix(labels);
        this.positive = positive;
        this.zeroDivision = PrecisionRecall.checkedZeroDivision(zeroDivision);
    }

    @Override
    public void add(String predicted, String expected) {
        matrix.add(predicted, expected);
        seen.add();
    }

    public ConfusionMatrix matrix() {
        return matrix;
    }

    /// The share that is right.
    public double accuracy() {
        return (double) matrix.right() / seen.some();
    }

    public PrecisionRecall score(String label) {
        seen.some();
        return matrix.counts(label).score(zeroDivision);
    }

    /// Over the labels that were said or expected; those that were only given do not count.
    public PrecisionRecall score(PrecisionRecall.Average average) {
        seen.some();
        return PrecisionRecall.of(
                matrix.labels().stream().map(matrix::counts).filter(label -> label.predicted() + label.expected() > 0)
                        .toList(),
                average, zeroDivision);
    }

    /// Matthews 1975, for several labels as Gorodkin 2004: 1 all right, 0 no better than chance, also for one label only.
    public double matthews() {
        double total = seen.some();
        double both = 0;
        double predictedSquares = 0;
        double expectedSquares = 0;
        for (String label : matrix.labels()) {
            double predicted = matrix.predicted(label);
            double expected = matrix.expected(label);
            both += predicted * expected;
            predictedSquares += predicted * predicted;
            expectedSquares += expected * expected;
        }
        double spread = (total * total - predictedSquares) * (total * total - expectedSquares);
        return spread == 0 ? 0 : (matrix.right() * total - both) / Math.sqrt(spread);
    }

    @Override
    public Map<String, Double> values() {
        var values = new LinkedHashMap<String, Double>();
        values.put("accuracy", accuracy());
        if (positive != null) {
            put(values, "", score(positive));
        }
        for (PrecisionRecall.Average average : PrecisionRecall.Average.values()) {
            put(values, "_" + average.name().toLowerCase(Locale.ROOT), score(average));
        }
        values.put("matthews_correlation", matthews());
        return values;
    }

    static void put(Map<String, Double> values, String suffix, PrecisionRecall score) {
        values.put("precision" + suffix, score.precision());
        values.put("recall" + suffix, score.recall());
        values.put("f1" + suffix, score.f1());
    }
}
