package dev.weft.tensor;

import java.util.List;

/// Operations over all parameters at once: one call, no loop in Java, no transfer to the host.
public final class Updates {
    private Updates() {}

    /// One step of AdamW (Loshchilov & Hutter 2019) in place, fused: per parameter
    /// `p ← p − lr·wd·p`, then `p ← p − lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + eps)`.
    ///
    /// @param steps how many updates each has had, this one included; `[]` of float32 each
    public static void adamW(List<Tensor> parameters, List<Tensor> gradients, List<Tensor> first, List<Tensor> second,
            List<Tensor> steps, double learningRate, double beta1, double beta2, double weightDecay, double eps) {
        if (parameters.isEmpty()) {
            return;
        }
        AtenOps.call(AtenOps.Op.FUSED_ADAMW, array(parameters), array(gradients), array(first), array(second),
                new Tensor[0],
                array(steps), learningRate, beta1, beta2, weightDecay, eps, false, false, AtenOps.None.NONE,
                AtenOps.None.NONE).close();
    }

    /// √(Σ of all squares) over all tensors, `[]`.
    public static Tensor globalNorm(List<Tensor> tensors) {
        try (var norms = AtenOps.call(AtenOps.Op.FOREACH_NORM, array(tensors), 2L, AtenOps.None.NONE);
                var list = norms.get(0);
                var parts = list.toTensorVector();
                var inner = TensorScope.open()) {
            Tensor stacked = Tensor.produce("stack", () -> org.bytedeco.pytorch.global.torch.stack(parts));
            return inner.keep(stacked.mul(stacked).sum().sqrt());
        }
    }

    /// Multiplies every tensor in place by the one number of `factor`.
    public static void scale(List<Tensor> tensors, Tensor factor) {
        AtenOps.call(AtenOps.Op.FOREACH_MUL, array(tensors), factor).close();
    }

    /// Adds one number to every tensor in place.
    public static void add(List<Tensor> tensors, double number) {
        AtenOps.call(AtenOps.Op.FOREACH_ADD, array(tensors), number).close();
    }

    private static Tensor[] array(List<Tensor> tensors) {
        return tensors.toArray(Tensor[]::new);
    }
}
