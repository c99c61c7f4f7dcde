package dev.weft.nn.attention;

import dev.weft.nn.ForwardPass;
import dev.weft.tensor.Tensor;

/// How the positions of one sequence gather from each other: `[batch, seq, hidden]` to the same shape.
@FunctionalInterface
public interface SelfAttention {
    /// @param prepared what this layer reaches in this call
    /// @param pass  taps `scores` and `weights` of its trace; keys and values go to its cache, if there is one
    Tensor forward(Tensor hidden, PreparedPattern prepared, ForwardPass pass);
}
