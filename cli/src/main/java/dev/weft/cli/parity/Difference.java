package dev.weft.cli.parity;

import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// How far two tensors are apart: the largest |found − expected| / max(1, |expected|); whole numbers must be equal.
final class Difference {
    static final double TOLERANCE = 1e-4;

    private Difference() {}

    /// @param where compare only where this is not 0; its axes lie along the axes `whereDims`
    /// @throws Mismatch if shapes differ or the distance is above the tolerance
    static double within(Tensor found, Tensor expected, @Nullable Tensor where, long[] whereDims, double tolerance) {
        if (!Arrays.equals(found.shape(), expected.shape())) {
            throw new Mismatch(
                    "has shape " + Arrays.toString(found.shape()) + ", expected " + Arrays.toString(expected.shape()));
        }
        try (var scope = TensorScope.open()) {
            Tensor difference = found.detach().to(Device.CPU).to(DType.FLOAT64).sub(expected.to(DType.FLOAT64)).abs();
            if (where != null) {
                long[] shape = new long[found.dim()];
                Arrays.fill(shape, 1);
                for (int axis = 0; axis < whereDims.length; axis++) {
                    shape[(int) whereDims[axis]] = where.size(axis);
                }
                difference = difference.maskedFill(where.eq(0).view(shape), 0);
            }
            if (difference.count() == 0) {
                return 0;
            }
            if (!expected.dtype().isFloating()) {
                double largest = difference.max().item();
                if (largest != 0) {
                    throw new Mismatch(
                            "differs in %.0f of %d places".formatted(difference.ne(0).to(DType.FLOAT64).sum().item(),
                                    difference.count()));
                }
                return 0;
            }
            Tensor one = Tensor.full(1, DType.FLOAT64);
            double largest = difference.div(expected.to(DType.FLOAT64).abs().maximum(one)).max().item();
            // Written so that NaN fails too.
            if (!(largest <= tolerance)) {
                throw new Mismatch("is off by %.2e, allowed %.0e".formatted(largest, tolerance));
            }
            return largest;
        }
    }

    /// What was computed is not what the reference computed.
    static final class Mismatch extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Mismatch(String message) {
            super(message);
        }
    }
}
