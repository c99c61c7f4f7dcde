package dev.weft.models.heads;

import dev.weft.nn.Dropout;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// From hidden states to logits.
@FunctionalInterface
public interface Scores {
    /// @param hidden `[batch, seq, hidden]`
    /// @param inputs of the model
    Tensor of(Tensor hidden, Map<String, Tensor> inputs, Dropout drop);

    /// How a family builds them.
    @FunctionalInterface
    interface Style {
        /// Reads or makes their weights.
        Scores load(HeadContext context);
    }
}
