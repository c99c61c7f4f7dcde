package dev.weft.run.pipeline;

import dev.weft.run.Task;
import dev.weft.models.Loading;
import dev.weft.text.Truncation;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/// Which passages answer a query best, by a cross-encoder that reads both together (Nogueira & Cho 2019), as
/// `sentence-transformers` does. Safe to share between threads.
public final class Reranker implements AutoCloseable {
    /// A passage and how well it answers.
    ///
    /// @param index of the passage in the list that was given
    /// @param score from 0 to 1 where the model has one output; else the score of its last
    public record Ranked(int index, double score, String passage) {}

    private final Batches batches;
    private final Classification.Function function;

    private Reranker(Batches batches) {
        this.batches = batches;
        function = batches.head().context().labels() == 1
                ? Classification.Function.SIGMOID
                : Classification.Function.NONE;
    }

    static Reranker open(Path folder, Loading loading) {
        return new Reranker(Batches.open(folder, loading, Task.RERANK));
    }

    /// A score for each passage, in their order. Passages that are too long are cut.
    ///
    /// @throws RefusedTexts if a passage is empty
    public double[] scores(String query, List<String> passages) {
        if (query.isBlank()) {
            throw new IllegalArgumentException("The query is empty");
        }
        Batches.requireWords(passages);
        var tokenizer = batches.tokenizer()
                .with(Truncation.to(batches.room()).with(Truncation.Strategy.ONLY_SECOND));
        return batches.map(tokenizer.encodeAllPairs(Collections.nCopies(passages.size(), query), passages),
                List.of("logits"), (outputs, pair) -> function.apply(outputs.get("logits").toFloats())).stream()
                .mapToDouble(scores -> scores[scores.length - 1]).toArray();
    }

    /// All passages, best first.
    public List<Ranked> rank(String query, List<String> passages) {
        double[] scores = scores(query, passages);
        return IntStream.range(0, scores.length).mapToObj(i -> new Ranked(i, scores[i], passages.get(i)))
                .sorted(Comparator.comparingDouble(Ranked::score).reversed()).toList();
    }

    @Override
    public void close() {
        batches.close();
    }
}
