package dev.weft.nn;

import dev.weft.tensor.DType;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Kernels;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;

/// Keys and values of the positions a decoder has already seen, so that a new token costs one position; and those of the
/// encoded text that it looks at.
///
/// One per request. Room grows by doubling, so that a token's cost does not depend on how many came before, or is there
/// from the beginning ([#withRoom]). A layer that sees only a window forgets what lies before it. Close it when the
/// request is done.
///
/// On a CPU keys and values of half precision are held in float32, which is what attention computes in there: narrowing
/// them would save half of the memory and widen all of them again for every token.
public final class KvCache implements Past, AutoCloseable {
    private static final long FIRST_ROOM = 64;
    /// How far a layer with a window can be cut back ([#truncate]) after it forgot.
    private static final long SLACK = 64;

    private final long firstRoom;
    private final boolean forgets;
    private final List<Layer> layers = new ArrayList<>();
    /// What was computed once of an encoder's output, by the part that looks at it.
    private final Map<Object, Entry> encoded = new IdentityHashMap<>();

    /// Grows as need be.
    public KvCache() {
        this(FIRST_ROOM, true);
    }

    private KvCache(long firstRoom, boolean forgets) {
        this.firstRoom = firstRoom;
        this.forgets = forgets;
    }

    /// With room for so many positions from the beginning: nothing is moved before there are more.
    public static KvCache withRoom(long positions) {
        return new KvCache(positions, true);
    }

    /// Layers with a window keep what lies before it as well, so that the text can be cut anywhere.
    public static KvCache keepingAll() {
        return new KvCache(FIRST_ROOM, false);
    }

    /// All keys and values that new queries may see: `[batch, kvHeads, seq, headDim]`, the newest last.
    public record Entry(Tensor keys, Tensor values) {
        /// As they are held, belonging to no scope.
        private Entry held() {
            return new Entry(held(keys), held(values));
        }

        private static Tensor held(Tensor of) {
            return of.to(type(of)).contiguous().unscoped();
        }

        private void close() {
            keys.close();
            values.close();
        }
    }

    private static DType type(Tensor of) {
        boolean half = of.dtype() == DType.BFLOAT16 || of.dtype() == DType.FLOAT16;
        return half && of.device().isCpu() ? DType.FLOAT32 : of.dtype();
    }

    private static Tensor room(Tensor like, long positions) {
        return Tensor.empty(type(like), like.size(0), like.size(1), positions, like.size(3)).to(like.device())
                .unscoped();
    }

    private final class Layer {
        private Tensor keys;
        private Tensor values;
        /// Positions forgotten at the beginning, and all there were.
        private long begin;
        private long length;
        private long window = Long.MAX_VALUE;

        Layer(Tensor keys, Tensor values, long positions) {
            this.keys = room(keys, positions);
            this.values = room(values, positions);
        }

        Entry append(Tensor newKeys, Tensor newValues, long reach) {
            window = reach;
            long added = newKeys.size(2);
            long from = Math.max(begin, seenFrom(length));
            if (length - begin + added > keys.size(2)) {
                long kept = forgets ? Math.max(begin, from - SLACK) : begin;
                long larger = Math.max(2 * (length - kept), length - kept + added);
                keys = moved(keys, kept, larger);
                values = moved(values, kept, larger);
                begin = kept;
            }
            write(keys, newKeys, added);
            write(values, newValues, added);
            length += added;
            return new Entry(keys.narrow(2, from - begin, length - from),
                    values.narrow(2, from - begin, length - from));
        }

        /// The first position that a query at `position` sees.
        private long seenFrom(long position) {
            return Math.max(0, position - window + 1);
        }

        private Tensor moved(Tensor old, long kept, long larger) {
            try (var scope = TensorScope.open()) {
                Tensor grown = room(old, larger);
                grown.narrow(2, 0, length - kept).copyInPlace(old.narrow(2, kept - begin, length - kept));
                old.close();
                return grown;
            }
        }

        private void write(Tensor into, Tensor added, long count) {
            try (var scope = TensorScope.open(); var off = Gradients.off()) {
                into.narrow(2, length - begin, count).copyInPlace(added);
            }
        }

        boolean canBeCutTo(long from) {
            return from == 0 || begin == 0 || begin <= seenFrom(from);
        }

        void truncate(long to) {
            length = to;
            begin = Math.min(begin, to);
        }

        void reorder(Tensor rows) {
            keys = reordered(keys, rows);
            values = reordered(values, rows);
        }

        /// The reserved room is not copied.
        private Tensor reordered(Tensor old, Tensor rows) {
            try (var scope = TensorScope.open(); var off = Gradients.off()) {
                Tensor fresh = Tensor.empty(old.dtype(), rows.size(0), old.size(1), old.size(2), old.size(3))
                        .to(old.device()).unscoped();
                Kernels.indexSelectInto(fresh.narrow(2, 0, length - begin), old.narrow(2, 0, length - begin), 0, rows);
                old.close();
                return fresh;
            }
        }

        void close() {
            keys.close();
            values.close();
        }
    }

    /// Positions seen so far.
    @Override
    public long length() {
        return layers.isEmpty() ? 0 : layers.getLast().length;
    }

    @Override
    public Entry append(int layer, Tensor keys, Tensor values, long window) {
        if (layer == layers.size()) {
            // A window moves on in a room of twice its size.
            layers.add(new Layer(keys, values,
                    Math.min(firstRoom, Math.max(FIRST_ROOM, 2 * Math.min(window, firstRoom)))));
        }
        return layers.get(layer).append(keys, values, window);
    }

    /// Keys and values of an encoder's output, which every new token looks at again: computed the first time.
    ///
    /// @param owner whose they are
    @Override
    public Entry encoded(Object owner, Supplier<Entry> computed) {
        return encoded.computeIfAbsent(owner, first -> {
            try (var scope = TensorScope.open()) {
                return computed.get().held();
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
                var spread = new Entry(entry.keys().indexSelect(0, own).unscoped(),
                        entry.values().indexSelect(0, own).unscoped());
                entry.close();
                return spread;
            });
        }
    }

    /// Whether it can be cut to this length: a layer with a window may have forgotten what the text would see then.
    public boolean holds(long length) {
        return length >= 0 && length <= length() && layers.stream().allMatch(layer -> layer.canBeCutTo(length));
    }

    /// Forgets all positions from `length` on, as if they had never been run.
    ///
    /// @throws IllegalArgumentException if it does not hold so much, or not any more
    public void truncate(long length) {
        if (!holds(length)) {
            throw new IllegalArgumentException(
                    "the cache holds %d positions and cannot be cut to %d".formatted(length(),
                            length));
        }
        layers.forEach(layer -> layer.truncate(length));
    }

    /// A cache of several rows that go on from the only row of this one, each moved to the right by its padding.
    ///
    /// @param padding what stands before the text in each row
    /// @param length  positions that the new cache has, padding included
    public KvCache laidOut(int[] padding, long length) {
        var all = new KvCache(Math.max(firstRoom, length + 1), forgets);
        try (var scope = TensorScope.open(); var off = Gradients.off()) {
            for (Layer layer : layers) {
                Layer copy = all.new Layer(wide(layer.keys, padding.length), wide(layer.values, padding.length),
                        all.firstRoom);
                for (int row = 0; row < padding.length; row++) {
                    lay(layer.keys, copy.keys, row, padding[row], length);
                    lay(layer.values, copy.values, row, padding[row], length);
                }
                copy.length = length;
                copy.window = layer.window;
                all.layers.add(copy);
            }
        }
        return all;
    }

    private static Tensor wide(Tensor one, int rows) {
        return one.narrow(2, 0, 1).expand(rows, one.size(1), 1, one.size(3));
    }

    private static void lay(Tensor from, Tensor to, int row, int padding, long length) {
        Tensor into = to.select(0, row);
        into.narrow(1, 0, Math.min(padding, length)).fillInPlace(0);
        if (length > padding) {
            into.narrow(1, padding, length - padding).copyInPlace(from.select(0, 0).narrow(1, 0, length - padding));
        }
    }

    /// What it holds of a decoder, to be saved: `layers.I.keys` and `layers.I.values`, `[batch, kvHeads, seq, headDim]`. Views
    /// in the caller's scope.
    ///
    /// @throws IllegalStateException if it belongs to an encoder-decoder, or a layer has forgotten its beginning
    public Map<String, Tensor> tensors() {
        if (!encoded.isEmpty() || layers.stream().anyMatch(layer -> layer.begin > 0)) {
            throw new IllegalStateException("only the whole cache of a decoder can be saved");
        }
        var tensors = new LinkedHashMap<String, Tensor>();
        for (int i = 0; i < layers.size(); i++) {
            Layer layer = layers.get(i);
            tensors.put("layers." + i + ".keys", layer.keys.narrow(2, 0, layer.length));
            tensors.put("layers." + i + ".values", layer.values.narrow(2, 0, layer.length));
        }
        return tensors;
    }

    /// A cache that [#keepingAll keeps all], of copies of what [#tensors] gave.
    ///
    /// @throws IllegalArgumentException if a layer is missing or shapes do not fit
    public static KvCache of(Map<String, Tensor> tensors) {
        var cache = keepingAll();
        try {
            for (int i = 0; 2 * i < tensors.size(); i++) {
                Tensor keys = tensors.get("layers." + i + ".keys");
                Tensor values = tensors.get("layers." + i + ".values");
                if (keys == null || values == null || keys.dim() != 4 || values.dim() != 4
                        || !Arrays.equals(keys.shape(), 0, 3, values.shape(), 0, 3)
                        || i > 0 && cache.length() != keys.size(2)) {
                    throw new IllegalArgumentException(
                            "a cache of %d layers needs keys and values of one length in each; layer %d has not"
                                    .formatted(tensors.size() / 2, i));
                }
                try (var scope = TensorScope.open()) {
                    cache.append(i, keys, values);
                }
            }
            return cache;
        } catch (RuntimeException e) {
            cache.close();
            throw e;
        }
    }

    /// Bytes of native memory.
    public long bytes() {
        Stream<Entry> held = layers.stream().map(layer -> new Entry(layer.keys, layer.values));
        return Stream.of(held.toList(), encoded.values()).flatMap(Collection::stream)
                .flatMap(entry -> Stream.of(entry.keys(), entry.values()))
                .mapToLong(tensor -> tensor.count() * tensor.dtype().bytes()).sum();
    }

    @Override
    public void close() {
        layers.forEach(Layer::close);
        layers.clear();
        encoded.values().forEach(Entry::close);
        encoded.clear();
    }
}
