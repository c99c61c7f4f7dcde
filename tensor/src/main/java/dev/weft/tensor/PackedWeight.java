package dev.weft.tensor;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/// A weight once more, in the order in which a product reads it: without it every product sorts the weight anew, which
/// for a few rows costs as much as the product (docs/decisions/0017-packed-weights.md).
///
/// Two orders: that of oneDNN, and, for the very few rows of decoding in bfloat16, that of FBGEMM, which reads 16 bits a
/// weight a third quicker. Each is made at the first product that gains by it, made again when the weight has changed, and
/// goes with the weight. `-Dweft.pack=false` makes none: the weights of a model then stand in memory once.
final class PackedWeight {
    /// Below so many rows the order of the weight is what a product costs.
    private static final long FEW_ROWS = 32;
    /// Up to so many FBGEMM is the quicker one.
    private static final long VERY_FEW_ROWS = 6;
    /// oneDNN's blocks are at most so wide. A last block that is not full has been seen to be computed wrongly, so none is
    /// made (docs/decisions/0021-fast-paths.md).
    private static final long BLOCK = 64;
    /// Weights of fewer numbers stay in a core's cache.
    private static final long SMALL = 1 << 16;
    /// Float16 has more digits than bfloat16 and less range: in between every bfloat16 that matters is one.
    private static final double LEAST_LARGEST = 1.0 / 512;
    private static final double MOST_LARGEST = 65_504;

    private static final boolean WANTED = Engine.packs();
    /// Made once: every product has these arguments.
    private static final IValue NO_ACTIVATION = new IValue("none");
    private static final IValue NO_ALGORITHM = new IValue("");
    private static final IValue NO_SCALARS = AtenOps.noScalars();

    /// One order, made when it is first asked for. Apart from the packing, so that a cleaner can free it.
    private static final class Form<T extends Pointer> {
        private volatile @Nullable T made;

        T orMade(Supplier<T> making) {
            T known = made;
            if (known == null) {
                synchronized (this) {
                    known = made == null ? making.get() : made;
                    made = known;
                }
            }
            return known;
        }

        void close() {
            if (made != null) {
                made.close();
            }
        }
    }

    /// The products that the same code of a library computes.
    ///
    /// @param rows up to 32 their number, beyond that the next power of two and whether the last 16 are full
    record Shapes(long out, long in, boolean turned, long rows, boolean biased) {
        static Shapes of(Tensor x, Tensor weight, @Nullable Tensor bias, boolean turned) {
            long rows = x.count() / x.size(-1);
            long kind = rows <= FEW_ROWS ? rows : -2 * Long.highestOneBit(rows) - (rows % 16 == 0 ? 0 : 1);
            return new Shapes(weight.size(turned ? 1 : 0), weight.size(turned ? 0 : 1), turned, kind, bias != null);
        }

        @Override
        public String toString() {
            return "weight [%d, %d]%s, %s rows".formatted(turned ? in : out, turned ? out : in,
                    biased ? " with bias" : "", rows > 0 ? "" + rows : "over " + (-rows / 2 - 1));
        }
    }

    private final Form<org.bytedeco.pytorch.Tensor> blocked = new Form<>();
    private final Form<IValue> half = new Form<>();
    /// How often the weight had been written to.
    private final long version;
    private final boolean fitsHalf;
    /// Numbers of rows below 32 for which the product in blocks is proven, a bit each, below the [FastPath#generation] in which
    /// it was: with and without a bias, turned or not. So that the question costs a token next to nothing.
    private final AtomicLongArray proven = new AtomicLongArray(4);
    /// Numbers that prove nothing, such as zeros: this weight is left as it stands.
    private volatile boolean unfit;

    private PackedWeight(Tensor weight) {
        version = weight.peer()._version();
        fitsHalf = weight.dtype() == DType.BFLOAT16 && inRange(weight);
    }

    private static boolean inRange(Tensor weight) {
        try (var scope = TensorScope.open(); var off = Gradients.off()) {
            double largest = weight.abs().max().item();
            return largest >= LEAST_LARGEST && largest <= MOST_LARGEST;
        }
    }

    /// `x · weightᵀ + bias`, or null where packing gains nothing: another device, a gradient to be recorded, a weight that
    /// belongs to a scope and will not be seen again.
    ///
    /// @param turned whether the weight is `[in, out]`
    static @Nullable Tensor times(Tensor x, Tensor weight, @Nullable Tensor bias, boolean turned) {
        DType dtype = weight.dtype();
        if (!WANTED || weight.scope() != null || weight.dim() != 2 || weight.count() < SMALL || x.dim() < 2
                || x.dtype() != dtype || !weight.device().isCpu() || weight.requiresGrad()
                || Gradients.recording() && x.requiresGrad() || Autocast.active(weight.device())) {
            return null;
        }
        long rows = x.count() / x.size(-1);
        // In float32 only few rows gain more than the memory is worth.
        if (rows == 0 || dtype != DType.FLOAT32 && dtype != DType.BFLOAT16
                || dtype == DType.FLOAT32 && rows >= FEW_ROWS) {
            return null;
        }
        PackedWeight packing = weight.packing();
        if (packing == null || packing.version != weight.peer()._version()) {
            packing = weight.packed(() -> new PackedWeight(weight));
        }
        return packing.product(x, weight, bias, turned, rows);
    }

    private @Nullable Tensor product(Tensor x, Tensor weight, @Nullable Tensor bias, boolean turned, long rows) {
        int way = (bias == null ? 0 : 1) + (turned ? 2 : 0);
        long generation = (long) FastPath.generation() << 32;
        try {
            long known = proven.get(way);
            if ((known & -1L << 32) == generation && (known >> rows & 1) == 1 && rows < 32) {
                return blocked(x, weight, bias, turned);
            }
            Shapes shapes = Shapes.of(x, weight, bias, turned);
            if (!unfit && fitsHalf && shapes.rows() > 0 && shapes.rows() <= VERY_FEW_ROWS
                    && FastPath.PACKED_FLOAT16.proven(shapes,
                            () -> tried(x, weight, bias, turned, each -> half(each, weight, bias, turned)))) {
                return half(x, weight, bias, turned);
            }
            FastPath path = weight.dtype() == DType.FLOAT32 ? FastPath.PACKED_FLOAT32 : FastPath.PACKED_BFLOAT16;
            if (unfit || !path.proven(shapes,
                    () -> tried(x, weight, bias, turned, each -> blocked(each, weight, bias, turned)))) {
                return null;
            }
            if (path == FastPath.PACKED_FLOAT32) {
                proven.accumulateAndGet(way, generation | 1L << rows,
                        (before, now) -> (before & -1L << 32) == generation ? before | now : now);
            }
            return blocked(x, weight, bias, turned);
        } finally {
            // Another thread may have put a new packing in place of this one.
            Reference.reachabilityFence(this);
        }
    }

    /// This weight itself, multiplied both ways by random numbers of the shape of `x`.
    private FastPath.Trial tried(Tensor x, Tensor weight, @Nullable Tensor bias, boolean turned,
            UnaryOperator<Tensor> quick) {
        try (var random = Randomness.seeded(x.count())) {
            Tensor any = random.normal(0, 1, x.shape()).to(x.dtype());
            Tensor plain = Kernels.plainLinear(any, weight, null, turned);
            // Columns of nothing would let a kernel pass that computes nothing there.
            if (plain.eq(0).to(DType.FLOAT32).mean().item() > 0.01) {
                unfit = true;
                return FastPath.Trial.UNDECIDED;
            }
            Tensor whole = bias == null ? plain : plain.add(bias);
            FastPath.Trial found = FastPath.Trial.of(quick.apply(any), whole,
                    FastPath.Trial.rounding(weight.dtype(), x.size(-1)));
            unfit |= Double.isNaN(found.error());
            return found;
        }
    }

    /// Through oneDNN's blocks, all of which are full.
    private Tensor blocked(Tensor x, Tensor weight, @Nullable Tensor bias, boolean turned) {
        var order = blocked.orMade(() -> blocked(weight, turned));
        long out = weight.size(turned ? 1 : 0);
        if (out % BLOCK == 0) {
            return Tensor.produce("linear", () -> blocked(x, order, bias), x);
        }
        return TensorScope.tidy(() -> {
            Tensor wide = Tensor.produce("linear", () -> blocked(x, order, null), x);
            Tensor product = wide.narrow(-1, 0, out);
            return bias == null ? product.contiguous() : product.add(bias);
        });
    }

    private Tensor half(Tensor x, Tensor weight, @Nullable Tensor bias, boolean turned) {
        IValue order = half.orMade(() -> half(weight, turned));
        return Tensor.produce("linear", () -> half(x, order, bias), x);
    }

    private static org.bytedeco.pytorch.Tensor blocked(Tensor weight, boolean turned) {
        try (var scope = TensorScope.open(); var off = Gradients.off()) {
            Tensor rows = turned ? weight.transpose(0, 1) : weight;
            long missing = Math.floorMod(-rows.size(0), BLOCK);
            if (missing > 0) {
                rows = Tensor.cat(List.of(rows, Tensor.zeros(rows.dtype(), missing, rows.size(1))), 0);
            }
            return AtenOps.result(AtenOps.Op.REORDER_LINEAR_WEIGHT, rows, 8L);
        }
    }

    private static org.bytedeco.pytorch.Tensor blocked(Tensor x, org.bytedeco.pytorch.Tensor order,
            @Nullable Tensor bias) {
        return AtenOps.result(AtenOps.Op.LINEAR_POINTWISE, x, order, bias == null ? AtenOps.None.NONE : bias,
                NO_ACTIVATION, NO_SCALARS, NO_ALGORITHM);
    }

    private static IValue half(Tensor weight, boolean turned) {
        try (var scope = TensorScope.open(); var off = Gradients.off()) {
            Tensor rows = (turned ? weight.transpose(0, 1) : weight).to(DType.FLOAT32).contiguous();
            try (IValueVector stack = AtenOps.call(AtenOps.Op.LINEAR_PREPACK_FP16, rows, AtenOps.None.NONE);
                    IValue first = stack.get(0)) {
                return new IValue(first);
            }
        }
    }

    /// In float32 on the way, and rounded once.
    private static org.bytedeco.pytorch.Tensor half(Tensor x, IValue order, @Nullable Tensor bias) {
        try (var wide = x.peer().to(ScalarType.Float);
                var product = AtenOps.result(AtenOps.Op.LINEAR_DYNAMIC_FP16, wide, order);
                var sum = bias == null ? null : product.add_(bias.peer())) {
            return product.to(x.dtype().scalarType());
        }
    }

    /// What frees it: at once when the weight goes, or when nobody has it any more.
    Cleaner.Cleanable freedBy(Cleaner cleaner) {
        Form<?> one = blocked;
        Form<?> other = half;
        return cleaner.register(this, () -> {
            one.close();
            other.close();
        });
    }
}
