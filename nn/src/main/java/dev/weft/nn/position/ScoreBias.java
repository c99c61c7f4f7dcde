package dev.weft.nn.position;

import dev.weft.tensor.Device;
import dev.weft.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// What is added to attention scores by where query and key stand.
@FunctionalInterface
public interface ScoreBias {
    /// Broadcast to `[batch, heads, querySeq, keySeq]`. The last query stands at the last key.
    ///
    /// @param keep `[batch, keySeq]`, not 0 where a token is real, or null: all are
    Tensor of(long querySeq, long keySeq, @Nullable Tensor keep, Device device);
}
