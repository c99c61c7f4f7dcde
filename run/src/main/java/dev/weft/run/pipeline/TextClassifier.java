package dev.weft.run.pipeline;

import dev.weft.models.heads.HeadKind;
import dev.weft.text.Tokenizer;
import dev.weft.text.Truncation;
import java.nio.file.Path;
import java.util.List;

/// One answer for a whole text: its label, its labels, or a number, as the folder's config says. The Python library's
/// `text-classification`. Safe to share between threads.
public final class TextClassifier implements AutoCloseable {
    private final Batches batches;
    private final Tokenizer tokenizer;
    private final List<String> labels;
    private final Classification.Function function;

    private TextClassifier(Batches batches, Tokenizer tokenizer) {
        this.batches = batches;
        this.tokenizer = tokenizer;
        labels = batches.head().frame().labelNames();
        function = switch (batches.head().frame().config().text("problem_type", "")) {
            case "regression" -> Classification.Function.NONE;
            case "multi_label_classification" -> Classification.Function.SIGMOID;
            default -> labels.size() == 1 ? Classification.Function.SIGMOID : Classification.Function.SOFTMAX;
        };
    }

    static TextClassifier open(Path folder) {
        Batches batches = Batches.open(folder, HeadKind.SEQUENCE_CLASSIFICATION);
        return new TextClassifier(batches, batches.tokenizer());
    }

    /// This one, cutting texts that are longer than the model's positions. Both are closed by either.
    public TextClassifier truncating() {
        return new TextClassifier(batches, tokenizer.with(Truncation.to(batches.room())));
    }

    /// The names of what it tells apart.
    public List<String> labels() {
        return labels;
    }

    public Classification classify(String text) {
        return classify(List.of(text)).getFirst();
    }

    /// An answer for each text.
    ///
    /// @throws IllegalArgumentException if a text is longer than the model's positions
    public List<Classification> classify(List<String> texts) {
        return batches.map(tokenizer.encodeAll(texts), List.of("logits"),
                (outputs, encoding) -> Classification.of(labels, function.apply(outputs.get("logits").toFloats())));
    }

    /// An answer for each pair of texts, such as a sentence and what may follow from it.
    public List<Classification> classifyPairs(List<String> first, List<String> second) {
        return batches.map(tokenizer.encodeAllPairs(first, second), List.of("logits"),
                (outputs, encoding) -> Classification.of(labels, function.apply(outputs.get("logits").toFloats())));
    }

    @Override
    public void close() {
        batches.close();
    }
}
