package dev.weft.tensor;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Supplier;
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
    /// Weights of fewer numbers stay in a core's cache.
    private static final long SMALL = 1 << 16;
    /// Float16 has more digits than bfloat16 and less range: in between every bfloat16 that matters is one.
    private static final double LEAST_LARGEST = 1.0 / 512;
    private static final double MOST_LARGEST = 65_504;

    private static final boolean WANTED = Boolean.parseBoolean(System.getProperty("weft.pack", "true"));
    /// Made once: every product has these arguments.
    private static final IValue NO_ACTIVATION = new IValue("none");
    private static final IValue NO_ALGORITHM = new IValue("");
    private static final IValue NO_SCALARS = AtenOps.noScalars();
    private static final Map<String, Boolean> WORKS = new ConcurrentHashMap<>();

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

    private final Form<org.bytedeco.pytorch.Tensor> blocked = new Form<>();
    private final Form<IValue> half = new Form<>();
    /// How often the weight had been written to.
    private final long version;
    private final boolean fitsHalf;

    private PackedWeight(Tensor weight) {
        version = weight.peer()._version();
        fitsHalf = weight.dtype() == DType.BFLOAT16 && worksHalf() && inRange(weight);
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
        if (rows == 0 || dtype == DType.FLOAT32 && rows >= FEW_ROWS || !works(dtype)) {
            return null;
        }
        PackedWeight packing = weight.packing();
        if (packing == null || packing.version != weight.peer()._version()) {
            packing = weight.packed(() -> new PackedWeight(weight));
        }
        return packing.product(x, weight, bias, turned);
    }

    private Tensor product(Tensor x, Tensor weight, @Nullable Tensor bias, boolean turned) {
        try {
            if (fitsHalf && x.count() / x.size(-1) <= VERY_FEW_ROWS) {
                IValue order = half.orMade(() -> half(weight, turned));
                return Tensor.produce("linear", () -> half(x, order, bias), x);
            }
            var order = blocked.orMade(() -> blocked(weight, turned));
            return Tensor.produce("linear", () -> blocked(x, order, bias), x);
        } finally {
            // Another thread may have put a new packing in place of this one.
            Reference.reachabilityFence(this);
        }
    }

    private static org.bytedeco.pytorch.Tensor blocked(Tensor weight, boolean turned) {
        try (var off = Gradients.off(); var rows = turned ? weight.peer().t() : null) {
            return AtenOps.result(AtenOps.Op.REORDER_LINEAR_WEIGHT, rows == null ? weight.peer() : rows, 8L);
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

    /// Tried once: a build without oneDNN or a chip without the instructions refuses.
    static boolean works(DType dtype) {
        return (dtype == DType.FLOAT32 || dtype == DType.BFLOAT16) && WORKS.computeIfAbsent(dtype.name(),
                untried -> gives16(dtype, ones -> {
                    try (var order = blocked(ones, false)) {
                        return blocked(ones, order, null);
                    }
                }));
    }

    private static boolean worksHalf() {
        return WORKS.computeIfAbsent("half", untried -> gives16(DType.BFLOAT16, ones -> {
            try (IValue order = half(ones, false)) {
                return half(ones, order, null);
            }
        }));
    }

    private static boolean gives16(DType dtype, Function<Tensor, org.bytedeco.pytorch.Tensor> product) {
        try (var scope = TensorScope.open(); var off = Gradients.off()) {
            Tensor ones = Tensor.full(1, dtype, 16, 16);
            float[] sums = Tensor.wrap(product.apply(ones)).to(DType.FLOAT32).toFloats();
            return Arrays.equals(sums, Tensor.full(16, DType.FLOAT32, 16, 16).toFloats());
        } catch (RuntimeException refused) {
            return false;
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
