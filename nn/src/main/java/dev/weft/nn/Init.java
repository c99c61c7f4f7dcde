package dev.weft.nn;

import dev.weft.tensor.DType;
import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;

/// What a weight holds before training.
@FunctionalInterface
public interface Init {
    /// A new float32 tensor of this shape.
    Tensor make(Randomness random, long... shape);

    static Init zeros() {
        return (random, shape) -> Tensor.zeros(DType.FLOAT32, shape);
    }

    static Init ones() {
        return (random, shape) -> Tensor.full(1, DType.FLOAT32, shape);
    }

    /// Normal around 0.
    static Init normal(double std) {
        return (random, shape) -> random.normal(0, std, shape);
    }

    /// Uniform in `[-bound, bound)`.
    static Init uniform(double bound) {
        return (random, shape) -> random.uniform(-bound, bound, shape);
    }
}
