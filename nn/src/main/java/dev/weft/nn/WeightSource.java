package dev.weft.nn;

import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
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
