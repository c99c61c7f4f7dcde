package dev.weft.recipe;

import dev.weft.data.Example;
import dev.weft.data.Labels;
import dev.weft.data.Row;
import dev.weft.data.RowEncoder;
import dev.weft.eval.Classification;
import dev.weft.eval.EntityScore;
import dev.weft.eval.Metric;
import dev.weft.eval.TagScheme;
import dev.weft.eval.UsualMetrics;
import dev.weft.text.Encoding;
import dev.weft.text.Tokenizer;
import dev.weft.text.Truncation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// A label for each word, said at its first piece. A word beyond the longest text, or one that has no piece, is no entity.
///
/// @param first of each row and word, the place of its first piece; −1 where there is none
record TagScore(Labels labels, List<Row> rows, List<Example> examples, List<int[]> first)
        implements
            TaskScore<List<String>> {
    private static final String OUTSIDE = "O";
    private static final int MOST_LABELS = 50;

    static TagScore of(Labels labels, List<Row> given, Tokenizer tokenizer, Truncation limit) {
        List<Row> rows = LabelNames.of(given, "tags", labels);
        List<Example> examples = Assessment.encoded(rows,
                new RowEncoder.Words(tokenizer, limit, labels, RowEncoder.Pieces.FIRST));
        Tokenizer cutting = tokenizer.with(limit);
        return new TagScore(labels, rows, examples, rows.parallelStream().map(row -> {
            List<String> words = row.texts("tokens");
            Encoding encoding = cutting.encodeWords(words);
            int[] first = new int[words.size()];
            Arrays.fill(first, -1);
            for (int i = encoding.size() - 1; i >= 0; i--) {
                if (encoding.wordIds()[i] >= 0) {
                    first[encoding.wordIds()[i]] = i;
                }
            }
            return first;
        }).toList());
    }

    @Override
    public List<String> outputs() {
        return List.of("logits");
    }

    @Override
    public List<String> answer(int number, Map<String, float[]> its) {
        return Arrays.stream(first.get(number)).mapToObj(place -> place < 0
                ? OUTSIDE
                : labels.name(TaskScore.best(its.get("logits"), place * labels.size(), labels.size(),
                        rows.get(number))))
                .toList();
    }

    @Override
    public Assessment.Result result(List<List<String>> answers, Assessment.Progress progress) {
        var words = new Classification(labels.names(), null, 0);
        boolean entities = fits(TagScheme.LENIENT) || fits(TagScheme.BILOU);
        var spans = new EntityScore(fits(TagScheme.LENIENT) ? TagScheme.LENIENT : TagScheme.BILOU);
        var predictions = new ArrayList<Prediction>();
        long lost = 0;
        for (int i = 0; i < rows.size(); i++) {
            List<String> said = answers.get(i);
            List<String> expected = rows.get(i).labels("tags");
            if (entities) {
                spans.add(said, expected);
            }
            for (int word = 0; word < said.size(); word++) {
                words.add(said.get(word), expected.get(word));
            }
            lost += Arrays.stream(first.get(i)).filter(place -> place < 0).count();
            predictions.add(Prediction.of(rows.get(i).place(), said, expected).with("tokens",
                    rows.get(i).texts("tokens")));
        }
        Metric<?, ?> metric = entities ? spans : words;
        return new Assessment.Result(UsualMetrics.TOKEN_CLASSIFICATION.report(metric), predictions,
                labels.size() > MOST_LABELS ? Map.of() : Map.of("confusion-matrix", words.matrix().svg()),
                lost == 0
                        ? List.of()
                        : List.of("%,d words lie beyond the longest text or have no token; they count as %s"
                                .formatted(lost, OUTSIDE)));
    }

    /// Whether the labels are those of entities, and not for instance parts of speech.
    private boolean fits(TagScheme scheme) {
        try {
            return labels.has(OUTSIDE) && !scheme.entities(labels.names()).isEmpty();
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
