package dev.weft.nn;

import dev.weft.tensor.Tensor;

/// A learned map of the last axis: `[..., in]` to `[..., out]`.
///
/// Open on purpose: low-rank adapters and quantized weights are projections too.
public interface Projection {
    /// `[..., in]` to `[..., out]`.
    Tensor forward(Tensor x);

    /// The same for those that drop inputs in training, as LoRA does; most have no use for it.
    default Tensor forward(Tensor x, Dropout drop) {
        return forward(x);
    }
}
