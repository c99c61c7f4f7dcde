package dev.weft.models.heads;

import dev.weft.nn.ForwardPass;
import dev.weft.nn.Loss;
import dev.weft.tensor.Tensor;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The base model: hidden states and, where the family has one and the file holds it, a pooled vector.
///
/// @param pooler to `pooler_output [batch, hidden]`, or null
public record BareModel(HeadContext context, @Nullable PooledHead pooler) implements PretrainedModel {
    @Override
    public Map<String, Tensor> outputs(Map<String, Tensor> inputs, ForwardPass pass) {
        Map<String, Tensor> results = hidden(inputs, pass);
        if (pooler != null) {
            results.put("pooler_output",
                    pooler.forward(results.get("last_hidden_state"), inputs, pass.dropout()));
        }
        return results;
    }

    @Override
    public Loss losses(Map<String, Tensor> outputs, Map<String, Tensor> inputs, double labelSmoothing) {
        throw new IllegalArgumentException("A base model has no loss; load it with a head");
    }
}
