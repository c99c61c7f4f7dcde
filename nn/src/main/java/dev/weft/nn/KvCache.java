package dev.weft.nn;

import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;

/// Keys and values of the positions a decoder has already seen, so that a new token costs one position; and those of the
/// encoded text that it looks at.
///
/// One per request; room grows by doubling, so that a token's cost does not depend on how many came before. Close it
/// when the request is done.
public final class KvCache implements AutoCloseable {
    private static final int FIRST_ROOM = 64;

    private final List<Layer> layers = new ArrayList<>();
    /// What was computed once of an encoder's output, by the part that looks at it.
    private final Map<Object, Entry> encoded = new IdentityHashMap<>();

    /// All keys and values so far: `[batch, kvHeads, seq, headDim]`.
    public record Entry(Tensor keys, Tensor values) {}

    private static final class Layer {
        private Tensor keys;
        private Tensor values;
        private long length;

        Layer(Tensor keys, Tensor values) {
            this.keys = room(keys, FIRST_ROOM);
            this.values = room(values, FIRST_ROOM);
        }

        private static Tensor room(Tensor like, long length) {
            return Tensor.empty(like.dtype(), like.size(0), like.size(1), length, like.size(3)).to(like.device())
                    .unscoped();
        }

        Entry append(Tensor newKeys, Tensor newValues) {
            long added = newKeys.size(2);
            if (length + added > keys.size(2)) {
                long larger = Math.max(2 * keys.size(2), length + added);
                keys = moved(keys, newKeys, larger);
                values = moved(values, newValues, larger);
            }
            write(keys, newKeys, added);
            write(values, newValues, added);
            length += added;
            return new Entry(keys.narrow(2, 0, length), values.narrow(2, 0, length));
        }

        private Tensor moved(Tensor old, Tensor like, long larger) {
            try (var scope = TensorScope.open()) {
                Tensor grown = room(like, larger);
                grown.narrow(2, 0, length).copyInPlace(old.narrow(2, 0, length));
                old.close();
                return grown;
            }
        }

        private void write(Tensor into, Tensor added, long count) {
            try (var scope = TensorScope.open(); var off = Gradients.off()) {
                into.narrow(2, length, count).copyInPlace(added);
            }
        }

        void reorder(Tensor rows) {
            try (var scope = TensorScope.open()) {
                Tensor newKeys = keys.indexSelect(0, rows).unscoped();
                Tensor newValues = values.indexSelect(0, rows).unscoped();
                close();
                keys = newKeys;
                values = newValues;
            }
        }

        void close() {
            keys.close();
            values.close();
        }
    }

    /// Positions held.
    public long length() {
        return layers.isEmpty() ? 0 : layers.getLast().length;
    }

    /// Adds `[batch, kvHeads, new, headDim]` to layer `layer` and gives all it has.
    public Entry append(int layer, Tensor keys, Tensor values) {
        if (layer == layers.size()) {
            layers.add(new Layer(keys, values));
        }
        return layers.get(layer).append(keys, values);
    }

    /// Keys and values of an encoder's output, which every new token looks at again: computed the first time.
    ///
    /// @param owner whose they are
    public Entry encoded(Object owner, Supplier<Entry> computed) {
        return encoded.computeIfAbsent(owner, first -> {
            try (var scope = TensorScope.open()) {
                Entry entry = computed.get();
                return new Entry(entry.keys().contiguous().unscoped(), entry.values().contiguous().unscoped());
            }
        });
    }

    /// Makes row i what row `rows[i]` was, of the same encoded text if there is one. Beam search does this at each step.
    public void reorder(int... rows) {
        try (var scope = TensorScope.open()) {
            Tensor index = Tensor.of(rows, rows.length);
            layers.forEach(layer -> layer.reorder(index.to(layer.keys.device())));
        }
    }

    /// Makes row i what row `rows[i]` was, of any text; there may be more rows than before.
    public void spread(int... rows) {
        reorder(rows);
        try (var scope = TensorScope.open()) {
            Tensor index = Tensor.of(rows, rows.length);
            encoded.replaceAll((owner, entry) -> {
                Tensor own = index.to(entry.keys().device());
                try (var old = entry.keys(); var oldValues = entry.values()) {
                    return new Entry(old.indexSelect(0, own).unscoped(), oldValues.indexSelect(0, own).unscoped());
                }
            });
        }
    }

    /// Forgets all positions from `length` on, as if they had never been run.
    public void truncate(long length) {
        if (length < 0 || length > length()) {
            throw new IllegalArgumentException(
                    "the cache holds %d positions and cannot be cut to %d".formatted(length(),
                            length));
        }
        layers.forEach(layer -> layer.length = length);
    }

    /// Bytes of native memory.
    public long bytes() {
        return Stream.concat(layers.stream().map(layer -> layer.keys), encoded.values().stream().map(Entry::keys))
                .mapToLong(keys -> 2 * keys.count() * keys.dtype().bytes()).sum();
    }

    @Override
    public void close() {
        layers.forEach(Layer::close);
        layers.clear();
        encoded.values().forEach(entry -> {
            entry.keys().close();
            entry.values().close();
        });
        encoded.clear();
    }
}
