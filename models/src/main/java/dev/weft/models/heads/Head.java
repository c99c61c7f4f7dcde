package dev.weft.models.heads;

import dev.weft.models.Backbone;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Model;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// A model for one task: a backbone and what its task needs on top.
public interface Head extends Model {
    Backbone backbone();

    /// What the task computes from token ids, by the names of the Python library's results: `logits`, …
    Map<String, Tensor> outputs(Tensor tokenIds, ForwardPass pass);

    /// The loss that the reference computes from labels, `[]`.
    ///
    /// @param outputs what [#outputs] gave
    /// @param labels  by the reference's argument names: `labels`, `start_positions`, …
    Tensor loss(Map<String, Tensor> outputs, Map<String, Tensor> labels);
}
