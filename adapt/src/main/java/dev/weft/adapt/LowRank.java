package dev.weft.adapt;

import dev.weft.nn.Dropout;
import dev.weft.nn.Linear;
import dev.weft.nn.Projection;
import dev.weft.tensor.DType;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Kernels;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import org.jspecify.annotations.Nullable;

/// LoRA: a frozen projection plus a trained detour through a few dimensions, `frozen(x) + scale · x · downᵀ · upᵀ`. Hu et
/// al. 2021, <https://arxiv.org/abs/2106.09685>, §4.1; `down` is the paper's A, `up` its B.
///
/// With a `magnitude` it is DoRA (Liu et al. 2024, <https://arxiv.org/abs/2402.09353>, eq. 5): each output's weights have
/// the direction of the sum and a length of their own, `magnitude / ‖W + scale · up · down‖`. The norm counts as a number in
/// the gradient (§4.3).
///
/// @param frozen    any: plain, quantized, a part; only a plain one can be merged into, and given a magnitude
/// @param layout    of the weight in the base's file
/// @param down      `[rank, in]`
/// @param up        `[out, rank]`, zero at first
/// @param magnitude `[out]`, or null
/// @param scale     alpha / rank, or alpha / √rank
/// @param dropout   share of the detour's inputs dropped in training
record LowRank(Projection frozen, Linear.Layout layout, Tensor down, Tensor up, @Nullable Tensor magnitude,
        double scale, double dropout)
        implements
            Projection {
    @Override
    public Tensor forward(Tensor x) {
        return forward(x, Dropout.OFF);
    }

    @Override
    public Tensor forward(Tensor x, Dropout drop) {
        Tensor plain = frozen.forward(x);
        Tensor dropped = drop.apply(x, dropout);
        Tensor detour = Kernels.linear(Kernels.linear(dropped.to(down.dtype()), down, null), up, null).mul(scale);
        if (magnitude == null) {
            return plain.add(detour.to(plain.dtype()));
        }
        // What was dropped is missing from the base's share of the change too.
        Linear linear = linear(frozen);
        Tensor straight = new Linear(linear.weight(), null, linear.layout()).forward(dropped);
        Tensor length = magnitude.div(norm());
        return plain.add(length.sub(1).mul(straight).add(length.mul(detour)).to(plain.dtype()));
    }

    /// `[out]`: the length of each output's weights in the sum, outside the graph.
    Tensor norm() {
        return norm(rows(frozen).add(delta()));
    }

    /// The length of each row.
    static Tensor norm(Tensor rows) {
        try (var off = Gradients.off()) {
            return TensorScope.tidy(() -> rows.detach().pow(2).sum(1, false).sqrt());
        }
    }

    /// @throws IllegalStateException if the projection has no float weight
    private static Linear linear(Projection frozen) {
        if (frozen instanceof Linear linear) {
            return linear;
        }
        throw new IllegalStateException(
                "The adapted projections of this base are not plain weights (%s): an adapter over them runs and is trained as LoRA, but cannot be merged, nor be DoRA"
                        .formatted(frozen.getClass().getSimpleName()));
    }

    /// The weight of a plain projection, `[out, in]`, float32.
    static Tensor rows(Projection frozen) {
        Linear linear = linear(frozen);
        return turned(linear.weight(), linear.layout()).to(DType.FLOAT32);
    }

    /// `[out, in]` of a weight as stored, or back.
    Tensor turned(Tensor weight) {
        return turned(weight, layout);
    }

    private static Tensor turned(Tensor weight, Linear.Layout layout) {
        return layout == Linear.Layout.OUT_IN ? weight : weight.transpose(0, 1);
    }

    /// What the detour adds to the weight, `[out, in]`, float32.
    Tensor delta() {
        try (var off = Gradients.off()) {
            return TensorScope.tidy(() -> up.to(DType.FLOAT32).matmul(down.to(DType.FLOAT32)).mul(scale));
        }
    }

    /// The one weight that does the same, as stored and of the same type; computed in float32.
    Tensor merged() {
        try (var off = Gradients.off()) {
            return TensorScope.tidy(() -> {
                Tensor sum = rows(frozen).add(delta());
                Tensor whole = magnitude == null
                        ? sum
                        : sum.mul(magnitude.to(DType.FLOAT32).div(norm(sum)).unsqueeze(1));
                return turned(whole).to(linear(frozen).weight().dtype()).copy();
            });
        }
    }
}
