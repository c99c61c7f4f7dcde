package dev.weft.nn;

import dev.weft.tensor.Kernels;
import dev.weft.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// `x · W + b`, with the weight in either of the two layouts that checkpoints have.
public final class Linear implements Projection {
    /// Which axis of the stored weight is which.
    public enum Layout {
        /// `[out, in]`: nearly everywhere.
        OUT_IN,
        /// `[in, out]`: the Conv1D of GPT-2's checkpoints.
        IN_OUT
    }

    private final Tensor weight;
    private final @Nullable Tensor bias;
    private final Layout layout;

    public Linear(Tensor weight, @Nullable Tensor bias, Layout layout) {
        this.weight = weight;
        this.bias = bias;
        this.layout = layout;
    }

    /// What the plan has at this place: `weight` and `bias`, or another form of them.
    public static Projection load(Weights weights, Layout layout, int in, int out, Init init) {
        return weights.projection(new ProjectionSpec(in, out, true, layout, init));
    }

    /// The same without a bias.
    public static Projection loadWithoutBias(Weights weights, Layout layout, int in, int out, Init init) {
        return weights.projection(new ProjectionSpec(in, out, false, layout, init));
    }

    /// Stored as `[out, in]`, with or without a bias.
    public static Projection load(Weights weights, int in, int out, boolean bias, Init init) {
        return weights.projection(new ProjectionSpec(in, out, bias, Layout.OUT_IN, init));
    }

    /// As stored: `[out, in]` or `[in, out]`.
    public Tensor weight() {
        return weight;
    }

    /// `[out]`, or null.
    public @Nullable Tensor bias() {
        return bias;
    }

    /// Which axis of [#weight] is which.
    public Layout layout() {
        return layout;
    }

    @Override
    public Tensor forward(Tensor x) {
        return layout == Layout.OUT_IN
                ? Kernels.linear(x, weight, bias)
                : Kernels.linearTurned(x, weight, bias);
    }
}
