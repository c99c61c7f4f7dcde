package dev.weft.nn;

import dev.weft.tensor.Kernels;
import dev.weft.tensor.Tensor;

/// x / √(mean(x²) + eps) · weight over the last axes. Zhang & Sennrich 2019, <https://arxiv.org/abs/1910.07467>.
public final class RmsNorm implements Norm {
    private final Tensor weight;
    private final double eps;
    private final double offset;

    public RmsNorm(Tensor weight, double eps) {
        this(weight, eps, 0);
    }

    private RmsNorm(Tensor weight, double eps, double offset) {
        this.weight = weight;
        this.eps = eps;
        this.offset = offset;
    }

    /// `weight [hidden]` at this place.
    public static RmsNorm load(Weights weights, int hidden, double eps) {
        return new RmsNorm(weights.get("weight", Init.ones(), hidden), eps);
    }

    /// Of a checkpoint that stores the weight less 1: Gemma.
    public static RmsNorm loadAroundOne(Weights weights, int hidden, double eps) {
        return new RmsNorm(weights.get("weight", Init.zeros(), hidden), eps, 1);
    }

    @Override
    public Tensor forward(Tensor x) {
        return Kernels.rmsNorm(x, offset == 0 ? weight : weight.add(offset), eps);
    }

    @Override
    public Tensor scale(Tensor x) {
        return x.mul(x).mean(-1, true).add(eps).sqrt();
    }
}
