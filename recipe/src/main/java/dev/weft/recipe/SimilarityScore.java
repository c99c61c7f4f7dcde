package dev.weft.recipe;

import dev.weft.data.Example;
import dev.weft.data.Row;
import dev.weft.eval.Regression;
import dev.weft.eval.UsualMetrics;
import dev.weft.run.pipeline.SentenceEmbedder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// How alike two sentences are: the cosine of their vectors against a number that people gave.
///
/// @param embedder holds the model
record SimilarityScore(List<Row> rows, SentenceEmbedder embedder) implements TaskScore.Asking {
    /// Pairs that are read before progress is told.
    private static final int PART = 1024;

    SimilarityScore {
        rows.forEach(row -> {
            row.text("text");
            row.text("text_pair");
            row.number("label");
        });
    }

    @Override
    public List<Example> examples() {
        return List.of();
    }

    @Override
    public boolean wantsLoss() {
        return false;
    }

    @Override
    public Assessment.Result result(List<Boolean> answers, Assessment.Progress progress) {
        var metric = new Regression();
        var predictions = new ArrayList<Prediction>();
        for (int from = 0; from < rows.size(); from += PART) {
            List<Row> part = rows.subList(from, Math.min(rows.size(), from + PART));
            var texts = new ArrayList<>(part.stream().map(row -> row.text("text")).toList());
            texts.addAll(part.stream().map(row -> row.text("text_pair")).toList());
            List<SentenceEmbedder.Embedding> vectors = embedder.embed(texts);
            for (int i = 0; i < part.size(); i++) {
                double cosine = SentenceEmbedder.similarity(vectors.get(i).vector(),
                        vectors.get(i + part.size()).vector());
                double expected = part.get(i).number("label");
                metric.add(cosine, expected);
                predictions.add(Prediction.of(part.get(i).place(), cosine, expected));
            }
            progress.done("comparing", from + part.size(), rows.size());
        }
        return new Assessment.Result(UsualMetrics.SENTENCE_SIMILARITY.report(metric), predictions, Map.of(),
                List.of());
    }
}
