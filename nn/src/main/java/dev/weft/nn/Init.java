package dev.weft.nn;

import dev.weft.tensor.DType;
import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;

/// What a weight holds before training.
@FunctionalInterface
public interface Init {
    /// A new float32 tensor of this shape.
    Tensor make(Randomness random, long... shape);

    /// All 0.
    static Init zeros() {
        return (random, shape) -> Tensor.zeros(DType.FLOAT32, shape);
    }

    /// All 1.
    static Init ones() {
        return (random, shape) -> Tensor.full(1, DType.FLOAT32, shape);
    }

    /// Normal around 0.
    static Init normal(double std) {
        return (random, shape) -> random.normal(0, std, shape);
    }

    /// Uniform, as wide as keeps the size of what passes through a matrix, forwards and backwards: the bound is
    /// √(6 / (in + out)). Glorot & Bengio 2010, “Understanding the difficulty of training deep feedforward neural
    /// networks”, eq. 16.
    static Init xavier() {
        return (random, shape) -> {
            double bound = Math.sqrt(6.0 / (shape[0] + shape[1]));
            return random.uniform(-bound, bound, shape);
        };
    }

    /// Uniform in `[-bound, bound)`.
    static Init uniform(double bound) {
        return (random, shape) -> random.uniform(-bound, bound, shape);
    }
}
