package dev.weft.tensor;

import java.io.IOException;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.LayoutOptional;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/// An array of numbers of one [DType], on one [Device], with a shape; the handle of a native tensor.
///
/// Operations return new tensors (views share memory, as in LibTorch) and never change their operands, except those
/// whose name ends in `InPlace`. Native memory is freed by the [TensorScope] in which a tensor was born. What LibTorch
/// refuses becomes a [TensorException] that names the operation and the shapes.
public final class Tensor implements AutoCloseable {
    private static final Cleaner CLEANER = Cleaner.create();
    private static final ScalarTypeOptional SAME_TYPE;
    private static final ScalarOptional OPEN_END;

    static {
        Engine.start();
        SAME_TYPE = new ScalarTypeOptional();
        OPEN_END = new ScalarOptional();
    }

    private org.bytedeco.pytorch.@Nullable Tensor peer;
    private @Nullable TensorScope scope;
    private int slot = -1;
    private boolean standsIn;
    private Cleaner.@Nullable Cleanable lastResort;
    private volatile @Nullable PackedWeight packing;
    private Cleaner.@Nullable Cleanable packingsEnd;

    private Tensor(org.bytedeco.pytorch.Tensor peer) {
        this.peer = peer;
        TensorScope.born();
        TensorScope innermost = TensorScope.innermost();
        if (innermost == null) {
            unscoped();
        } else {
            innermost.adopt(this);
        }
    }

    // ---- birth ----

    /// Copies `values`, row-major, into a float32 tensor.
    public static Tensor of(float[] values, long... shape) {
        Tensor tensor = filled(DType.FLOAT32, values.length, shape);
        if (values.length > 0) {
            tensor.peer().data_ptr_float().put(values);
        }
        return tensor;
    }

    /// Copies `values`, row-major, into a float64 tensor.
    public static Tensor of(double[] values, long... shape) {
        Tensor tensor = filled(DType.FLOAT64, values.length, shape);
        if (values.length > 0) {
            tensor.peer().data_ptr_double().put(values);
        }
        return tensor;
    }

    /// Copies `values`, row-major, into an int64 tensor: ids, positions, labels.
    public static Tensor of(long[] values, long... shape) {
        Tensor tensor = filled(DType.INT64, values.length, shape);
        if (values.length > 0) {
            tensor.peer().data_ptr_long().put(values);
        }
        return tensor;
    }

    /// Copies `values`, row-major, into an int64 tensor: ids, positions, labels.
    public static Tensor of(int[] values, long... shape) {
        return of(Arrays.stream(values).asLongStream().toArray(), shape);
    }

    /// Copies `values`, row-major, into a bool tensor.
    public static Tensor of(boolean[] values, long... shape) {
        Tensor tensor = filled(DType.BOOL, values.length, shape);
        BytePointer data = new BytePointer(tensor.peer().data_ptr());
        for (int i = 0; i < values.length; i++) {
            data.put(i, (byte) (values[i] ? 1 : 0));
        }
        return tensor;
    }

    private static Tensor filled(DType dtype, long found, long... shape) {
        long wanted = Arrays.stream(shape).reduce(1, Math::multiplyExact);
        if (wanted != found) {
            throw new IllegalArgumentException(
                    "Shape %s holds %d values, found %d".formatted(Arrays.toString(shape), wanted, found));
        }
        return empty(dtype, shape);
    }

    /// One number, shape `[]`, float32.
    public static Tensor scalar(double value) {
        return full(value, DType.FLOAT32);
    }

    /// Uninitialised memory on the CPU.
    public static Tensor empty(DType dtype, long... shape) {
        try (var options = new TensorOptions(dtype.scalarType()); var format = new MemoryFormatOptional()) {
            return produce("empty " + Arrays.toString(shape), () -> torch.empty(shape, options, format));
        }
    }

    /// All 0, on the CPU.
    public static Tensor zeros(DType dtype, long... shape) {
        try (var options = new TensorOptions(dtype.scalarType())) {
            return produce("zeros " + Arrays.toString(shape), () -> torch.zeros(shape, options));
        }
    }

    /// All `value`, on the CPU.
    public static Tensor full(double value, DType dtype, long... shape) {
        return empty(dtype, shape).fillInPlace(value);
    }

    /// `[end - start]` of int64: start, start + 1, …
    public static Tensor arange(long start, long end) {
        try (var options = new TensorOptions(DType.INT64.scalarType());
                var from = new Scalar(start);
                var to = new Scalar(end)) {
            return produce("arange", () -> torch.arange(from, to, options));
        }
    }

    /// Maps a file as `[bytes]` of uint8 without reading it. Pages come in when touched and are shared between processes;
    /// writing to the tensor changes private copies, never the file.
    public static Tensor mapped(Path file) throws IOException {
        long size = Files.size(file);
        try (var shared = new BoolOptional(false);
                var length = new LongOptional(size);
                var options = new TensorOptions(DType.UINT8.scalarType())) {
            return produce("map " + file, () -> torch.from_file(file.toString(), shared, length, options));
        }
    }

    /// One behind the other along an axis that is there; other axes are equal.
    public static Tensor cat(List<Tensor> parts, long dim) {
        return joined("cat", parts, list -> torch.cat(list, dim));
    }

    /// Side by side along a new axis; all shapes are equal.
    public static Tensor stack(List<Tensor> parts, long dim) {
        return joined("stack", parts, list -> torch.stack(list, dim));
    }

    private static Tensor joined(String operation, List<Tensor> parts,
            Function<TensorVector, org.bytedeco.pytorch.Tensor> join) {
        Tensor[] arguments = parts.toArray(Tensor[]::new);
        try (var list = vector(arguments)) {
            return produce(operation, () -> join.apply(list), arguments);
        }
    }

    /// Where `condition` holds the first, elsewhere the second.
    public static Tensor where(Tensor condition, Tensor first, Tensor second) {
        return produce("where", () -> torch.where(condition.peer(), first.peer(), second.peer()), condition, first,
                second);
    }

    // ---- what it is ----

    /// Lengths of all axes.
    public long[] shape() {
        var peer = peer();
        var shape = new long[(int) peer.dim()];
        for (int i = 0; i < shape.length; i++) {
            shape[i] = peer.size(i);
        }
        return shape;
    }

    /// Length of one axis; negative axes count from the end.
    public long size(int dim) {
        return peer().size(dim);
    }

    /// How many axes.
    public int dim() {
        return (int) peer().dim();
    }

    /// How many numbers.
    public long count() {
        return peer().numel();
    }

    /// The type of its numbers.
    public DType dtype() {
        return DType.of(peer().scalar_type());
    }

    /// Where it lives.
    public Device device() {
        if (peer().is_cpu()) {
            return standsIn ? Device.STAND_IN : Device.CPU;
        }
        try (var device = peer().device()) {
            return new Device(device.is_cuda() ? Device.Kind.CUDA : Device.Kind.MPS, Math.max(0, device.index()));
        }
    }

    /// Whether its numbers lie row-major without gaps.
    public boolean isContiguous() {
        return peer().is_contiguous();
    }

    /// Whether two handles look at the same first byte: tied weights do.
    public boolean sharesMemory(Tensor other) {
        return peer().data_ptr().address() == other.peer().data_ptr().address();
    }

    String signature() {
        return peer == null ? "closed" : Arrays.toString(shape()) + " " + dtype();
    }

    @Override
    public String toString() {
        return "Tensor" + signature();
    }

    // ---- what it holds ----

    /// The one number of a tensor with one element.
    public double item() {
        return number("item", peer -> peer.item_double());
    }

    /// The one whole number of a tensor with one element.
    public long itemLong() {
        return number("item", peer -> peer.item_long());
    }

    private <T> T number(String operation, Function<org.bytedeco.pytorch.Tensor, T> read) {
        if (standsIn) {
            StandIn.copied(false);
        }
        try {
            return read.apply(peer());
        } catch (RuntimeException e) {
            throw TensorException.refused(operation, new Tensor[]{this}, e);
        }
    }

    /// A copy, row-major, widened or narrowed to float32.
    public float[] toFloats() {
        var values = new float[length()];
        read(DType.FLOAT32, peer -> peer.data_ptr_float().get(values));
        return values;
    }

    /// A copy, row-major, widened to float64.
    public double[] toDoubles() {
        var values = new double[length()];
        read(DType.FLOAT64, peer -> peer.data_ptr_double().get(values));
        return values;
    }

    /// A copy, row-major, as int64.
    public long[] toLongs() {
        var values = new long[length()];
        read(DType.INT64, peer -> peer.data_ptr_long().get(values));
        return values;
    }

    /// A copy, row-major, as int32.
    public int[] toInts() {
        var values = new int[length()];
        read(DType.INT32, peer -> peer.data_ptr_int().get(values));
        return values;
    }

    /// A copy of a bool tensor, row-major.
    public boolean[] toBooleans() {
        long[] numbers = toLongs();
        var values = new boolean[numbers.length];
        for (int i = 0; i < numbers.length; i++) {
            values[i] = numbers[i] != 0;
        }
        return values;
    }

    private int length() {
        return Math.toIntExact(count());
    }

    private void read(DType dtype, java.util.function.Consumer<org.bytedeco.pytorch.Tensor> reader) {
        try (var scope = TensorScope.open()) {
            if (count() > 0) {
                reader.accept(detach().to(Device.CPU).to(dtype).contiguous().peer());
            }
        }
    }

    /// Writes the elements, row-major and little-endian, in pieces of at most 64 MiB.
    public void writeTo(WritableByteChannel channel) throws IOException {
        try (var scope = TensorScope.open()) {
            Tensor plain = detach().to(Device.CPU).contiguous();
            long bytes = plain.count() * plain.dtype().bytes();
            Pointer data = plain.peer().data_ptr();
            for (long at = 0; at < bytes;) {
                long piece = Math.min(bytes - at, 64 << 20);
                ByteBuffer buffer = new BytePointer(data).position(at).limit(at + piece).asByteBuffer();
                while (buffer.hasRemaining()) {
                    channel.write(buffer);
                }
                at += piece;
            }
        }
    }

    // ---- arithmetic ----

    /// Elementwise, shapes broadcast.
    public Tensor add(Tensor other) {
        return with("add", other, (a, b) -> a.add(b));
    }

    /// To every element.
    public Tensor add(double value) {
        return with("add", value, (a, b) -> a.add(b));
    }

    /// Elementwise, shapes broadcast.
    public Tensor sub(Tensor other) {
        return with("sub", other, (a, b) -> a.sub(b));
    }

    /// From every element.
    public Tensor sub(double value) {
        return with("sub", value, (a, b) -> a.sub(b));
    }

    /// Elementwise, shapes broadcast.
    public Tensor mul(Tensor other) {
        return with("mul", other, (a, b) -> a.mul(b));
    }

    /// Every element.
    public Tensor mul(double value) {
        return with("mul", value, (a, b) -> a.mul(b));
    }

    /// Elementwise, shapes broadcast; of whole numbers real ones.
    public Tensor div(Tensor other) {
        return with("div", other, (a, b) -> a.div(b));
    }

    /// Every element.
    public Tensor div(double value) {
        return with("div", value, (a, b) -> a.div(b));
    }

    /// Every element to a power.
    public Tensor pow(double exponent) {
        return with("pow", exponent, (a, b) -> a.pow(b));
    }

    /// Zeros of this shape and type, on this device.
    public Tensor zerosLike() {
        return with("zerosLike", torch::zeros_like);
    }

    /// −x of every element.
    public Tensor neg() {
        return with("neg", a -> a.neg());
    }

    /// |x| of every element.
    public Tensor abs() {
        return with("abs", a -> a.abs());
    }

    /// eˣ of every element.
    public Tensor exp() {
        return with("exp", a -> a.exp());
    }

    /// Natural logarithm of every element.
    public Tensor log() {
        return with("log", a -> a.log());
    }

    /// Sine of every element, in radians.
    public Tensor sin() {
        return with("sin", a -> a.sin());
    }

    /// Cosine of every element, in radians.
    public Tensor cos() {
        return with("cos", a -> a.cos());
    }

    /// √x of every element.
    public Tensor sqrt() {
        return with("sqrt", a -> a.sqrt());
    }

    /// 1/√x of every element.
    public Tensor rsqrt() {
        return with("rsqrt", a -> a.rsqrt());
    }

    /// Hyperbolic tangent of every element.
    public Tensor tanh() {
        return with("tanh", a -> a.tanh());
    }

    /// 1 / (1 + e⁻ˣ) of every element.
    public Tensor sigmoid() {
        return with("sigmoid", a -> a.sigmoid());
    }

    /// The error function of every element.
    public Tensor erf() {
        return with("erf", a -> a.erf());
    }

    /// max(x, 0) of every element.
    public Tensor relu() {
        return with("relu", a -> a.relu());
    }

    /// The larger of two, elementwise; shapes broadcast.
    public Tensor maximum(Tensor other) {
        return with("maximum", other, (a, b) -> a.maximum(b));
    }

    /// The smaller of two, elementwise; shapes broadcast.
    public Tensor minimum(Tensor other) {
        return with("minimum", other, (a, b) -> a.minimum(b));
    }

    /// At least `low`.
    public Tensor clampMin(double low) {
        try (var bound = asNumber(low); var from = new ScalarOptional(bound)) {
            return with("clamp", a -> a.clamp(from, OPEN_END));
        }
    }

    /// `[..., n, k] × [..., k, m]` to `[..., n, m]`.
    public Tensor matmul(Tensor other) {
        return with("matmul", other, (a, b) -> a.matmul(b));
    }

    /// eˣ / Σeˣ along an axis.
    public Tensor softmax(int dim) {
        return with("softmax", a -> a.softmax(dim));
    }

    /// log of [#softmax], computed without a detour over it.
    public Tensor logSoftmax(int dim) {
        return with("log_softmax", a -> a.log_softmax(dim));
    }

    // ---- sums, choices ----

    /// Of all elements: `[]`.
    public Tensor sum() {
        return with("sum", a -> a.sum());
    }

    /// Along an axis, which goes away or keeps length 1.
    public Tensor sum(int dim, boolean keepDim) {
        return with("sum", a -> a.sum(new long[]{dim}, keepDim, SAME_TYPE));
    }

    /// Of all elements: `[]`.
    public Tensor mean() {
        return with("mean", a -> a.mean());
    }

    /// Along an axis, which goes away or keeps length 1.
    public Tensor mean(int dim, boolean keepDim) {
        return with("mean", a -> a.mean(new long[]{dim}, keepDim, SAME_TYPE));
    }

    /// The largest of all elements: `[]`.
    public Tensor max() {
        return with("max", a -> a.max());
    }

    /// Largest along an axis.
    public Tensor max(int dim, boolean keepDim) {
        return with("amax", a -> a.amax(new long[]{dim}, keepDim));
    }

    /// The smallest of all elements: `[]`.
    public Tensor min() {
        return with("min", a -> a.min());
    }

    /// Index of the largest along an axis; the first of equals.
    public Tensor argmax(int dim) {
        try (var axis = new LongOptional(dim)) {
            return with("argmax", a -> a.argmax(axis, false));
        }
    }

    /// Sums of all elements up to each along an axis.
    public Tensor cumsum(int dim) {
        return with("cumsum", a -> torch.cumsum(a, dim));
    }

    /// Values and their indices along an axis.
    public record Ranked(Tensor values, Tensor indices) {}

    /// The `k` largest along an axis, largest first.
    public Ranked topK(int k, int dim) {
        return ranked("topk", a -> torch.topk(a, k, dim, true, true));
    }

    /// All along an axis, stable among equals.
    public Ranked sort(int dim, boolean descending) {
        try (var stable = new BoolOptional(true)) {
            return ranked("sort", a -> a.sort(stable, dim, descending));
        }
    }

    private Ranked ranked(String operation, Function<org.bytedeco.pytorch.Tensor, T_TensorTensor_T> body) {
        T_TensorTensor_T pair;
        try {
            pair = body.apply(peer());
        } catch (RuntimeException e) {
            throw TensorException.refused(operation, new Tensor[]{this}, e);
        }
        try (pair) {
            return new Ranked(owning(pair.get0(), this), owning(pair.get1(), this));
        }
    }

    /// Of each place the element that `index` names along `dim`; the result has the shape of `index`.
    public Tensor gather(int dim, Tensor index) {
        return with("gather", index, (a, i) -> a.gather(dim, i));
    }

    /// A copy in which the places `index` along `dim` hold `source`.
    public Tensor scatter(int dim, Tensor index, Tensor source) {
        return produce("scatter", () -> peer().scatter(dim, index.peer(), source.peer()), this, index, source);
    }

    /// A copy in which slice `i` of `source` is added to slice `index[i]` along `dim`; an index may stand there often.
    public Tensor indexAdd(int dim, Tensor index, Tensor source) {
        return produce("index_add", () -> peer().index_add(dim, index.peer(), source.peer()), this, index, source);
    }

    /// Rows (or slices along `dim`) `index`, which is `[n]` of int64.
    public Tensor indexSelect(int dim, Tensor index) {
        return with("index_select", index, (a, i) -> a.index_select(dim, i));
    }

    /// `value` where `mask`, broadcast to this shape, is true.
    public Tensor maskedFill(Tensor mask, double value) {
        try (var scalar = new Scalar(value)) {
            return with("masked_fill", mask, (a, m) -> a.masked_fill(m, scalar));
        }
    }

    // ---- comparisons, in bool ----

    /// Whether equal, elementwise: bool.
    public Tensor eq(Tensor other) {
        return with("eq", other, (a, b) -> a.eq(b));
    }

    /// Whether equal to `value`, elementwise: bool.
    public Tensor eq(double value) {
        return with("eq", value, (a, b) -> a.eq(b));
    }

    /// Whether different from `value`, elementwise: bool.
    public Tensor ne(double value) {
        return with("ne", value, (a, b) -> a.ne(b));
    }

    /// Whether smaller, elementwise: bool.
    public Tensor lt(Tensor other) {
        return with("lt", other, (a, b) -> a.lt(b));
    }

    /// Whether smaller than `value`, elementwise: bool.
    public Tensor lt(double value) {
        return with("lt", value, (a, b) -> a.lt(b));
    }

    /// Whether not larger, elementwise: bool.
    public Tensor le(Tensor other) {
        return with("le", other, (a, b) -> a.le(b));
    }

    /// Whether larger than `value`, elementwise: bool.
    public Tensor gt(double value) {
        return with("gt", value, (a, b) -> a.gt(b));
    }

    /// Whether not smaller than `value`, elementwise: bool.
    public Tensor ge(double value) {
        return with("ge", value, (a, b) -> a.ge(b));
    }

    /// Whether both hold, elementwise.
    public Tensor and(Tensor other) {
        return with("logical_and", other, (a, b) -> a.logical_and(b));
    }

    /// Whether one of both holds, elementwise.
    public Tensor or(Tensor other) {
        return with("logical_or", other, (a, b) -> a.logical_or(b));
    }

    /// Whether it does not hold, elementwise.
    public Tensor not() {
        return with("logical_not", a -> a.logical_not());
    }

    /// Whether every number is neither infinite nor NaN.
    public boolean isFinite() {
        try (var scope = TensorScope.open()) {
            return with("isfinite", a -> a.isfinite().all()).itemLong() == 1;
        }
    }

    // ---- shapes; views where LibTorch can ----

    /// The same numbers under another shape, without a copy; −1 stands for the length that is left.
    ///
    /// @throws TensorException if that would need a copy
    public Tensor view(long... shape) {
        return with("view " + Arrays.toString(shape), a -> a.view(shape));
    }

    /// The memory from the first element on, seen in other steps.
    public Tensor asStrided(long[] shape, long[] strides) {
        try (var here = new LongOptional()) {
            return with("as_strided", a -> a.as_strided(shape, strides, here));
        }
    }

    /// The same numbers under another shape, copied where that is needed.
    public Tensor reshape(long... shape) {
        return with("reshape " + Arrays.toString(shape), a -> a.reshape(shape));
    }

    /// With two axes exchanged, a view.
    public Tensor transpose(int first, int second) {
        return with("transpose", a -> a.transpose(first, second));
    }

    /// With the axes in another order, a view.
    public Tensor permute(long... axes) {
        return with("permute", a -> a.permute(axes));
    }

    /// With a new axis of length 1 there.
    public Tensor unsqueeze(int dim) {
        return with("unsqueeze", a -> a.unsqueeze(dim));
    }

    /// Without an axis of length 1.
    public Tensor squeeze(int dim) {
        return with("squeeze", a -> a.squeeze(dim));
    }

    /// Broadcast to a shape, a view.
    public Tensor expand(long... shape) {
        return with("expand " + Arrays.toString(shape), a -> a.expand(shape));
    }

    /// `length` slices along `dim` from `start` on.
    public Tensor narrow(int dim, long start, long length) {
        return with("narrow", a -> a.narrow(dim, start, length));
    }

    /// One slice along `dim`, which goes away.
    public Tensor select(int dim, long index) {
        return with("select", a -> a.select(dim, index));
    }

    /// With the axes from one to another as one.
    public Tensor flatten(int from, int to) {
        return with("flatten", a -> a.flatten(from, to));
    }

    /// Equal parts along an axis.
    public List<Tensor> chunk(int parts, int dim) {
        long length = size(dim) / parts;
        return java.util.stream.IntStream.range(0, parts).mapToObj(i -> narrow(dim, i * length, length)).toList();
    }

    /// The slices along an axis, which goes away. Their gradients are put together in one copy.
    public List<Tensor> unbind(int dim) {
        TensorVector slices;
        try {
            slices = peer().unbind(dim);
        } catch (RuntimeException e) {
            throw TensorException.refused("unbind", new Tensor[]{this}, e);
        }
        try (slices) {
            return java.util.stream.LongStream.range(0, slices.size()).mapToObj(i -> owning(slices.get(i), this))
                    .toList();
        }
    }

    /// Itself where its numbers lie row-major, else a copy in which they do.
    public Tensor contiguous() {
        return with("contiguous", a -> a.contiguous());
    }

    /// A contiguous copy.
    public Tensor copy() {
        return with("clone", a -> a.clone()).contiguous();
    }

    /// Elements below the diagonal `offset` kept, the others 0.
    public Tensor tril(long offset) {
        return with("tril", a -> a.tril(offset));
    }

    /// Elements on and above the diagonal `offset` kept, the others 0.
    public Tensor triu(long offset) {
        return with("triu", a -> a.triu(offset));
    }

    /// In reverse order along an axis.
    public Tensor flip(int dim) {
        return with("flip", a -> a.flip(new long[]{dim}));
    }

    /// Each slice along `dim` `times` times in a row.
    public Tensor repeatInterleave(int times, int dim) {
        try (var axis = new LongOptional(dim); var size = new LongOptional()) {
            return with("repeat_interleave", a -> torch.repeat_interleave(a, times, axis, size));
        }
    }

    /// The same bytes read as another type; the last axis is counted anew.
    public Tensor viewAs(DType dtype) {
        return with("view " + dtype, a -> a.view(dtype.scalarType()));
    }

    /// In another type; itself where it has that.
    public Tensor to(DType dtype) {
        return dtype() == dtype ? this : with("to " + dtype, a -> a.to(dtype.scalarType()));
    }

    /// On another device; itself where it is there. A copy, and recorded: gradients come back.
    public Tensor to(Device device) {
        if (device().equals(device)) {
            return this;
        }
        if (standsIn || device.equals(Device.STAND_IN)) {
            StandIn.copied(!standsIn);
            Tensor copy = wrap(peer().clone());
            copy.standsIn = !standsIn;
            return copy;
        }
        try (var native_ = new org.bytedeco.pytorch.Device(device.kind().type(), (byte) device.index());
                var place = new DeviceOptional(native_);
                var type = new ScalarTypeOptional();
                var layout = new LayoutOptional();
                var pinned = new BoolOptional();
                var format = new MemoryFormatOptional()) {
            return with("to " + device, a -> a.to(type, layout, place, pinned, false, false, format));
        }
    }

    // ---- in place ----

    /// this += other.
    public Tensor addInPlace(Tensor other) {
        return change("add_", () -> peer().add_(other.peer()), this, other);
    }

    /// this += scale · other.
    public Tensor addInPlace(Tensor other, double scale) {
        try (var scalar = new Scalar(scale)) {
            return change("add_", () -> peer().add_(other.peer(), scalar), this, other);
        }
    }

    /// this *= value.
    public Tensor mulInPlace(double value) {
        try (var scalar = new Scalar(value)) {
            return change("mul_", () -> peer().mul_(scalar), this);
        }
    }

    /// this *= other, elementwise.
    public Tensor mulInPlace(Tensor other) {
        return change("mul_", () -> peer().mul_(other.peer()), this, other);
    }

    /// Overwrites this with `source`, broadcast, widened or narrowed, from whatever device.
    public Tensor copyInPlace(Tensor source) {
        return change("copy_", () -> peer().copy_(source.peer()), this, source);
    }

    /// Overwrites elements from `start` on, row-major, with the first `count` values: of a contiguous float32 tensor on the
    /// CPU. Several threads may fill different parts at once.
    public Tensor copyInPlace(long start, float[] values, int count) {
        var peer = peer();
        if (dtype() != DType.FLOAT32 || !peer.is_cpu() || !isContiguous() || start < 0 || start > count() - count) {
            throw new IllegalArgumentException(
                    "%d values from %d on do not fit: the tensor must be contiguous, float32 and on the CPU, and is %s"
                            .formatted(count, start, signature()));
        }
        if (count > 0) {
            peer.data_ptr_float().position(start).put(values, 0, count);
        }
        return this;
    }

    /// Overwrites every element.
    public Tensor fillInPlace(double value) {
        try (var scalar = new Scalar(value)) {
            return change("fill_", () -> peer().fill_(scalar), this);
        }
    }

    private Tensor change(String operation, Supplier<org.bytedeco.pytorch.Tensor> body, Tensor... arguments) {
        try {
            if (!operation.equals("copy_")) {
                StandIn.holds(operation, arguments);
            } else if (arguments[0].standsIn() != arguments[1].standsIn()) {
                StandIn.copied(standsIn);
            }
            // What comes back is this very handle, so that it must not be closed.
            body.get();
        } catch (RuntimeException e) {
            throw TensorException.refused(operation, arguments, e);
        }
        return this;
    }

    // ---- gradients ----

    /// Whether [#backward] adds up a gradient for it, or for what it was made of.
    public boolean requiresGrad() {
        return peer().requires_grad();
    }

    /// Marks a leaf as trained or frozen.
    public Tensor requiresGrad(boolean trained) {
        peer().set_requires_grad(trained);
        return this;
    }

    /// The same memory outside the graph.
    public Tensor detach() {
        return with("detach", a -> a.detach());
    }

    /// What [#backward] has added up for this leaf, or null.
    public @Nullable Tensor grad() {
        var gradient = peer().grad();
        if (!gradient.defined()) {
            gradient.close();
            return null;
        }
        return owning(gradient, this);
    }

    /// Drops the gradient.
    public void clearGrad() {
        try (var gradient = peer().mutable_grad()) {
            gradient.reset();
        }
    }

    /// Adds the gradients of this one number to every leaf that it depends on.
    public void backward() {
        Gradients.backward(this, null);
    }

    // ---- memory ----

    /// Takes this tensor out of its scope: from here on it is freed by [#close], at the latest by the garbage collector.
    public Tensor unscoped() {
        if (scope != null) {
            scope.release(this);
        }
        if (lastResort == null) {
            var native_ = peer();
            lastResort = CLEANER.register(this, () -> {
                TensorScope.freed();
                native_.close();
            });
        }
        return this;
    }

    /// Frees the handle now; the memory goes with its last handle, view or place in a graph.
    @Override
    public void close() {
        var native_ = peer;
        if (native_ == null) {
            return;
        }
        peer = null;
        if (packingsEnd != null) {
            packing = null;
            packingsEnd.clean();
            packingsEnd = null;
        }
        if (scope != null) {
            scope.release(this);
        }
        if (lastResort != null) {
            lastResort.clean();
            lastResort = null;
        } else {
            TensorScope.freed();
            native_.close();
        }
    }

    // ---- the room's inside ----

    @Nullable
    PackedWeight packing() {
        return packing;
    }

    /// The packing made now, in place of one that no longer fits.
    synchronized PackedWeight packed(Supplier<PackedWeight> made) {
        // One that no longer fits may be in use by another thread: the garbage collector frees it.
        PackedWeight fresh = made.get();
        packing = fresh;
        packingsEnd = fresh.freedBy(CLEANER);
        return fresh;
    }

    /// Whether its memory was freed, so that it can be used no more.
    public boolean isClosed() {
        return peer == null;
    }

    org.bytedeco.pytorch.Tensor peer() {
        var native_ = peer;
        if (native_ == null) {
            throw new IllegalStateException(
                    "This tensor was freed with its TensorScope; hand it to the scope outside with keep() to use it later");
        }
        return native_;
    }

    @Nullable
    TensorScope scope() {
        return scope;
    }

    int slot() {
        return slot;
    }

    void place(@Nullable TensorScope newScope, int newSlot) {
        scope = newScope;
        slot = newSlot;
        if (newScope != null && lastResort != null) {
            throw new IllegalStateException("An unscoped tensor cannot enter a scope");
        }
    }

    /// Wraps what LibTorch returned as ours to free.
    static Tensor wrap(org.bytedeco.pytorch.Tensor peer) {
        return new Tensor(peer);
    }

    /// A handle of our own to a tensor that a native container holds, on the device of `like`.
    static Tensor owning(org.bytedeco.pytorch.TensorBase borrowed, Tensor like) {
        Tensor own = new Tensor(new org.bytedeco.pytorch.Tensor(borrowed));
        own.standsIn = like.standsIn;
        return own;
    }

    boolean standsIn() {
        return standsIn;
    }

    /// The same handle as one of [Device#STAND_IN].
    Tensor standingIn(boolean there) {
        standsIn = there;
        return this;
    }

    static Tensor produce(String operation, Supplier<org.bytedeco.pytorch.Tensor> body, Tensor... arguments) {
        try {
            boolean aside = StandIn.holds(operation, arguments);
            Tensor result = new Tensor(body.get());
            result.standsIn = aside;
            return result;
        } catch (RuntimeException e) {
            if (e instanceof IllegalStateException) {
                throw e;
            }
            throw TensorException.refused(operation, arguments, e);
        }
    }

    static TensorVector vector(Tensor... tensors) {
        var list = new TensorVector(tensors.length);
        for (int i = 0; i < tensors.length; i++) {
            list.put(i, tensors[i].peer());
        }
        return list;
    }

    private Tensor with(String operation, Function<org.bytedeco.pytorch.Tensor, org.bytedeco.pytorch.Tensor> body) {
        return produce(operation, () -> body.apply(peer()), this);
    }

    private Tensor with(String operation, Tensor other,
            BiFunction<org.bytedeco.pytorch.Tensor, org.bytedeco.pytorch.Tensor, org.bytedeco.pytorch.Tensor> body) {
        return produce(operation, () -> body.apply(peer(), other.peer()), this, other);
    }

    private Tensor with(String operation, double value,
            BiFunction<org.bytedeco.pytorch.Tensor, Scalar, org.bytedeco.pytorch.Tensor> body) {
        try (var scalar = asNumber(value)) {
            return produce(operation, () -> body.apply(peer(), scalar), this);
        }
    }

    /// A whole number stays one, so that integers stay integers.
    private Scalar asNumber(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1L << 53 && !dtype().isFloating()
                ? new Scalar((long) value)
                : new Scalar(value);
    }
}
