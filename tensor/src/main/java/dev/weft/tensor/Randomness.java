package dev.weft.tensor;

import java.util.Arrays;
import org.bytedeco.pytorch.Generator;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.global.torch;

/// A seeded stream of random numbers: one each for initial weights, dropout and sampling, so that none disturbs another.
///
/// Numbers are drawn on the CPU (LibTorch's Mersenne Twister) and moved, so that a seed means the same on every device.
/// Close it when done.
public final class Randomness implements AutoCloseable {
    private final Generator generator;
    private final GeneratorOptional optional;

    private Randomness(long seed) {
        Engine.start();
        generator = torch.createCPUGenerator(seed);
        optional = new GeneratorOptional(generator);
    }

    /// A stream that depends on `seed` alone.
    public static Randomness seeded(long seed) {
        return new Randomness(seed);
    }

    /// A stream that depends on every one of `keys`, for instance on (seed, step, part of the step): a run that resumes
    /// at a step needs no replay and no stored state.
    public static Randomness derived(long... keys) {
        return new Randomness(mix(keys));
    }

    /// SplitMix64 (Steele, Lea & Flood 2014) over the keys in turn.
    public static long mix(long... keys) {
        long state = 0x9E3779B97F4A7C15L * keys.length;
        for (long key : keys) {
            state += key + 0x9E3779B97F4A7C15L;
            state = (state ^ (state >>> 30)) * 0xBF58476D1CE4E5B9L;
            state = (state ^ (state >>> 27)) * 0x94D049BB133111EBL;
            state ^= state >>> 31;
        }
        return state;
    }

    /// `[shape]` normal numbers in float32.
    public Tensor normal(double mean, double std, long... shape) {
        return Tensor.produce("normal " + Arrays.toString(shape),
                () -> torch.empty(shape).normal_(mean, std, optional));
    }

    /// `[shape]` numbers in `[low, high)`, float32.
    public Tensor uniform(double low, double high, long... shape) {
        return Tensor.produce("uniform " + Arrays.toString(shape),
                () -> torch.empty(shape).uniform_(low, high, optional));
    }

    /// `[shape]` bools, each true with probability `p` to the nearest 65,536th: one random number serves four of them.
    public Tensor chances(double p, long... shape) {
        long count = Arrays.stream(shape).reduce(1, Math::multiplyExact);
        long below = Math.min(Math.round(p * (1 << 16)) + Short.MIN_VALUE, Short.MAX_VALUE);
        try (var scope = TensorScope.open(); var open = new LongOptional()) {
            Tensor empty = Tensor.empty(DType.INT64, Math.ceilDiv(count, 4));
            Tensor bits = Tensor.produce("random " + Arrays.toString(shape),
                    () -> empty.peer().random_(Long.MIN_VALUE, open, optional));
            return scope.keep(bits.viewAs(DType.INT16).narrow(0, 0, count).view(shape).lt(below));
        }
    }

    /// Draws one index per row: `[batch, n]` probabilities to `[batch, 1]`.
    public Tensor multinomial(Tensor probabilities) {
        return Tensor.produce("multinomial", () -> torch.multinomial(probabilities.peer(), 1, false, optional),
                probabilities);
    }

    /// The whole state of the stream, `[bytes]` in uint8.
    public Tensor state() {
        return Tensor.produce("state", generator::get_state);
    }

    /// Goes on where [#state] was taken.
    public void restore(Tensor state) {
        generator.set_state(state.peer());
    }

    @Override
    public void close() {
        optional.close();
        generator.close();
    }
}
