package dev.weft.tensor;

import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/// LibTorch's fused operations that layers are made of. What they mean stands in the layers of `nn`.
public final class Kernels {

    static {
        Engine.start();
    }

    private Kernels() {}

    /// `x · weightᵀ + bias`: `[..., in]`, `[out, in]`, `[out]` to `[..., out]`.
    public static Tensor linear(Tensor x, Tensor weight, @Nullable Tensor bias) {
        return bias == null
                ? Tensor.produce("linear", () -> torch.linear(x.peer(), weight.peer()), x, weight)
                : Tensor.produce("linear", () -> torch.linear(x.peer(), weight.peer(), bias.peer()), x, weight, bias);
    }

    /// `bias + x · weight`: `[out]`, `[n, in]`, `[in, out]` to `[n, out]`.
    public static Tensor addmm(Tensor bias, Tensor x, Tensor weight) {
        return Tensor.produce("addmm", () -> torch.addmm(bias.peer(), x.peer(), weight.peer()), bias, x, weight);
    }

    /// Rows of `weight [vocab, hidden]`: ids `[...]` to `[..., hidden]`.
    public static Tensor embedding(Tensor weight, Tensor ids) {
        return Tensor.produce("embedding", () -> torch.embedding(weight.peer(), ids.peer()), weight, ids);
    }

    /// Normalised over the last axes, which are those of `weight`.
    public static Tensor layerNorm(Tensor x, Tensor weight, @Nullable Tensor bias, double eps) {
        long[] axes = weight.shape();
        try (var scale = new TensorOptional(weight.peer()); var shift = optional(bias)) {
            return Tensor.produce("layer_norm",
                    () -> torch.layer_norm(x.peer(), axes, scale, shift, eps, false), x, weight);
        }
    }

    /// Divided by the root of the mean square over the last axes, which are those of `weight`.
    public static Tensor rmsNorm(Tensor x, Tensor weight, double eps) {
        long[] shape = weight.shape();
        try (var scale = new TensorOptional(weight.peer());
                var epsilon = new DoubleOptional(eps);
                var axes = new org.bytedeco.pytorch.LongArrayRef(shape, shape.length)) {
            return Tensor.produce("rms_norm", () -> torch.rms_norm(x.peer(), axes, scale, epsilon), x, weight);
        }
    }

    /// x · Φ(x), exactly or by the tanh formula (Hendrycks & Gimpel 2016, §2).
    public static Tensor gelu(Tensor x, boolean tanh) {
        return Tensor.produce("gelu", () -> torch.gelu(x.peer(), tanh ? "tanh" : "none"), x);
    }

    public static Tensor silu(Tensor x) {
        return Tensor.produce("silu", () -> torch.silu(x.peer()), x);
    }

    /// LibTorch's fused attention. `causal` aligns the diagonal at the top left: use it only where queries and keys
    /// are equally many, and never together with a mask.
    public static Tensor attention(Tensor queries, Tensor keys, Tensor values, @Nullable Tensor mask, boolean causal,
            double scale) {
        try (var hidden = optional(mask); var factor = new DoubleOptional(scale)) {
            return Tensor.produce("scaled_dot_product_attention",
                    () -> torch.scaled_dot_product_attention(queries.peer(),
                            keys.peer(), values.peer(), hidden, 0, causal, factor, false),
                    queries, keys, values);
        }
    }

    /// How the losses of single targets are put together.
    public enum Reduction {
        NONE, MEAN, SUM
    }

    /// −log softmax(logits)[target]: `[n, classes]` and `[n]`; targets of `ignored` count for nothing.
    public static Tensor crossEntropy(Tensor logits, Tensor targets, @Nullable Tensor weights, Reduction reduction,
            long ignored,
            double labelSmoothing) {
        try (var perClass = optional(weights)) {
            return Tensor.produce("cross_entropy",
                    () -> torch.cross_entropy_loss(logits.peer(), targets.peer(), perClass,
                            reduction.ordinal(), ignored, labelSmoothing),
                    logits, targets);
        }
    }

    /// Writes `a · b` into `out`: `[..., n, k] × [..., k, m]`.
    static void matmulInto(Tensor out, Tensor a, Tensor b) {
        torch.matmul_out(out.peer(), a.peer(), b.peer());
    }

    private static TensorOptional optional(@Nullable Tensor tensor) {
        return tensor == null ? new TensorOptional() : new TensorOptional(tensor.peer());
    }
}
