package dev.weft.nn;

import dev.weft.tensor.Tensor;
import java.util.Map;

/// A model for one task, which computes its loss. Arguments and results have the names that the Python library gives them:
/// `input_ids`, `attention_mask`, `labels`, `logits`, …
public interface TaskModel extends Model {
    /// What the task computes: `logits [batch, …]` and what the model computes on the way.
    Map<String, Tensor> outputs(Map<String, Tensor> inputs, ForwardPass pass);

    /// The loss of the task from labels, summed up.
    ///
    /// @param outputs        what [#outputs] gave
    /// @param inputs         with the labels: `labels`, `start_positions`, …
    /// @param labelSmoothing share of each label that is spread over all classes, where the loss is a cross-entropy
    ///                       (Szegedy et al. 2016, <https://arxiv.org/abs/1512.00567>); 0 for none
    Loss losses(Map<String, Tensor> outputs, Map<String, Tensor> inputs, double labelSmoothing);

    /// The loss alone, which need not compute what no label asks about: the scores of tokens that are not masked.
    ///
    /// @param inputs with the labels
    default Loss losses(Map<String, Tensor> inputs, ForwardPass pass, double labelSmoothing) {
        return losses(outputs(inputs, pass), inputs, labelSmoothing);
    }

    /// What each term of [#losses] sums over, which the labels say before anything is computed.
    long[] counts(Map<String, Tensor> inputs);
}
