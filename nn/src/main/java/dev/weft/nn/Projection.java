package dev.weft.nn;

import dev.weft.tensor.Tensor;

/// A learned map of the last axis: `[..., in]` to `[..., out]`.
///
/// Open on purpose: low-rank adapters and quantized weights are projections too.
public interface Projection {
    Tensor forward(Tensor x);
}
