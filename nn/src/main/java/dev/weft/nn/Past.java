package dev.weft.nn;

import dev.weft.tensor.Tensor;
import java.util.function.Supplier;

/// What new positions look back on: keys and values of earlier ones, layer by layer.
public interface Past {
    /// How many positions lie before the new ones.
    long length();

    /// Adds `[batch, kvHeads, new, headDim]` to layer `layer`, whose queries see only `window` keys, their own among them:
    /// gives what the new ones may see.
    KvCache.Entry append(int layer, Tensor keys, Tensor values, long window);

    /// The same for a layer that sees all.
    default KvCache.Entry append(int layer, Tensor keys, Tensor values) {
        return append(layer, keys, values, Long.MAX_VALUE);
    }

    /// Keys and values of an encoder's output, which every new token looks at again.
    ///
    /// @param owner whose they are
    KvCache.Entry encoded(Object owner, Supplier<KvCache.Entry> computed);
}
