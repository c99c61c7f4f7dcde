package dev.weft.tensor;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.LongStream;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.LongArrayRef;
import org.bytedeco.pytorch.Scalar;
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
        return linear(x, weight, bias, false);
    }

    /// `x · weight + bias`: `[..., in]`, `[in, out]`, `[out]` to `[..., out]`.
    public static Tensor linearTurned(Tensor x, Tensor weight, @Nullable Tensor bias) {
        return linear(x, weight, bias, true);
    }

    private static Tensor linear(Tensor x, Tensor weight, @Nullable Tensor bias, boolean turned) {
        Tensor product = PackedWeight.times(x, weight, bias, turned);
        return product == null ? plainLinear(x, weight, bias, turned) : product;
    }

    /// The product as LibTorch has it.
    static Tensor plainLinear(Tensor x, Tensor weight, @Nullable Tensor bias, boolean turned) {
        if (!turned) {
            return bias == null
                    ? Tensor.produce("linear", () -> torch.linear(x.peer(), weight.peer()), x, weight)
                    : Tensor.produce("linear", () -> torch.linear(x.peer(), weight.peer(), bias.peer()), x, weight,
                            bias);
        }
        Tensor rows = x.reshape(-1, weight.size(0));
        Tensor flat = bias == null
                ? rows.matmul(weight)
                : Tensor.produce("addmm", () -> torch.addmm(bias.peer(), rows.peer(), weight.peer()), bias, rows,
                        weight);
        long[] shape = x.shape();
        shape[shape.length - 1] = weight.size(1);
        return flat.view(shape);
    }

    /// Rows of `weight [vocab, hidden]`: ids `[...]` to `[..., hidden]`.
    ///
    /// @param padding the row whose gradient stays 0; −1: none
    public static Tensor embedding(Tensor weight, Tensor ids, int padding) {
        try {
            return Tensor.produce("embedding",
                    () -> torch.embedding(weight.peer(), ids.peer(), padding, false, false), weight, ids);
        } catch (TensorException e) {
            throw outside(weight.size(0), ids, e);
        }
    }

    /// Ids that a table does not have, named; else what LibTorch said.
    private static RuntimeException outside(long entries, Tensor ids, TensorException refused) {
        if (ids.dtype().isFloating() || ids.count() == 0
                || ids.min().itemLong() >= 0 && ids.max().itemLong() < entries) {
            return refused;
        }
        long least = ids.min().itemLong();
        return new IllegalArgumentException("id %d is outside the table, whose %d entries have the ids 0 to %d"
                .formatted(least < 0 ? least : ids.max().itemLong(), entries, entries - 1));
    }

    /// Normalised over the last axes, which are those of `weight`, or over the last axis where there is none.
    public static Tensor layerNorm(Tensor x, @Nullable Tensor weight, @Nullable Tensor bias, double eps) {
        long[] axes = weight == null ? new long[]{x.size(-1)} : weight.shape();
        try (var scale = optional(weight); var shift = optional(bias)) {
            return Tensor.produce("layer_norm",
                    () -> torch.layer_norm(x.peer(), axes, scale, shift, eps, false), given(x, weight, bias));
        }
    }

    /// Divided by the root of the mean square over the last axes, which are those of `weight`.
    public static Tensor rmsNorm(Tensor x, Tensor weight, double eps) {
        long[] shape = weight.shape();
        // A LongArrayRef is a view: the pointer below it must live as long.
        try (var scale = new TensorOptional(weight.peer());
                var epsilon = new DoubleOptional(eps);
                var lengths = new LongPointer(shape);
                var axes = new LongArrayRef(lengths, shape.length)) {
            return Tensor.produce("rms_norm", () -> torch.rms_norm(x.peer(), axes, scale, epsilon), x, weight);
        }
    }

    /// x · Φ(x), exactly or by the tanh formula (Hendrycks & Gimpel 2016, §2).
    public static Tensor gelu(Tensor x, boolean tanh) {
        return Tensor.produce("gelu", () -> torch.gelu(x.peer(), tanh ? "tanh" : "none"), x);
    }

    /// x · σ(x). Elfwing et al. 2017, <https://arxiv.org/abs/1702.03118>.
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
                    given(queries, keys, values, mask));
        }
    }

    private static Tensor[] given(@Nullable Tensor... arguments) {
        return Arrays.stream(arguments).filter(Objects::nonNull).toArray(Tensor[]::new);
    }

    /// How the losses of single targets are put together.
    public enum Reduction {
        NONE, MEAN, SUM
    }

    /// −log softmax(logits) at the target: `[n, classes]` and `[n]`; targets of `ignored` count for nothing.
    public static Tensor crossEntropy(Tensor logits, Tensor targets, @Nullable Tensor weights, Reduction reduction,
            long ignored,
            double labelSmoothing) {
        try (var perClass = optional(weights)) {
            return Tensor.produce("cross_entropy",
                    () -> torch.cross_entropy_loss(logits.peer(), targets.peer(), perClass,
                            reduction.ordinal(), ignored, labelSmoothing),
                    given(logits, targets, weights));
        }
    }

    /// Writes `a · b` over `out`: `[n, i, k] × [n, k, j]`. Not recorded.
    public static void bmmInto(Tensor out, Tensor a, Tensor b) {
        try {
            StandIn.holds("bmm", out, a, b);
            torch.bmm_out(out.peer(), a.peer(), b.peer());
        } catch (RuntimeException e) {
            throw TensorException.refused("bmm", new Tensor[]{a, b}, e);
        }
    }

    /// Writes slices `index [n]` of `x` along axis `dim` over `out`, which may be a part of a larger tensor. Not recorded.
    public static void indexSelectInto(Tensor out, Tensor x, int dim, Tensor index) {
        if (FastPath.COPIED_ROWS.proven(List.of(x.dtype(), x.device(), x.dim(), dim), () -> {
            try (var random = Randomness.seeded(1)) {
                long[] shape = LongStream.range(0, x.dim()).map(axis -> 5 + 2 * axis).toArray();
                Tensor any = random.normal(0, 1, shape).to(x.dtype()).to(x.device());
                Tensor places = Tensor.of(new int[]{3, 0, 3}, 3).to(x.device());
                Tensor wanted = any.indexSelect(dim, places);
                Tensor room = Tensor.cat(List.of(wanted, wanted), x.dim() - 1).mul(0);
                Tensor part = room.narrow(x.dim() - 1, 1, wanted.size(-1));
                indexSelectIntoUnproven(part, any, dim, places);
                return FastPath.Trial.of(part, wanted, 1e-12);
            }
        })) {
            indexSelectIntoUnproven(out, x, dim, index);
        } else {
            out.copyInPlace(x.indexSelect(dim, index));
        }
    }

    private static void indexSelectIntoUnproven(Tensor out, Tensor x, int dim, Tensor index) {
        try {
            StandIn.holds("index_select", out, x, index);
            torch.index_select_out(out.peer(), x.peer(), (long) dim, index.peer());
        } catch (RuntimeException e) {
            throw TensorException.refused("index_select", new Tensor[]{x, index}, e);
        }
    }

    /// Writes `added + scale · a · b` over `out`: `[n, i, k] × [n, k, j]`. Not recorded.
    public static void scaledBmmPlusInto(Tensor out, Tensor added, Tensor a, Tensor b, double scale) {
        try (var beta = new Scalar(1.0); var alpha = new Scalar(scale)) {
            StandIn.holds("baddbmm", out, added, a, b);
            torch.baddbmm_out(out.peer(), added.peer(), a.peer(), b.peer(), beta, alpha);
        } catch (RuntimeException e) {
            throw TensorException.refused("baddbmm", new Tensor[]{added, a, b}, e);
        }
    }

    /// Softmax over the last axis, in place. Not recorded.
    public static void softmaxInPlace(Tensor x) {
        AtenOps.call(AtenOps.Op.SOFTMAX_OUT, x, -1L, false, x).close();
    }

    /// From the gradient of a softmax over the last axis to that of its input, in place. Not recorded.
    ///
    /// @param softmax what the softmax gave
    public static void softmaxBackwardInPlace(Tensor gradient, Tensor softmax) {
        AtenOps.call(AtenOps.Op.SOFTMAX_BACKWARD_OUT, gradient, softmax, -1L, softmax.dtype(), gradient).close();
    }

    private static TensorOptional optional(@Nullable Tensor tensor) {
        return tensor == null ? new TensorOptional() : new TensorOptional(tensor.peer());
    }
}
