package dev.weft.nn;

import dev.weft.tensor.Tensor;

/// What keeps activations in range: `[..., hidden]` to the same shape.
public interface Norm {
    Tensor forward(Tensor x);
}
