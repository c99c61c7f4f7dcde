package dev.weft.nn.position;

import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import java.util.List;

/// Rotary position embedding: each pair of channels is turned by an angle that grows with the position.
/// Su et al. 2021 (RoFormer), §3.2, <https://arxiv.org/abs/2104.09864>.
///
/// @param inverseFrequencies one per pair of channels that are turned; channels beyond them stay as they are
/// @param pairing            which channels form a pair
/// @param amplitude          what cosines and sines are multiplied by; 1 but for stretched contexts
public record Rotary(List<Double> inverseFrequencies, Pairing pairing, double amplitude) {
    /// Which channels form a pair.
    public enum Pairing {
        /// 0 with 1, 2 with 3, …: the paper, GPT-J.
        NEIGHBOURS,
        /// i with i + dims/2: GPT-NeoX, Llama.
        HALVES
    }

    /// θ^(−2i/dims) for the first `dims` channels of a head.
    public static Rotary plain(int dims, double theta, Pairing pairing) {
        var frequencies = new java.util.ArrayList<Double>();
        for (int pair = 0; pair < dims / 2; pair++) {
            frequencies.add(Math.pow(theta, -2.0 * pair / dims));
        }
        return new Rotary(List.copyOf(frequencies), pairing, 1);
    }

    /// Queries or keys `[batch, heads, seq, headDim]` at `positions [batch, seq]` (or `[1, seq]`), turned.
    public Tensor rotate(Tensor x, Tensor positions) {
        double[] frequencies = inverseFrequencies.stream().mapToDouble(Double::doubleValue).toArray();
        // Angles in float64: positions in the hundred thousands lose their fraction in float32.
        Tensor angles = positions.to(DType.FLOAT64).unsqueeze(-1)
                .mul(Tensor.of(frequencies, frequencies.length).to(x.device()));
        // [batch, seq, pairs] → [batch, 1, seq, pairs]
        Tensor cos = angles.cos().mul(amplitude).to(x.dtype()).unsqueeze(1);
        Tensor sin = angles.sin().mul(amplitude).to(x.dtype()).unsqueeze(1);
        return rotate(x, cos, sin);
    }

    /// Turned by angles that are given: cosines and sines broadcast to `[batch, heads, seq, pairs]`.
    public Tensor rotate(Tensor x, Tensor cos, Tensor sin) {
        long pairs = inverseFrequencies.size();
        long headDim = x.size(-1);
        Tensor turned = 2 * pairs == headDim ? x : x.narrow(-1, 0, 2 * pairs);
        Tensor result = switch (pairing) {
            case HALVES -> {
                Tensor first = turned.narrow(-1, 0, pairs);
                Tensor second = turned.narrow(-1, pairs, pairs);
                yield Tensor.cat(List.of(first.mul(cos).sub(second.mul(sin)), second.mul(cos).add(first.mul(sin))), -1);
            }
            case NEIGHBOURS -> {
                long[] shape = turned.shape();
                long[] paired = java.util.Arrays.copyOf(shape, shape.length + 1);
                paired[shape.length - 1] = pairs;
                paired[shape.length] = 2;
                Tensor pair = turned.reshape(paired);
                Tensor first = pair.select(-1, 0);
                Tensor second = pair.select(-1, 1);
                yield Tensor
                        .stack(List.of(first.mul(cos).sub(second.mul(sin)), second.mul(cos).add(first.mul(sin))), -1)
                        .reshape(shape);
            }
        };
        return 2 * pairs == headDim
                ? result
                : Tensor.cat(List.of(result, x.narrow(-1, 2 * pairs, headDim - 2 * pairs)), -1);
    }
}
