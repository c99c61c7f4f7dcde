package dev.weft.nn.position;

import dev.weft.tensor.Tensor;

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
