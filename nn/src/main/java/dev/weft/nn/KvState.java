package dev.weft.nn;

import dev.weft.tensor.Tensor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// What new positions look back on, layer by layer: keys and values of earlier ones, and whatever else a mechanism keeps
/// of them under a name of its own.
public interface KvState {
    /// How many positions lie before the new ones. Rows of different lengths end together: this is the longest one's, and
    /// the others have room before them.
    long length();

    /// Whether rows are texts that came and go on their own: then nothing of one may be computed by the length of another.
    default boolean rowsApart() {
        return false;
    }

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

    /// What was [kept][#keep] of a layer under this name, `[batch, ...]`, or null: nothing yet. It must not be written to.
    @Nullable
    Tensor kept(int layer, String name);

    /// Keeps a copy of what a mechanism needs of the positions so far, a row for each row of the batch, in place of what it
    /// kept before: running sums, memories, the state of a recurrence. It follows its rows wherever they go. What it was
    /// some positions ago is not known, so that a text is not cut back in which something is kept.
    ///
    /// @param value `[batch, ...]`
    void keep(int layer, String name, Tensor value);
}
