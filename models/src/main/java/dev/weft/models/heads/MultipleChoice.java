package dev.weft.models.heads;

import dev.weft.nn.ForwardPass;
import dev.weft.nn.Loss;
import dev.weft.tensor.Tensor;
import java.util.Map;
import java.util.TreeMap;

/// Which of several texts answers: inputs `[batch, choices, seq]`, one score for each text.
public record MultipleChoice(HeadContext context, PooledHead summary) implements PretrainedModel {
    /// `logits [batch, choices]`.
    @Override
    public Map<String, Tensor> outputs(Map<String, Tensor> inputs, ForwardPass pass) {
        var flat = new TreeMap<String, Tensor>();
        inputs.forEach((name, value) -> flat.put(name, value.dim() == 3 ? value.flatten(0, 1) : value));
        Map<String, Tensor> results = hidden(flat, pass);
        Tensor scores = summary.forward(results.get("last_hidden_state"), flat, pass.dropout());
        results.put("logits", scores.view(-1, inputs.get("input_ids").size(1)));
        return results;
    }

    @Override
    public Loss losses(Map<String, Tensor> outputs, Map<String, Tensor> inputs, double labelSmoothing) {
        return Losses.crossEntropy(outputs.get("logits"), Losses.given(inputs, "labels"), labelSmoothing);
    }
}
