package dev.weft.train;

import dev.weft.nn.CrossEntropy;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Loss;
import dev.weft.nn.TaskModel;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Kernels;
import dev.weft.tensor.Tensor;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Direct preference optimisation, DPO: the better of two answers becomes likelier than the worse one, measured from where a
/// reference model has them. Rafailov et al. 2023, equation 7, <https://arxiv.org/abs/2305.18290>.
///
/// A batch has `chosen_input_ids`, `chosen_attention_mask`, `chosen_labels` (−100 but in the answer) and the same for
/// `rejected_`, row by row the two of a pair; and where there is no reference model `reference_chosen_logps [batch]` and
/// `reference_rejected_logps [batch]`, computed before with [#logProbabilities].
///
/// @param model     a causal language model: its logits are of the token after
/// @param reference the same before this training, frozen; null: the batch has its log probabilities
/// @param beta      how dear it is to leave the reference, commonly 0.1
public record PreferenceObjective(TaskModel model, @Nullable TaskModel reference, double beta, Device device)
        implements
            Objective<Map<String, Tensor>> {
    public PreferenceObjective {
        if (!(beta > 0)) {
            throw new IllegalArgumentException("beta must be above 0, found " + beta);
        }
    }

    @Override
    public Loss loss(Map<String, Tensor> batch, ForwardPass pass) {
        Map<String, Tensor> inputs = TaskObjective.on(device, batch);
        Tensor gain = gain("chosen_", inputs, pass).sub(gain("rejected_", inputs, pass)).mul(beta);
        // −log σ(x) = log(1 + e⁻ˣ), written so that it cannot overflow
        Tensor each = gain.neg().relu().add(gain.abs().neg().exp().add(1).log());
        return Loss.of(each.sum(), each.count());
    }

    @Override
    public long[] counts(Map<String, Tensor> batch) {
        return new long[]{TaskObjective.part("chosen_", batch).get("input_ids").size(0)};
    }

    /// log π(answer) − log π_reference(answer), `[batch]`.
    private Tensor gain(String prefix, Map<String, Tensor> inputs, ForwardPass pass) {
        Map<String, Tensor> part = TaskObjective.part(prefix, inputs);
        return logProbabilities(model, part, pass).sub(before(prefix, inputs, part));
    }

    private Tensor before(String prefix, Map<String, Tensor> inputs, Map<String, Tensor> part) {
        if (reference != null) {
            try (var off = Gradients.off()) {
                return logProbabilities(reference, part, ForwardPass.plain());
            }
        }
        Tensor known = inputs.get("reference_" + prefix + "logps");
        if (known == null) {
            throw new IllegalArgumentException("Without a reference model the batch needs reference_" + prefix
                    + "logps, found " + inputs.keySet());
        }
        return known.to(DType.FLOAT32);
    }

    /// Log probability of each row's labels, summed up, `[batch]`.
    ///
    /// @param inputs with `labels [batch, seq]`, −100 where they do not count
    public static Tensor logProbabilities(TaskModel model, Map<String, Tensor> inputs, ForwardPass pass) {
        Tensor labels = inputs.get("labels");
        if (labels == null) {
            throw new IllegalArgumentException("Preferences need labels for both answers, found " + inputs.keySet());
        }
        Tensor logits = model.outputs(inputs, pass).get("logits").to(DType.FLOAT32);
        long seq = labels.size(1) - 1;
        Tensor targets = labels.narrow(1, 1, seq);
        return Kernels.crossEntropy(logits.narrow(1, 0, seq).reshape(-1, logits.size(-1)), targets.reshape(-1), null,
                Kernels.Reduction.NONE, CrossEntropy.IGNORED, 0).reshape(-1, seq).sum(-1, false).neg();
    }
}
