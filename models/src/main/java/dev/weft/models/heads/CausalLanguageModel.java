package dev.weft.models.heads;

import dev.weft.nn.Loss;
import dev.weft.nn.Projection;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// The next token at every position: logits over the vocabulary.
///
/// @param shifts whether its loss compares each position with the label after it; the decoders of encoder-decoders expect
///               labels that stand at the position that predicts them
public record CausalLanguageModel(HeadContext context, Projection vocabulary,
        boolean shifts) implements VocabularyModel {
    private static final String SHIFTED = "shift_labels";

    /// Cross-entropy of each position's logits against the label that it predicts. `shift_labels` instead of `labels` stand
    /// at the position that predicts them already, as in the reference: windows of a long text know the token after them.
    @Override
    public Loss losses(Map<String, Tensor> outputs, Map<String, Tensor> inputs, double labelSmoothing) {
        Tensor logits = outputs.get("logits");
        Tensor targets = targets(inputs);
        boolean next = shifts && !inputs.containsKey(SHIFTED);
        return Losses.crossEntropy(logits.narrow(1, Math.max(0, prompts() - (next ? 1 : 0)), targets.size(1)), targets,
                labelSmoothing);
    }

    @Override
    public long[] counts(Map<String, Tensor> inputs) {
        return new long[]{Losses.counted(targets(inputs))};
    }

    private Tensor targets(Map<String, Tensor> inputs) {
        Tensor shifted = inputs.get(SHIFTED);
        if (shifted != null) {
            return shifted;
        }
        Tensor labels = Losses.given(inputs, "labels");
        // The last of the prompts predicts the first token.
        return shifts && prompts() == 0 ? Losses.next(labels) : labels;
    }

    private int prompts() {
        return backbone().prompts();
    }
}
