package dev.weft.nn.attention;

import dev.weft.nn.ForwardPass;
import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;

/// Which positions of a call are real.
final class Keep {
    private Keep() {}

    /// Bool, `[batch, seq]`.
    static Tensor of(ForwardPass pass, Tensor hidden) {
        Tensor keep = pass.mask().keep();
        return keep == null
                ? Tensor.full(1, DType.FLOAT32, hidden.size(0), hidden.size(1)).to(hidden.device()).ne(0)
                : keep.ne(0);
    }
}
