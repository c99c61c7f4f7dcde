package dev.weft.eval;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Named entities: one counts as found if its first token, its last token and its type are right.
///
/// Matches seqeval 1.2, and gives its values the names they have in Hugging Face's evaluate.
public final class EntityScore implements Metric<List<String>, List<String>> {
    private final TagScheme scheme;
    private final Map<String, PrecisionRecall.Counts> counts = new TreeMap<>();
    private final Seen seen = new Seen("entity F1");
    private long tags;
    private long tagsRight;

    public EntityScore() {
        this(TagScheme.LENIENT);
    }

    public EntityScore(TagScheme scheme) {
        this.scheme = scheme;
    }

    /// The tags of one sentence.
    @Override
    public void add(List<String> predicted, List<String> expected) {
        if (predicted.size() != expected.size()) {
            throw seen.wrong("found %d tags for %d tokens".formatted(predicted.size(), expected.size()));
        }
        List<TagScheme.Entity> said = entities(predicted);
        List<TagScheme.Entity> wanted = entities(expected);
        var right = new ArrayList<>(said);
        right.retainAll(new HashSet<>(wanted));
        said.forEach(entity -> count(entity, 0, 1, 0));
        wanted.forEach(entity -> count(entity, 0, 0, 1));
        right.forEach(entity -> count(entity, 1, 0, 0));
        for (int i = 0; i < predicted.size(); i++) {
            tagsRight += predicted.get(i).equals(expected.get(i)) ? 1 : 0;
        }
        tags += predicted.size();
        seen.add();
    }

    private List<TagScheme.Entity> entities(List<String> tags) {
        try {
            return scheme.entities(tags);
        } catch (IllegalArgumentException e) {
            throw seen.wrong(e.getMessage());
        }
    }

    private void count(TagScheme.Entity entity, int hits, int predicted, int expected) {
        counts.merge(entity.type(), new PrecisionRecall.Counts(hits, predicted, expected),
                PrecisionRecall.Counts::plus);
    }

    /// Each type that was said or expected.
    public Map<String, PrecisionRecall> byType() {
        seen.some();
        var scores = new TreeMap<String, PrecisionRecall>();
        counts.forEach((type, count) -> scores.put(type, count.score(0)));
        return scores;
    }

    public PrecisionRecall score(PrecisionRecall.Average average) {
        seen.some();
        return PrecisionRecall.of(counts.values(), average, 0);
    }

    @Override
    public Map<String, Double> values() {
        var values = new LinkedHashMap<String, Double>();
        PrecisionRecall all = score(PrecisionRecall.Average.MICRO);
        values.put("overall_f1", all.f1());
        values.put("overall_precision", all.precision());
        values.put("overall_recall", all.recall());
        values.put("overall_accuracy", PrecisionRecall.ratio(tagsRight, tags, 0));
        values.put("f1_macro", score(PrecisionRecall.Average.MACRO).f1());
        values.put("f1_weighted", score(PrecisionRecall.Average.WEIGHTED).f1());
        byType().forEach((type, score) -> values.put("f1[" + type + "]", score.f1()));
        return values;
    }

    @Override
    public String signature() {
        return "entities|scheme:" + scheme;
    }
}
