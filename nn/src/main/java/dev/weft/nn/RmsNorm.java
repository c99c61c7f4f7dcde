package dev.weft.nn;

import dev.weft.tensor.Kernels;
import dev.weft.tensor.Tensor;

/// x / √(mean(x²) + eps) · weight over the last axes. Zhang & Sennrich 2019, <https://arxiv.org/abs/1910.07467>.
public final class RmsNorm implements Norm {
    private final Tensor weight;
    private final double eps;

    public RmsNorm(Tensor weight, double eps) {
        this.weight = weight;
        this.eps = eps;
    }

    public static RmsNorm load(Weights weights, int hidden, double eps) {
        return new RmsNorm(weights.get("weight", Init.ones(), hidden), eps);
    }

    @Override
    public Tensor forward(Tensor x) {
        return Kernels.rmsNorm(x, weight, eps);
    }
}
