package dev.weft.eval;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// Any number of labels for each example.
///
/// Matches scikit-learn on label indicator matrices: `accuracy` asks for the whole set to be right, `hamming_loss` is the
/// share of single wrong decisions, and the mean over examples (`_samples`) stands beside those over labels.
public final class MultiLabel implements Metric<Set<String>, Set<String>> {
    private final Map<String, PrecisionRecall.Counts> counts = new LinkedHashMap<>();
    private final double zeroDivision;
    private final Seen seen = new Seen("multi-label classification");
    private long allRight;
    private long wrongDecisions;
    private double precisions;
    private double recalls;
    private double f1s;
    private double jaccards;

    public MultiLabel(Collection<String> labels) {
        this(labels, 0);
    }

    /// @param labels       all there are: one that never comes also counts
    /// @param zeroDivision what nothing in nothing is: 0, or 1
    public MultiLabel(Collection<String> labels, double zeroDivision) {
        if (labels.isEmpty()) {
            throw new IllegalArgumentException("Multi-label classification needs at least one label, found none");
        }
        labels.forEach(label -> counts.put(label, new PrecisionRecall.Counts(0, 0, 0)));
        this.zeroDivision = PrecisionRecall.checkedZeroDivision(zeroDivision);
    }

    @Override
    public void add(Set<String> predicted, Set<String> expected) {
        var union = new TreeSet<>(predicted);
        union.addAll(expected);
        for (String label : union) {
            if (!counts.containsKey(label)) {
                throw seen.wrong("the label %s is none of %s".formatted(label, counts.keySet()));
            }
        }
        for (String label : union) {
            boolean said = predicted.contains(label);
            boolean wanted = expected.contains(label);
            counts.merge(label, new PrecisionRecall.Counts(said && wanted ? 1 : 0, said ? 1 : 0, wanted ? 1 : 0),
                    PrecisionRecall.Counts::plus);
        }
        long hits = predicted.stream().filter(expected::contains).count();
        PrecisionRecall here = new PrecisionRecall.Counts(hits, predicted.size(), expected.size()).score(zeroDivision);
        precisions += here.precision();
        recalls += here.recall();
        f1s += here.f1();
        jaccards += PrecisionRecall.ratio(hits, union.size(), zeroDivision);
        wrongDecisions += union.size() - hits;
        allRight += union.size() == hits ? 1 : 0;
        seen.add();
    }

    public PrecisionRecall score(String label) {
        seen.some();
        return counts.get(label).score(zeroDivision);
    }

    public PrecisionRecall score(PrecisionRecall.Average average) {
        seen.some();
        return PrecisionRecall.of(List.copyOf(counts.values()), average, zeroDivision);
    }

    @Override
    public Map<String, Double> values() {
        double examples = seen.some();
        var values = new LinkedHashMap<String, Double>();
        for (PrecisionRecall.Average average : PrecisionRecall.Average.values()) {
            Classification.put(values, "_" + average.name().toLowerCase(Locale.ROOT), score(average));
        }
        Classification.put(values, "_samples",
                new PrecisionRecall(precisions / examples, recalls / examples, f1s / examples, 0));
        values.put("jaccard_samples", jaccards / examples);
        values.put("hamming_loss", wrongDecisions / (examples * counts.size()));
        values.put("accuracy", allRight / examples);
        return values;
    }
}
