package dev.weft.nn;

import dev.weft.tensor.Tensor;

/// What keeps activations in range: `[..., hidden]` to the same shape.
@FunctionalInterface
public interface Norm {
    /// No norm here.
    Norm NONE = x -> x;

    Tensor forward(Tensor x);
}
