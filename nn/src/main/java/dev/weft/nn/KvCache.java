package dev.weft.nn;

import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Kernels;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Keys and values of the positions a decoder has already seen, so that a new token costs one position; and those of the
/// encoded text that it looks at, and whatever else its mechanisms [#keep].
///
/// Room grows by doubling, so that a token's cost does not depend on how many came before, or is there from the beginning
/// ([#withRoom]). A layer that sees only a window forgets what lies before it. Close it when the request is done.
///
/// One per request, or one of many requests: rows [#join], [#drop out][#drop] and change places ([#reorder]). Rows of
/// different lengths end together, so that all go on at one place; a shorter one has room before it, which [#next] hides
/// from it. The room that the longest row alone needed goes with it.
///
/// On a CPU keys and values of half precision are held in float32, which is what attention computes in there: narrowing
/// them would save half of the memory and widen all of them again for every token.
public final class KvCache implements KvState, AutoCloseable {
    private static final long FIRST_ROOM = 64;
    /// How far a layer with a window can be cut back ([#truncate]) after it forgot.
    private static final long SLACK = 64;

    private final long firstRoom;
    private final boolean forgets;
    private final List<Layer> layers = new ArrayList<>();
    /// What was computed once of an encoder's output, by the part that looks at it.
    private final Map<Object, Entry> encoded = new IdentityHashMap<>();
    private final Map<Kept, Tensor> kept = new HashMap<>();
    /// Room before each row, in positions; empty: none before any.
    private int[] padding = new int[0];
    private boolean rowsApart;

    /// Where something is kept.
    private record Kept(int layer, String name) {}

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

        private Layer(Tensor keys, Tensor values, long begin, long length, long window) {
            this.keys = keys;
            this.values = values;
            this.begin = begin;
            this.length = length;
            this.window = window;
        }

        Entry append(Tensor newKeys, Tensor newValues, long reach) {
            long added = newKeys.size(2);
            long from = Math.max(begin, reserve(added, reach));
            write(keys, newKeys, added);
            write(values, newValues, added);
            length += added;
            return new Entry(keys.narrow(2, from - begin, length - from),
                    values.narrow(2, from - begin, length - from));
        }

        /// The same in one row, before all rows go on together.
        Entry append(int row, Tensor newKeys, Tensor newValues, long reach) {
            long added = newKeys.size(2);
            long from = Math.max(Math.max(begin, reserve(added, reach)), padding(row));
            Entry own = new Entry(keys.narrow(0, row, 1), values.narrow(0, row, 1));
            write(own.keys(), newKeys, added);
            write(own.values(), newValues, added);
            return new Entry(own.keys().narrow(2, from - begin, length + added - from),
                    own.values().narrow(2, from - begin, length + added - from));
        }

        /// Makes room for new positions.
        ///
        /// @return the first position that they see
        private long reserve(long added, long reach) {
            window = reach;
            long from = seenFrom(length);
            if (length - begin + added > keys.size(2)) {
                long first = forgets ? Math.max(begin, from - SLACK) : begin;
                long larger = Math.max(2 * (length - first), length - first + added);
                keys = moved(keys, first, larger);
                values = moved(values, first, larger);
                begin = first;
            }
            return from;
        }

        /// The first position that a query at `position` sees.
        private long seenFrom(long position) {
            return Math.max(0, position - window + 1);
        }

        private Tensor moved(Tensor old, long first, long larger) {
            try (var scope = TensorScope.open()) {
                Tensor grown = room(old, larger);
                grown.narrow(2, 0, length - first).copyInPlace(old.narrow(2, first - begin, length - first));
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

        /// These rows, without the first `cut` positions of all, in as much room as there is or as `most` says.
        void select(Tensor rows, long cut, long most) {
            long gone = Math.max(0, cut - begin);
            long held = length - begin - gone;
            keys = selected(keys, rows, gone, held, most);
            values = selected(values, rows, gone, held, most);
            begin = Math.max(0, begin - cut);
            length -= cut;
        }

        /// The reserved room is not copied.
        private Tensor selected(Tensor old, Tensor rows, long from, long held, long most) {
            try (var scope = TensorScope.open(); var off = Gradients.off()) {
                Tensor fresh = Tensor.empty(old.dtype(), rows.size(0), old.size(1),
                        Math.min(old.size(2), Math.max(held, most)), old.size(3)).to(old.device()).unscoped();
                Kernels.indexSelectInto(fresh.narrow(2, 0, held), old.narrow(2, from, held), 0, rows);
                old.close();
                return fresh;
            }
        }

        /// These rows and those of another, which end together after `slots` positions.
        Layer joined(Layer other, long slots) {
            // What one of both forgot is seen by no new position.
            long first = Math.max(begin == 0 ? 0 : slots - length + begin,
                    other.begin == 0 ? 0 : slots - other.length + other.begin);
            long room = Math.max(firstRoomOf(window), slots - first + Math.min(SLACK, slots - first));
            return new Layer(joined(keys, other.keys, other, slots, first, room),
                    joined(values, other.values, other, slots, first, room), first, slots, window);
        }

        private Tensor joined(Tensor mine, Tensor others, Layer other, long slots, long first, long room) {
            try (var scope = TensorScope.open(); var off = Gradients.off()) {
                long rows = mine.size(0);
                Tensor all = Tensor.empty(mine.dtype(), rows + others.size(0), mine.size(1), room, mine.size(3))
                        .to(mine.device()).unscoped();
                layLast(mine, all.narrow(0, 0, rows), slots - first);
                other.layLast(others, all.narrow(0, rows, others.size(0)), slots - first);
                return all;
            }
        }

        /// The last `count` positions, behind zeros where there are not so many: what is hidden must be numbers.
        private void layLast(Tensor from, Tensor to, long count) {
            long held = Math.min(count, length - begin);
            to.narrow(2, 0, count - held).fillInPlace(0);
            to.narrow(2, count - held, held).copyInPlace(from.narrow(2, length - begin - held, held));
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
            layers.add(new Layer(keys, values, firstRoomOf(window)));
        }
        return layers.get(layer).append(keys, values, window);
    }

    private long firstRoomOf(long window) {
        return Math.min(firstRoom, Math.max(FIRST_ROOM, 2 * Math.min(window, firstRoom)));
    }

    /// Rows; 0 as long as nothing was appended.
    public int rows() {
        return layers.isEmpty() ? 0 : (int) layers.getFirst().keys.size(0);
    }

    /// Positions of one row.
    public long length(int row) {
        return length() - padding(row);
    }

    private int padding(int row) {
        return padding.length == 0 ? 0 : padding[row];
    }

    @Override
    public boolean rowsApart() {
        return rowsApart;
    }

    @Override
    public @Nullable Tensor kept(int layer, String name) {
        return kept.get(new Kept(layer, name));
    }

    @Override
    public void keep(int layer, String name, Tensor value) {
        try (var scope = TensorScope.open(); var off = Gradients.off()) {
            Tensor before = kept.put(new Kept(layer, name), value.copy().unscoped());
            if (before != null) {
                before.close();
            }
        }
    }

    /// A pass of `seq` new positions in each row, counted from where its own text ends, to which the room before it is
    /// hidden. Its tensors belong to the caller's scope.
    ///
    /// @param device where the model computes
    public ForwardPass next(long seq, Device device) {
        ForwardPass pass = ForwardPass.plain().withCache(this);
        if (padding.length == 0) {
            return pass;
        }
        Tensor before = Tensor.of(padding, padding.length, 1).to(DType.INT64);
        Tensor positions = Tensor.arange(0, length() + seq).unsqueeze(0).sub(before).to(device);
        ForwardPass placed = pass.withPositions(positions.narrow(1, length(), seq));
        return Arrays.stream(padding).allMatch(each -> each == 0)
                ? placed
                : placed.withMask(AttentionMask.padding(positions.ge(0)));
    }

    /// One row as if it were alone: no other is seen, and no room before it. All rows are to append equally many positions,
    /// and then [#advance] together.
    public KvState row(int row) {
        return new Row(row);
    }

    /// Goes on by so many positions, which each [#row] has appended.
    public void advance(long added) {
        layers.forEach(layer -> layer.length += added);
    }

    private final class Row implements KvState {
        private final int row;

        Row(int row) {
            this.row = row;
        }

        @Override
        public long length() {
            return KvCache.this.length(row);
        }

        @Override
        public Entry append(int layer, Tensor keys, Tensor values, long window) {
            return layers.get(layer).append(row, keys, values, window);
        }

        @Override
        public Entry encoded(Object owner, Supplier<Entry> computed) {
            Entry all = KvCache.this.encoded(owner, computed);
            return new Entry(all.keys().narrow(0, row, 1), all.values().narrow(0, row, 1));
        }

        @Override
        public @Nullable Tensor kept(int layer, String name) {
            Tensor all = KvCache.this.kept(layer, name);
            return all == null ? null : all.narrow(0, row, 1);
        }

        @Override
        public void keep(int layer, String name, Tensor value) {
            Tensor own = kept(layer, name);
            if (own == null || !Arrays.equals(own.shape(), value.shape())) {
                throw new IllegalStateException(
                        "what is kept as \"%s\" of layer %d changes its shape to %s, which one row of several cannot; run the rows together"
                                .formatted(name, layer, Arrays.toString(value.shape())));
            }
            try (var off = Gradients.off()) {
                own.copyInPlace(value);
            }
        }
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
        select(0, Long.MAX_VALUE, rows);
    }

    private void select(int cut, long most, int... rows) {
        try (var scope = TensorScope.open()) {
            Tensor index = Tensor.of(rows, rows.length);
            layers.forEach(layer -> layer.select(index.to(layer.keys.device()), cut, most));
            kept.replaceAll((where, value) -> {
                try (value) {
                    return value.indexSelect(0, index.to(value.device())).unscoped();
                }
            });
        }
        if (padding.length > 0) {
            padding = Arrays.stream(rows).map(row -> padding[row] - cut).toArray();
        }
    }

    /// Makes row i what row `rows[i]` was, of any text; there may be more rows than before.
    public void spread(int... rows) {
        reorder(rows);
        selectEncoded(rows);
    }

    private void selectEncoded(int... rows) {
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

    /// These rows leave, and with them the room that no other needs.
    public void drop(int... gone) {
        int[] rows = IntStream.range(0, rows()).filter(row -> Arrays.stream(gone).noneMatch(each -> each == row))
                .toArray();
        if (rows.length == 0) {
            close();
            return;
        }
        int cut = Arrays.stream(rows).map(this::padding).min().getAsInt();
        long left = length() - cut;
        select(cut, Math.max(firstRoom, 2 * left), rows);
        selectEncoded(rows);
    }

    /// Takes over the rows of another cache of the same model, as its last; the other is empty then. All rows end together:
    /// the shorter ones get room before them.
    ///
    /// @throws IllegalArgumentException if the other holds other layers, heads or types, or keeps other things, or one of
    ///                                  both looks at an encoded text
    public void join(KvCache other) {
        if (!encoded.isEmpty() || !other.encoded.isEmpty()) {
            throw new IllegalArgumentException("rows that look at an encoded text cannot join others");
        }
        if (layers.isEmpty() && kept.isEmpty()) {
            layers.addAll(other.layers.stream()
                    .map(each -> new Layer(each.keys, each.values, each.begin, each.length, each.window)).toList());
            kept.putAll(other.kept);
            padding = IntStream.range(0, rows()).map(other::padding).toArray();
        } else {
            requireAlike(other);
            long slots = Math.max(length(), other.length());
            int[] both = new int[rows() + other.rows()];
            Arrays.setAll(both, row -> (int) (slots
                    - (row < rows() ? length(row) : other.length(row - rows()))));
            for (int i = 0; i < layers.size(); i++) {
                Layer joined = layers.get(i).joined(other.layers.get(i), slots);
                layers.set(i, joined).close();
            }
            try (var scope = TensorScope.open(); var off = Gradients.off()) {
                kept.replaceAll((where, mine) -> {
                    try (mine) {
                        return Tensor.cat(List.of(mine, other.kept.get(where)), 0).unscoped();
                    }
                });
            }
            padding = both;
            other.layers.forEach(Layer::close);
            other.kept.values().forEach(Tensor::close);
        }
        rowsApart = true;
        other.layers.clear();
        other.kept.clear();
        other.close();
    }

    private void requireAlike(KvCache other) {
        boolean alike = layers.size() == other.layers.size() && kept.keySet().equals(other.kept.keySet());
        for (int i = 0; alike && i < layers.size(); i++) {
            alike = alike(layers.get(i).keys, other.layers.get(i).keys, 2)
                    && alike(layers.get(i).values, other.layers.get(i).values, 2);
        }
        for (Kept where : kept.keySet()) {
            alike = alike && alike(kept.get(where), other.kept.get(where), 0);
        }
        if (!alike) {
            throw new IllegalArgumentException(
                    "the caches are of different models: their layers, heads, types or what is kept differ");
        }
    }

    /// But for the number of rows, and the length of axis `but`.
    private static boolean alike(Tensor one, Tensor other, int but) {
        return one.dtype() == other.dtype() && one.dim() == other.dim() && IntStream.range(1, one.dim())
                .allMatch(axis -> axis == but || one.size(axis) == other.size(axis));
    }

    /// Whether it can be cut to this length: a layer with a window may have forgotten what the text would see then, and what
    /// is [kept][#keep] is so of the whole text.
    public boolean holds(long length) {
        return length >= 0 && length <= length() && (kept.isEmpty() || length == 0 || length == length())
                && layers.stream().allMatch(layer -> layer.canBeCutTo(length));
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
        if (length == 0) {
            kept.values().forEach(Tensor::close);
            kept.clear();
        }
    }

    /// A cache of several rows that go on from the only row of this one, each moved to the right by its padding.
    ///
    /// @param padding what stands before the text in each row
    /// @param length  positions that the new cache has, padding included
    /// @throws IllegalArgumentException if something is [kept][#keep] and a row would be shorter than this one
    public KvCache laidOut(int[] padding, long length) {
        if (!kept.isEmpty() && Arrays.stream(padding).anyMatch(before -> length - before != length())) {
            throw new IllegalArgumentException(
                    "the cache keeps what it is after %d positions and cannot be cut".formatted(length()));
        }
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
            kept.forEach((where, value) -> {
                long[] shape = value.shape();
                shape[0] = padding.length;
                all.kept.put(where, value.expand(shape).copy().unscoped());
            });
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
    /// @throws IllegalStateException if it belongs to an encoder-decoder, something else is [kept][#keep], or a layer has
    ///                               forgotten its beginning
    public Map<String, Tensor> tensors() {
        if (!encoded.isEmpty() || !kept.isEmpty() || layers.stream().anyMatch(layer -> layer.begin > 0)) {
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
        return Stream
                .concat(Stream.of(held.toList(), encoded.values()).flatMap(Collection::stream)
                        .flatMap(entry -> Stream.of(entry.keys(), entry.values())), kept.values().stream())
                .mapToLong(tensor -> tensor.count() * tensor.dtype().bytes()).sum();
    }

    @Override
    public void close() {
        layers.forEach(Layer::close);
        layers.clear();
        encoded.values().forEach(Entry::close);
        encoded.clear();
        kept.values().forEach(Tensor::close);
        kept.clear();
        padding = new int[0];
        rowsApart = false;
    }
}
