package dev.weft.nn.position;

import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// A penalty that grows with distance, at another slope in each head. Press et al. 2021,
/// <https://arxiv.org/abs/2108.12409>.
///
/// The bias here grows with the key's place instead of shrinking with its distance from the query: the difference is the
/// same for all keys of a query, so the softmax does not see it.
///
/// @param heads   how many
/// @param rounded to this type on the way, where the reference does so
/// @param scale   multiplies the bias, where the reference scales scores and bias together
public record Alibi(int heads, DType rounded, double scale) implements ScoreBias {
    @Override
    public Tensor of(long querySeq, long keySeq, @Nullable Tensor keep, Device device) {
        Tensor slopes = Tensor.of(slopes(heads), 1, heads, 1, 1).to(device).to(rounded);
        Tensor places = keep == null
                ? Tensor.arange(0, keySeq).view(1, keySeq).to(device)
                : keep.ne(0).to(DType.INT64).cumsum(-1).sub(1).mul(keep.ne(0).to(DType.INT64));
        return slopes.mul(places.unsqueeze(1).unsqueeze(1).to(rounded)).to(DType.FLOAT32).mul(scale);
    }

    /// A geometric row from 2^(−8/n) on for n heads, a power of two; for other numbers the row of the next smaller power
    /// and every second of the next larger.
    static float[] slopes(int heads) {
        int power = Integer.highestOneBit(heads);
        var slopes = new float[heads];
        for (int head = 0; head < heads; head++) {
            double exponent = head < power
                    ? -8.0 / power * (head + 1)
                    : -4.0 / power * (2 * (head - power) + 1);
            slopes[head] = (float) Math.pow(2, exponent);
        }
        return slopes;
    }
}
