package dev.weft.adapt;

import dev.weft.nn.Projection;
import dev.weft.tensor.Tensor;

/// [LowRank] detours of several adapters at once, one for each row of a batch: `frozen(x) + x · downs · ups`.
///
/// @param downs `[rows, in, rank]`, of the largest rank, others filled up with zeros
/// @param ups   `[rows, rank, out]`, with the scales in them; zero for rows of the base alone
record LowRankRows(Projection frozen, Tensor downs, Tensor ups) implements Projection {
    /// A batch may have several rows for each of ours, those of the first before those of the second: beams.
    @Override
    public Tensor forward(Tensor x) {
        long rows = downs.size(0);
        if (x.size(0) % rows != 0) {
            throw new IllegalArgumentException(
                    "The batch has %d rows and this model an adapter for each of %d".formatted(x.size(0), rows));
        }
        Tensor plain = frozen.forward(x);
        Tensor detour = x.reshape(rows, -1, x.size(-1)).to(downs.dtype()).matmul(downs).matmul(ups);
        return plain.add(detour.to(plain.dtype()).reshape(plain.shape()));
    }
}
