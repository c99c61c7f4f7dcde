package dev.weft.recipe;

import dev.weft.data.Example;
import dev.weft.data.Row;
import dev.weft.data.RowEncoder;
import dev.weft.eval.Bleu;
import dev.weft.eval.Chrf;
import dev.weft.eval.Metric;
import dev.weft.eval.Rouge;
import dev.weft.eval.UsualMetrics;
import dev.weft.run.Generation;
import dev.weft.run.pipeline.TextToText;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Texts that a model writes: translations and summaries, each against one or several that people wrote. The loss is that of
/// the first of these.
///
/// @param writer   holds the model
/// @param examples for the loss; empty where its labels would need another language's tokens
record WrittenScore(UsualMetrics task, List<Row> rows, List<Example> examples, TextToText writer, Generation generation)
        implements
            TaskScore.Asking {
    /// Texts that are written before progress is told.
    private static final int PART = 256;

    /// @param encoder of the loss, or null for none
    static WrittenScore of(UsualMetrics task, List<Row> rows, @Nullable RowEncoder encoder, TextToText writer,
            Generation generation) {
        rows.forEach(WrittenScore::references);
        List<Row> first = rows.stream().map(row -> {
            var values = new LinkedHashMap<String, @Nullable Object>(row.values());
            values.put("target", references(row).getFirst());
            return new Row(values, row.place());
        }).toList();
        return new WrittenScore(task, rows, encoder == null ? List.of() : Assessment.encoded(first, encoder), writer,
                generation);
    }

    private static List<String> references(Row row) {
        List<String> all = row.value("target") instanceof List<?>
                ? row.texts("target")
                : List.of(row.text("target"));
        if (all.isEmpty()) {
            throw new IllegalArgumentException("%s: column \"target\" holds no text to compare with".formatted(
                    row.place()));
        }
        return all;
    }

    @Override
    public boolean wantsLoss() {
        return !examples.isEmpty();
    }

    @Override
    public Assessment.Result result(List<Boolean> answers, Assessment.Progress progress) {
        String[] written = new String[rows.size()];
        Arrays.fill(written, "");
        // Those of like length together; a source of nothing but spaces becomes nothing.
        List<Integer> order = IntStream.range(0, rows.size()).filter(i -> !rows.get(i).text("source").isBlank()).boxed()
                .sorted(Comparator.comparingInt(i -> rows.get(i).text("source").length())).toList();
        for (int from = 0; from < order.size(); from += PART) {
            List<Integer> part = order.subList(from, Math.min(order.size(), from + PART));
            List<TextToText.Output> outputs = writer
                    .answer(part.stream().map(i -> rows.get(i).text("source")).toList(), generation);
            for (int i = 0; i < part.size(); i++) {
                written[part.get(i)] = outputs.get(i).text();
            }
            progress.done("writing", from + part.size(), order.size());
        }
        List<? extends Metric<String, List<String>>> metrics = task == UsualMetrics.TRANSLATION
                ? List.of(new Bleu(), new Chrf())
                : List.of(new Rouge());
        var predictions = new ArrayList<Prediction>();
        for (int i = 0; i < rows.size(); i++) {
            List<String> expected = references(rows.get(i));
            for (Metric<String, List<String>> metric : metrics) {
                metric.add(written[i], expected);
            }
            predictions.add(Prediction.of(rows.get(i).place(), written[i],
                    expected.size() == 1 ? expected.getFirst() : expected).with("source", rows.get(i).text("source")));
        }
        return new Assessment.Result(task.report(metrics.toArray(Metric<?, ?>[]::new)), predictions, Map.of(),
                List.of());
    }
}
