package dev.weft.run.pipeline;

import dev.weft.run.Task;
import dev.weft.models.Loading;
import dev.weft.text.Encoding;
import java.nio.file.Path;
import java.util.List;

/// One answer for a whole text: its label, its labels, or a number, as the folder's config says. The Python library's
/// `text-classification`. Safe to share between threads.
public final class TextClassifier implements AutoCloseable {
    private final Batches batches;
    private final List<String> labels;
    private final Classification.Function function;
    private final boolean truncates;

    private TextClassifier(Batches batches, Classification.Function function, boolean truncates) {
        this.batches = batches;
        this.function = function;
        this.truncates = truncates;
        labels = batches.head().context().labelNames();
    }

    static TextClassifier open(Path folder, Loading loading) {
        Batches batches = Batches.open(folder, loading, Task.TEXT_CLASSIFICATION);
        Classification.Function function = switch (batches.head().context().config().text("problem_type", "")) {
            case "regression" -> Classification.Function.NONE;
            case "multi_label_classification" -> Classification.Function.SIGMOID;
            default -> batches.head().context().labels() == 1
                    ? Classification.Function.SIGMOID
                    : Classification.Function.SOFTMAX;
        };
        return new TextClassifier(batches, function, false);
    }

    /// This one, cutting texts that are longer than the model's positions. Both are closed by either.
    public TextClassifier truncating() {
        return new TextClassifier(batches, function, true);
    }

    /// With another function of the model's scores than the config says. Both are closed by either.
    public TextClassifier with(Classification.Function other) {
        return new TextClassifier(batches, other, truncates);
    }

    /// The names of what it tells apart.
    public List<String> labels() {
        return labels;
    }

    /// One text's labels, the likeliest first.
    public Classification classify(String text) {
        return classify(List.of(text)).getFirst();
    }

    /// An answer for each text.
    ///
    /// @throws RefusedTexts if a text is empty or longer than the model's positions
    public List<Classification> classify(List<String> texts) {
        return answers(batches.encode(texts, truncates));
    }

    /// An answer for each pair of texts, such as a sentence and what may follow from it.
    ///
    /// @throws RefusedTexts if a first text is empty or a pair longer than the model's positions
    public List<Classification> classifyPairs(List<String> first, List<String> second) {
        Batches.requireWords(first);
        return answers(batches.roomFor(batches.tokenizer(truncates).encodeAllPairs(first, second)));
    }

    private List<Classification> answers(List<Encoding> encodings) {
        return batches.map(encodings, List.of("logits"),
                (outputs, encoding) -> Classification.of(labels, function.apply(outputs.get("logits").toFloats())));
    }

    @Override
    public void close() {
        batches.close();
    }
}
