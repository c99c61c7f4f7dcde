package dev.weft.tensor;

import java.lang.ref.Cleaner;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.bytedeco.pytorch.IValue;
import org.jspecify.annotations.Nullable;

/// A weight once more, in the order in which oneDNN's products read it: without it every product sorts the weight anew,
/// which for a few rows costs as much as the product (docs/decisions/0017-packed-weights.md).
///
/// Lies beside the weight, is made at the first product that gains by it, made again when the weight has changed, and goes
/// with the weight. `-Dweft.pack=false` makes none: the weights of a model then stand in memory once.
final class Packing {
    /// Below so many rows the order of the weight is what a product costs.
    private static final long FEW_ROWS = 32;
    /// Weights of fewer numbers stay in a core's cache.
    private static final long SMALL = 1 << 16;
    private static final boolean WANTED = Boolean.parseBoolean(System.getProperty("weft.pack", "true"));
    /// Made once: every product has these arguments.
    private static final IValue NO_ACTIVATION = new IValue("none");
    private static final IValue NO_ALGORITHM = new IValue("");
    private static final IValue NO_SCALARS = AtenOps.noScalars();
    private static final Map<DType, Boolean> WORKS = new ConcurrentHashMap<>();

    private final org.bytedeco.pytorch.Tensor packed;
    /// How often the weight had been written to.
    private final long version;

    private Packing(org.bytedeco.pytorch.Tensor packed, long version) {
        this.packed = packed;
        this.version = version;
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
        Packing packing = weight.packing();
        if (packing == null || packing.version != weight.peer()._version()) {
            // In float32 only few rows gain more than the memory is worth.
            if (rows == 0 || dtype == DType.FLOAT32 && rows >= FEW_ROWS || !works(dtype)) {
                return null;
            }
            packing = weight.packed(() -> of(weight, turned));
        }
        return packing.times(x, bias);
    }

    private Tensor times(Tensor x, @Nullable Tensor bias) {
        return Tensor.produce("linear", () -> AtenOps.result(AtenOps.Op.LINEAR_POINTWISE, x, packed,
                bias == null ? AtenOps.None.NONE : bias, NO_ACTIVATION, NO_SCALARS, NO_ALGORITHM), x);
    }

    private static Packing of(Tensor weight, boolean turned) {
        try (var off = Gradients.off(); var rows = turned ? weight.peer().t() : null) {
            return new Packing(AtenOps.result(AtenOps.Op.REORDER_LINEAR_WEIGHT, rows == null ? weight.peer() : rows,
                    8L), weight.peer()._version());
        }
    }

    /// Tried once: a build without oneDNN or a chip without the instructions refuses.
    static boolean works(DType dtype) {
        return (dtype == DType.FLOAT32 || dtype == DType.BFLOAT16) && WORKS.computeIfAbsent(dtype, untried -> {
            try (var scope = TensorScope.open()) {
                Tensor ones = Tensor.full(1, dtype, 16, 16);
                Packing packing = of(ones, false);
                try (packing.packed) {
                    float[] sums = packing.times(ones, null).to(DType.FLOAT32).toFloats();
                    return Arrays.equals(sums, Tensor.full(16, DType.FLOAT32, 16, 16).toFloats());
                }
            } catch (RuntimeException refused) {
                return false;
            }
        });
    }

    /// What frees it: at once when the weight goes, or when nobody has it any more.
    Cleaner.Cleanable freedBy(Cleaner cleaner) {
        org.bytedeco.pytorch.Tensor native_ = packed;
        return cleaner.register(this, native_::close);
    }
}
