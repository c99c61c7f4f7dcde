package dev.weft.nn.position;

import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import java.util.List;
import java.util.stream.LongStream;

/// Rotary position embedding: each pair of channels is turned by an angle that grows with the position.
/// Su et al. 2021 (RoFormer), §3.2, <https://arxiv.org/abs/2104.09864>.
///
/// @param dims    how many channels of a head are turned; those beyond stay as they are
/// @param theta   the base of the frequencies
/// @param pairing which channels form a pair
/// @param scaling how frequencies are stretched beyond the context a model was trained on
public record Rotary(int dims, double theta, Pairing pairing, RopeScaling scaling) {
    /// Which channels form a pair.
    public enum Pairing {
        /// 0 with 1, 2 with 3, …: the paper, GPT-J.
        NEIGHBOURS,
        /// i with i + dims/2: GPT-NeoX, Llama.
        HALVES
    }

    /// θ^(−2i/dims), not stretched.
    public static Rotary plain(int dims, double theta, Pairing pairing) {
        return new Rotary(dims, theta, pairing, new RopeScaling.None());
    }

    /// The same where rows are texts on their own: what depends on the length goes by each row's.
    public Angles anglesOfRows(Tensor positions) {
        if (!scaling.dependsOnLength() || positions.size(0) == 1) {
            return angles(positions);
        }
        List<Angles> rows = LongStream.range(0, positions.size(0))
                .mapToObj(row -> angles(positions.narrow(0, row, 1))).toList();
        return new Angles(Tensor.cat(rows.stream().map(Angles::cos).toList(), 0),
                Tensor.cat(rows.stream().map(Angles::sin).toList(), 0), pairing);
    }

    /// The angles of `positions [batch, seq]` (or `[1, seq]`), made once per call for all layers.
    public Angles angles(Tensor positions) {
        long length = scaling.dependsOnLength() ? positions.max().itemLong() + 1 : 0;
        double[] frequencies = scaling.inverseFrequencies(dims, theta, length);
        double amplitude = scaling.amplitude();
        // Angles in float64: positions in the hundred thousands lose their fraction in float32.
        Tensor angles = positions.to(DType.FLOAT64).unsqueeze(-1)
                .mul(Tensor.of(frequencies, frequencies.length).to(positions.device()));
        // [batch, seq, pairs] → [batch, 1, seq, pairs]
        return new Angles(angles.cos().mul(amplitude).to(DType.FLOAT32).unsqueeze(1),
                angles.sin().mul(amplitude).to(DType.FLOAT32).unsqueeze(1), pairing);
    }

    /// Cosines and sines, broadcast to `[batch, heads, seq, pairs]`.
    public record Angles(Tensor cos, Tensor sin, Pairing pairing) {
        /// `[batch, heads, seq, headDim]`, turned; channels beyond `2 · pairs` stay as they are.
        public Tensor turn(Tensor x) {
            long pairs = cos.size(-1);
            long headDim = x.size(-1);
            Tensor c = cos.to(x.dtype());
            Tensor s = sin.to(x.dtype());
            if (2 * pairs < headDim) {
                return Tensor.cat(List.of(turned(x.narrow(-1, 0, 2 * pairs), c, s),
                        x.narrow(-1, 2 * pairs, headDim - 2 * pairs)), -1);
            }
            return turned(x, c, s);
        }

        private Tensor turned(Tensor x, Tensor c, Tensor s) {
            long pairs = c.size(-1);
            return switch (pairing) {
                case HALVES -> {
                    Tensor first = x.narrow(-1, 0, pairs);
                    Tensor second = x.narrow(-1, pairs, pairs);
                    yield Tensor.cat(List.of(first.mul(c).sub(second.mul(s)), second.mul(c).add(first.mul(s))), -1);
                }
                case NEIGHBOURS -> {
                    long[] shape = x.shape();
                    Tensor pair = x.reshape(shape[0], shape[1], shape[2], pairs, 2);
                    Tensor first = pair.select(-1, 0);
                    Tensor second = pair.select(-1, 1);
                    yield Tensor
                            .stack(List.of(first.mul(c).sub(second.mul(s)), second.mul(c).add(first.mul(s))), -1)
                            .reshape(shape);
                }
            };
        }
    }
}
