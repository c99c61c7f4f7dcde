package dev.weft.nn;

import dev.weft.nn.KvCache.Entry;
import dev.weft.tensor.Tensor;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Keys and values that stand before every text, and then what a cache holds of the text. Gradients reach them; the cache
/// does not hold them, so that it can be cut, spread and handed on as if they were not there.
///
/// @param first of each layer, `[batch, kvHeads, prefix, headDim]`; of several rows the first counts for all
/// @param text  where the text's own keys and values are kept, or null: nowhere
public record KvPrefix(List<Entry> first, @Nullable KvState text) implements KvState {
    /// Positions in the prefix.
    private long width() {
        return first.getFirst().keys().size(2);
    }

    @Override
    public long length() {
        return width() + (text == null ? 0 : text.length());
    }

    @Override
    public Entry append(int layer, Tensor keys, Tensor values, long window) {
        Entry own = text == null ? new Entry(keys, values) : text.append(layer, keys, values, window);
        long earlier = own.keys().size(2) - keys.size(2);
        long seen = Math.min(width(), window - 1 - earlier);
        Entry before = first.get(layer);
        return seen <= 0
                ? own
                : new Entry(joined(before.keys(), own.keys(), seen), joined(before.values(), own.values(), seen));
    }

    private Tensor joined(Tensor before, Tensor own, long seen) {
        Tensor last = before.narrow(0, 0, 1).narrow(2, width() - seen, seen).to(own.dtype());
        return Tensor.cat(List.of(last.expand(own.size(0), own.size(1), seen, own.size(3)), own), 2);
    }

    @Override
    public Entry encoded(Object owner, Supplier<Entry> computed) {
        return text == null ? computed.get() : text.encoded(owner, computed);
    }

    @Override
    public boolean rowsApart() {
        return text != null && text.rowsApart();
    }

    @Override
    public @Nullable Tensor kept(int layer, String name) {
        return text == null ? null : text.kept(layer, name);
    }

    @Override
    public void keep(int layer, String name, Tensor value) {
        if (text != null) {
            text.keep(layer, name, value);
        }
    }
}
