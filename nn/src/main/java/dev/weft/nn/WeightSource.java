package dev.weft.nn;

import dev.weft.tensor.Device;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.Set;

/// Where weights lie: a checkpoint, a seeded initialiser, a map in memory.
public interface WeightSource {
    /// The full names of the weights it has; empty if it makes whatever is asked for.
    Set<String> names();

    /// The weight of this name, outside every scope: the model that asks owns it.
    ///
    /// @param init what it holds if this source makes weights instead of reading them
    /// @throws IllegalArgumentException if it is missing or of another shape; the message names it, both shapes and the place
    Tensor read(String name, Init init, long... shape);

    /// Whether what it has under this name has this shape; true if it makes whatever is asked for.
    default boolean fits(String name, long... shape) {
        return true;
    }

    /// Names of those that it has and that are partly new: tables with rows added.
    default Set<String> grown() {
        return Set.of();
    }

    /// Where the weights that it hands out lie.
    default Device device() {
        return Device.CPU;
    }

    /// The same weights on this device: each goes there as it is read.
    default WeightSource on(Device device) {
        WeightSource here = this;
        return device.equals(device()) ? this : new WeightSource() {
            @Override
            public Set<String> names() {
                return here.names();
            }

            @Override
            public Tensor read(String name, Init init, long... shape) {
                return moved(here.read(name, init, shape), device);
            }

            @Override
            public boolean fits(String name, long... shape) {
                return here.fits(name, shape);
            }

            @Override
            public Set<String> grown() {
                return here.grown();
            }

            @Override
            public Device device() {
                return device;
            }
        };
    }

    private static Tensor moved(Tensor weight, Device device) {
        if (weight.device().equals(device)) {
            return weight;
        }
        try (weight; var off = Gradients.off()) {
            return TensorScope.tidy(() -> weight.to(device)).unscoped().requiresGrad(weight.requiresGrad());
        }
    }

    /// New weights, each a function of the seed and its own name, so that adding a weight leaves the others as they were.
    static WeightSource random(long seed) {
        return new WeightSource() {
            @Override
            public Set<String> names() {
                return Set.of();
            }

            @Override
            public Tensor read(String name, Init init, long... shape) {
                try (var random = Randomness.derived(seed, name.hashCode())) {
                    return init.make(random, shape).unscoped();
                }
            }
        };
    }
}
