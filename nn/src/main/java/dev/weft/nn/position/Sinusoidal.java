package dev.weft.nn.position;

import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import java.util.List;

/// Sines and cosines of geometric wavelengths: “Attention Is All You Need”, §3.5.
public final class Sinusoidal {
    private Sinusoidal() {}

    /// How the sines and cosines of a position lie in its vector.
    public enum Layout {
        /// sin, cos, sin, cos, …: the paper.
        INTERLEAVED,
        /// All sines, then all cosines: Marian, Whisper.
        HALVES
    }

    /// `[...]` positions to `[..., hidden]` in float32.
    ///
    /// @param steps pairs from the shortest wavelength, 2π, to the longest, 10,000 times that: hidden/2 in the paper, one
    ///              less in fairseq, whose longest wavelength is reached
    public static Tensor at(Tensor positions, int hidden, int steps) {
        var frequencies = new double[hidden / 2];
        for (int pair = 0; pair < frequencies.length; pair++) {
            frequencies[pair] = Math.pow(10_000, -(double) pair / steps);
        }
        Tensor angles = positions.to(DType.FLOAT64).unsqueeze(-1)
                .mul(Tensor.of(frequencies, frequencies.length).to(positions.device()));
        return Tensor.cat(List.of(angles.sin(), angles.cos()), -1).to(DType.FLOAT32);
    }

    /// `[positions, hidden]` in float32.
    public static Tensor table(int positions, int hidden, Layout layout) {
        if (hidden % 2 != 0) {
            throw new IllegalArgumentException("Sinusoidal positions need an even hidden size, found " + hidden);
        }
        var values = new float[positions * hidden];
        for (int position = 0; position < positions; position++) {
            for (int pair = 0; pair < hidden / 2; pair++) {
                double angle = position / Math.pow(10_000, 2.0 * pair / hidden);
                int sine = layout == Layout.INTERLEAVED ? 2 * pair : pair;
                int cosine = layout == Layout.INTERLEAVED ? 2 * pair + 1 : pair + hidden / 2;
                values[position * hidden + sine] = (float) Math.sin(angle);
                values[position * hidden + cosine] = (float) Math.cos(angle);
            }
        }
        return Tensor.of(values, positions, hidden);
    }
}
