package dev.weft.models.heads;

import dev.weft.nn.ForwardPass;
import dev.weft.nn.Loss;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// Logits for each position on its own, against a label for each: masked language models (labels are ids), token
/// classification (labels are classes).
///
/// @param scores `[batch, seq, hidden]` to `[batch, seq, classes]`
public record TokenModel(HeadContext context, Scores scores) implements PretrainedModel {
    @Override
    public Map<String, Tensor> outputs(Map<String, Tensor> inputs, ForwardPass pass) {
        Map<String, Tensor> results = hidden(inputs, pass);
        results.put("logits", pass.trace().tap("logits",
                scores.of(results.get("last_hidden_state"), inputs, pass.dropout())));
        return results;
    }

    /// Cross-entropy over the labels that are not −100.
    @Override
    public Loss losses(Map<String, Tensor> outputs, Map<String, Tensor> inputs, double labelSmoothing) {
        return Losses.crossEntropy(outputs.get("logits"), Losses.given(inputs, "labels"), labelSmoothing);
    }

    /// Of the places whose labels count.
    @Override
    public Loss losses(Map<String, Tensor> inputs, ForwardPass pass, double labelSmoothing) {
        Losses.Asked asked = Losses.asked(hidden(inputs, pass).get("last_hidden_state"),
                Losses.given(inputs, "labels"));
        return Losses.crossEntropy(scores.of(asked.hidden(), inputs, pass.dropout()), asked.labels(), labelSmoothing);
    }
}
