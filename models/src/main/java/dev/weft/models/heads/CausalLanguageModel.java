package dev.weft.models.heads;

import dev.weft.nn.Projection;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// The next token at every position: logits over the vocabulary.
///
/// @param shifts whether its loss compares each position with the label after it; the decoders of encoder-decoders expect
///               labels that stand at the position that predicts them
public record CausalLanguageModel(Frame frame, Projection vocabulary, boolean shifts) implements VocabularyModel {
    /// Mean cross-entropy of each position's logits against the label that it predicts.
    @Override
    public Tensor loss(Map<String, Tensor> outputs, Map<String, Tensor> inputs) {
        Tensor labels = Losses.given(inputs, "labels");
        return shifts
                ? Losses.nextToken(outputs.get("logits"), labels)
                : Losses.crossEntropy(outputs.get("logits"), labels);
    }
}
