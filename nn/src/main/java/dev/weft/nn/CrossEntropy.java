package dev.weft.nn;

import dev.weft.tensor.DType;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Kernels;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Σ −log softmax(logits) at the label, computed in float32 whatever the logits are.
///
/// For training the gradient is made together with the loss, some rows at a time, while their probabilities are in the
/// processor's cache: over a large vocabulary each further reading of the logits costs as much as a layer.
public final class CrossEntropy {
    /// The label that counts for nothing, as everywhere in the Python library.
    public static final long IGNORED = -100;

    /// Logits at once: 2 MiB of float32.
    private static final long AT_ONCE = 1 << 19;

    private CrossEntropy() {}

    /// `[]`.
    ///
    /// @param logits    `[n, classes]`
    /// @param labels    `[n]`
    /// @param ignored   labels of this value count for nothing
    /// @param smoothing share of each label that is spread over all classes (Szegedy et al. 2016, §7,
    ///                  <https://arxiv.org/abs/1512.00567>)
    public static Tensor sum(Tensor logits, Tensor labels, long ignored, double smoothing) {
        DType wide = logits.dtype() == DType.FLOAT64 ? DType.FLOAT64 : DType.FLOAT32;
        return logits.requiresGrad() && Gradients.recording()
                ? Gradients.apply(new WithGradient(labels, ignored, smoothing, wide), logits)
                : Kernels.crossEntropy(logits.to(wide), labels, null, Kernels.Reduction.SUM, ignored, smoothing);
    }

    private record WithGradient(Tensor labels, long ignored, double smoothing, DType wide)
            implements
                Gradients.Function {
        @Override
        public Tensor forward(List<Tensor> inputs, List<Tensor> saved) {
            Tensor logits = inputs.getFirst();
            long rows = logits.size(0);
            long classes = logits.size(1);
            Tensor gradient = Tensor.empty(logits.dtype(), rows, classes).to(logits.device());
            Tensor counts = labels.ne(ignored).to(wide).unsqueeze(1);
            Tensor places = labels.maskedFill(labels.eq(ignored), 0).unsqueeze(1);
            var sums = new ArrayList<Tensor>();
            long step = Math.max(1, AT_ONCE / classes);
            for (long first = 0; first < rows; first += step) {
                long size = Math.min(step, rows - first);
                try (var scope = TensorScope.open()) {
                    Tensor counted = counts.narrow(0, first, size);
                    Tensor place = places.narrow(0, first, size);
                    Tensor logs = logits.narrow(0, first, size).to(wide).logSoftmax(-1);
                    Tensor loss = logs.gather(1, place).mul(smoothing - 1);
                    if (smoothing > 0) {
                        loss = loss.sub(logs.mean(-1, true).mul(smoothing));
                    }
                    sums.add(scope.keep(loss.mul(counted).sum()));
                    // softmax − smoothing / classes, and (1 − smoothing) less at the label
                    Tensor change = logs.exp().sub(smoothing / classes);
                    gradient.narrow(0, first, size).copyInPlace(
                            change.scatter(1, place, change.gather(1, place).sub(1 - smoothing)).mulInPlace(counted));
                }
            }
            saved.add(gradient);
            return sums.isEmpty() ? Tensor.zeros(wide).to(logits.device()) : Tensor.stack(sums, 0).sum();
        }

        @Override
        public List<@Nullable Tensor> backward(Tensor above, List<Tensor> inputs, List<Tensor> saved) {
            // Out of what is freed afterwards: it becomes the gradient itself.
            return List.of(saved.removeFirst().mulInPlace(above));
        }
    }
}
