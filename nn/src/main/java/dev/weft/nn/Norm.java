package dev.weft.nn;

import dev.weft.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// What keeps activations in range: `[..., hidden]` to the same shape.
@FunctionalInterface
public interface Norm {
    /// No norm here.
    Norm NONE = x -> x;

    /// `[..., hidden]` to the same shape.
    Tensor forward(Tensor x);

    /// What `x [..., hidden]` is divided by, `[..., 1]`; null where nothing is.
    default @Nullable Tensor scale(Tensor x) {
        return null;
    }
}
