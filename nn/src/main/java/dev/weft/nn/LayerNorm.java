package dev.weft.nn;

import dev.weft.tensor.Kernels;
import dev.weft.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// (x − mean) / √(variance + eps) · weight + bias over the last axes. Ba, Kiros & Hinton 2016,
/// <https://arxiv.org/abs/1607.06450>.
public final class LayerNorm implements Norm {
    private final @Nullable Tensor weight;
    private final @Nullable Tensor bias;
    private final double eps;

    public LayerNorm(@Nullable Tensor weight, @Nullable Tensor bias, double eps) {
        this.weight = weight;
        this.bias = bias;
        this.eps = eps;
    }

    /// `weight` and `bias`, `[hidden]` each, at this place.
    public static LayerNorm load(Weights weights, int hidden, double eps) {
        return new LayerNorm(weights.get("weight", Init.ones(), hidden), weights.get("bias", Init.zeros(), hidden),
                eps);
    }

    /// `weight [hidden]` alone.
    public static LayerNorm loadWithoutBias(Weights weights, int hidden, double eps) {
        return new LayerNorm(weights.get("weight", Init.ones(), hidden), null, eps);
    }

    /// `weight` and `bias`, `[hidden]` each, at this place.
    public static LayerNorm load(Weights weights, int hidden, double eps, boolean bias) {
        return bias ? load(weights, hidden, eps) : loadWithoutBias(weights, hidden, eps);
    }

    /// Over the last axis of `[batch, heads, seq, headDim]`, with another weight for each head: `weight [heads, headDim]`, and no
    /// bias.
    public static Norm ofHeads(Tensor weight, double eps) {
        LayerNorm plain = fixed(eps);
        // [heads, headDim] → [heads, 1, headDim]
        return x -> plain.forward(x).mul(weight.unsqueeze(1).to(x.dtype()));
    }

    /// With nothing learned, over the last axis.
    public static LayerNorm fixed(double eps) {
        return new LayerNorm(null, null, eps);
    }

    @Override
    public Tensor forward(Tensor x) {
        return Kernels.layerNorm(x, weight, bias, eps);
    }

    @Override
    public Tensor scale(Tensor x) {
        Tensor centred = x.sub(x.mean(-1, true));
        return centred.mul(centred).mean(-1, true).add(eps).sqrt();
    }
}
