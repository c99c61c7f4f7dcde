package dev.weft.models.heads;

import dev.weft.tensor.Kernels;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// What the reference computes from logits and labels.
final class Losses {
    /// Labels of this value count for nothing.
    static final long IGNORED = -100;

    private Losses() {}

    static Tensor given(Map<String, Tensor> inputs, String name) {
        Tensor labels = inputs.get(name);
        if (labels == null) {
            throw new IllegalArgumentException("The loss needs " + name + ", found " + inputs.keySet());
        }
        return labels;
    }

    /// Mean of −log softmax(logits)[label] over the labels that count: `[..., classes]` and `[...]`.
    static Tensor crossEntropy(Tensor logits, Tensor labels) {
        return crossEntropy(logits, labels, IGNORED);
    }

    static Tensor crossEntropy(Tensor logits, Tensor labels, long ignored) {
        return Kernels.crossEntropy(logits.reshape(-1, logits.size(-1)), labels.reshape(-1), null,
                Kernels.Reduction.MEAN, ignored, 0);
    }

    /// Each position's logits against the label after it.
    static Tensor nextToken(Tensor logits, Tensor labels) {
        long seq = logits.size(1);
        return crossEntropy(logits.narrow(1, 0, seq - 1), labels.narrow(1, 1, seq - 1));
    }

    /// −log σ(logit) where the label is 1, −log(1 − σ(logit)) where it is 0, of each element.
    static Tensor binaryCrossEntropy(Tensor logits, Tensor labels) {
        // log(1 + eˣ) − xy, written so that it cannot overflow
        return logits.relu().sub(logits.mul(labels.to(logits.dtype())))
                .add(logits.abs().neg().exp().add(1).log());
    }

    static Tensor squared(Tensor logits, Tensor labels) {
        Tensor difference = logits.reshape(-1).sub(labels.reshape(-1).to(logits.dtype()));
        return difference.mul(difference).mean();
    }
}
