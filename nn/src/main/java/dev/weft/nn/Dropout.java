package dev.weft.nn;

import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;

/// Zeroes a share of the activations in training and scales the others up. Srivastava et al. 2014.
///
/// Whether it is on belongs to the call, not to the layer. Each application draws from a stream that is a function of the
/// key and of how many came before, so that a step can be repeated, in a resumed run or when activations are computed
/// again, without storing a generator's state.
public sealed interface Dropout {
    Dropout OFF = new Off();

    /// `x` with each element zeroed with probability `p` and the others divided by 1 − p.
    Tensor apply(Tensor x, double p);

    /// How many applications came before.
    long position();

    /// Goes back to a place, to repeat what was drawn there.
    void rewind(long position);

    /// On, for one step: keys are for instance (seed, step, part of the step).
    static Dropout on(long... keys) {
        return new On(Randomness.mix(keys));
    }

    /// Leaves everything as it is: evaluation and generation.
    record Off() implements Dropout {
        @Override
        public Tensor apply(Tensor x, double p) {
            return x;
        }

        @Override
        public long position() {
            return 0;
        }

        @Override
        public void rewind(long position) {
            // Nothing was drawn.
        }
    }

    /// In training: each call draws anew from a stream that a step begins, so that a step can be repeated.
    final class On implements Dropout {
        private final long key;
        private long position;

        private On(long key) {
            this.key = key;
        }

        @Override
        public Tensor apply(Tensor x, double p) {
            if (p == 0) {
                return x;
            }
            try (var random = Randomness.derived(key, position++)) {
                Tensor kept = random.chances(1 - p, x.shape()).to(x.device()).to(x.dtype());
                return x.mul(kept.mulInPlace(p < 1 ? 1 / (1 - p) : 0));
            }
        }

        @Override
        public long position() {
            return position;
        }

        @Override
        public void rewind(long to) {
            position = to;
        }
    }
}
