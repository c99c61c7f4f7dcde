package dev.weft.recipe;

import dev.weft.data.Example;
import dev.weft.data.Example.Feature;
import dev.weft.data.Row;
import dev.weft.data.RowEncoder;
import dev.weft.eval.AnswerScore;
import dev.weft.eval.Report;
import dev.weft.eval.UsualMetrics;
import dev.weft.text.Encoding;
import dev.weft.text.Tokenizer;
import dev.weft.text.Truncation;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// Where a text answers a question: of all windows the span with the highest sum of logits, chosen as the question
/// answering script of `transformers` does. If some question has no answer, the text may hold none: then the first token of
/// each window stands for that, and the least sure window decides.
///
/// @param windows  of all rows one after the other, as many as there are examples
/// @param spread   how many of them each row has
/// @param examples a window each
record SpanScore(List<Row> rows, List<Encoding> windows, int[] spread, List<Example> examples, int maxAnswer)
        implements
            TaskScore<SpanScore.Found> {
    /// How many beginnings and ends of each window are looked at.
    private static final int BEST = 20;

    /// The best span of a window, and how sure it is that there is none.
    ///
    /// @param text  `""` where the window has no span
    /// @param score sum of two logits
    /// @param none  the same of the first token
    /// @param loss  mean of the two cross-entropies, over the window and not over what fills up the batch
    record Found(String text, double score, double none, double loss) {}

    static SpanScore of(List<Row> rows, Tokenizer tokenizer, Truncation.Windows limit, int maxAnswer) {
        var encoder = new RowEncoder.Questions(tokenizer, limit);
        var windowed = tokenizer.with(limit);
        List<List<Encoding>> windows = rows.parallelStream().map(
                row -> windowed.encodePair(row.text("question").stripLeading(), row.text("context"))).toList();
        return new SpanScore(rows, windows.stream().flatMap(List::stream).toList(),
                windows.stream().mapToInt(List::size).toArray(), Assessment.encoded(rows, encoder), maxAnswer);
    }

    @Override
    public List<String> outputs() {
        return List.of("start_logits", "end_logits");
    }

    @Override
    public Found answer(int number, Map<String, float[]> its) {
        Encoding window = windows.get(number);
        Row row = row(number);
        float[] starts = its.get("start_logits");
        float[] ends = its.get("end_logits");
        TaskScore.best(starts, 0, starts.length, row);
        TaskScore.best(ends, 0, ends.length, row);
        String context = row.text("context");
        double loss = (loss(starts, window.size(), examples.get(number).features().get("start_positions"))
                + loss(ends, window.size(), examples.get(number).features().get("end_positions"))) / 2;
        var best = new Found("", Double.NEGATIVE_INFINITY, (double) starts[0] + ends[0], loss);
        for (int start : highest(starts, window.size())) {
            for (int end : highest(ends, window.size())) {
                double score = (double) starts[start] + ends[end];
                if (score > best.score && start <= end && end - start < maxAnswer
                        && window.sequenceIds()[start] == 1 && window.sequenceIds()[end] == 1
                        && window.starts()[start] < window.ends()[end]) {
                    best = new Found(context.substring(window.starts()[start], window.ends()[end]), score, best.none,
                            loss);
                }
            }
        }
        return best;
    }

    private static double loss(float[] logits, int count, Feature right) {
        double highest = IntStream.range(0, count).mapToDouble(i -> logits[i]).max().orElseThrow();
        double sum = IntStream.range(0, count).mapToDouble(i -> Math.exp(logits[i] - highest)).sum();
        return right instanceof Feature.Whole(int place) ? Math.log(sum) + highest - logits[place] : 0;
    }

    @Override
    public boolean wantsLoss() {
        return false;
    }

    private Row row(int window) {
        int row = 0;
        for (int before = spread[0]; before <= window; before += spread[row]) {
            row++;
        }
        return rows.get(row);
    }

    private static int[] highest(float[] logits, int count) {
        return IntStream.range(0, count).boxed().sorted(Comparator.comparingDouble(i -> -logits[i])).limit(BEST)
                .mapToInt(Integer::intValue).toArray();
    }

    @Override
    public Assessment.Result result(List<Found> answers, Assessment.Progress progress) {
        boolean mayBeNone = rows.stream().anyMatch(row -> row.answers("answers").texts().isEmpty());
        AnswerScore metric = mayBeNone ? AnswerScore.squad2() : AnswerScore.squad1();
        var predictions = new ArrayList<Prediction>();
        int from = 0;
        for (int i = 0; i < rows.size(); i++) {
            List<Found> its = answers.subList(from, from + spread[i]);
            from += spread[i];
            Found best = its.stream().max(Comparator.comparingDouble(Found::score)).orElseThrow();
            double none = its.stream().mapToDouble(Found::none).min().orElseThrow();
            boolean unanswered = best.text().isEmpty() || mayBeNone && none > best.score();
            String said = unanswered ? "" : best.text();
            List<String> expected = rows.get(i).answers("answers").texts();
            metric.add(said, expected, best.text().isEmpty() ? 0 : none - best.score());
            predictions.add(Prediction.of(rows.get(i).place(), said, expected));
        }
        Report report = Assessment.with(UsualMetrics.QUESTION_ANSWERING.report(metric),
                answers.stream().mapToDouble(Found::loss).average().orElseThrow());
        return new Assessment.Result(report, predictions, Map.of(), List.of());
    }
}
