package dev.weft.eval;

import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/// The area under the receiver operating characteristic: how probably an example of a label gets a higher score for it
/// than one of another label does; equal scores count half.
///
/// Matches scikit-learn's `roc_auc_score`: with two labels or one, that of the last; with several, each against the rest
/// (`multi_class="ovr"`), and also for several labels an example. Keeps one number per example and label.
public final class RocAuc implements Metric<double[], Set<String>> {
    private final List<String> labels;
    private final List<Numbers> scores;
    private final List<Numbers> expected;
    private final Seen seen = new Seen("ROC AUC");

    /// @param labels in the order of the scores
    public RocAuc(Collection<String> labels) {
        if (labels.isEmpty()) {
            throw new IllegalArgumentException("ROC AUC needs at least one label, found none");
        }
        this.labels = List.copyOf(labels);
        this.scores = Stream.generate(Numbers::new).limit(labels.size()).toList();
        this.expected = Stream.generate(Numbers::new).limit(labels.size()).toList();
    }

    /// @param predicted a score for each label; only their order matters, not their scale
    /// @param expected  the labels that are true; none is one of them
    @Override
    public void add(double[] predicted, Set<String> expected) {
        if (predicted.length != labels.size()) {
            throw seen.wrong("expected %d scores, one for each of %s, found %d".formatted(labels.size(), labels,
                    predicted.length));
        }
        for (String label : expected) {
            if (!labels.contains(label)) {
                throw seen.wrong("the label %s is none of %s".formatted(label, labels));
            }
        }
        for (int i = 0; i < predicted.length; i++) {
            seen.finite(predicted[i], "score of " + labels.get(i));
        }
        for (int i = 0; i < predicted.length; i++) {
            scores.get(i).add(predicted[i]);
            this.expected.get(i).add(expected.contains(labels.get(i)) ? 1 : 0);
        }
        seen.add();
    }

    /// One label against the rest; NaN where all examples or none are of that label.
    public double score(String label) {
        seen.some();
        int index = labels.indexOf(label);
        if (index < 0) {
            throw new IllegalArgumentException("The label %s is none of %s".formatted(label, labels));
        }
        double[] ranks = scores.get(index).ranks();
        Numbers truth = expected.get(index);
        double positives = Arrays.stream(truth.toArray()).sum();
        double ranksOfPositives = 0;
        for (int i = 0; i < ranks.length; i++) {
            ranksOfPositives += truth.at(i) * ranks[i];
        }
        double pairs = positives * (ranks.length - positives);
        return pairs == 0 ? Double.NaN : (ranksOfPositives - positives * (positives + 1) / 2) / pairs;
    }

    @Override
    public Map<String, Double> values() {
        var values = new LinkedHashMap<String, Double>();
        if (labels.size() <= 2) {
            values.put("roc_auc", score(labels.getLast()));
            return values;
        }
        double weighted = 0;
        double weights = 0;
        for (int i = 0; i < labels.size(); i++) {
            double weight = Arrays.stream(expected.get(i).toArray()).sum();
            weighted += weight * score(labels.get(i));
            weights += weight;
        }
        values.put("roc_auc", labels.stream().mapToDouble(this::score).average().orElseThrow());
        values.put("roc_auc_weighted", weighted / weights);
        return values;
    }
}
