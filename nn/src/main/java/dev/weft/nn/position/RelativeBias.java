package dev.weft.nn.position;

import dev.weft.nn.Embedding;
import dev.weft.tensor.Device;
import dev.weft.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// A learned number per head for each bucket of distances. Raffel et al. 2019 (T5), §2.1,
/// <https://arxiv.org/abs/1910.10683>.
///
/// @param table         `[buckets, heads]`
/// @param maxDistance   from here on all distances share the last bucket
/// @param bidirectional whether keys after the query have buckets of their own; a decoder's do not
public record RelativeBias(Embedding table, int buckets, int maxDistance, boolean bidirectional)
        implements
            ScoreBias {
    @Override
    public Tensor of(long querySeq, long keySeq, @Nullable Tensor keep, Device device) {
        var ids = new int[(int) (querySeq * keySeq)];
        for (int query = 0; query < querySeq; query++) {
            for (int key = 0; key < keySeq; key++) {
                ids[(int) (query * keySeq + key)] = bucket(key - (int) (keySeq - querySeq + query));
            }
        }
        // [querySeq, keySeq, heads] → [1, heads, querySeq, keySeq]
        return table.forward(Tensor.of(ids, querySeq, keySeq).to(device)).permute(2, 0, 1).unsqueeze(0);
    }

    /// Half of the buckets for single distances, the other half for ranges that grow geometrically.
    ///
    /// @param distance of the key from the query; negative before it
    int bucket(int distance) {
        int count = bidirectional ? buckets / 2 : buckets;
        int side = bidirectional && distance > 0 ? count : 0;
        int away = bidirectional ? Math.abs(distance) : Math.max(-distance, 0);
        int exact = count / 2;
        if (away < exact) {
            return side + away;
        }
        // In float32, as the reference has it: on the border of two buckets the rounding decides.
        float steps = (float) Math.log((float) away / exact) / (float) Math.log((double) maxDistance / exact)
                * (count - exact);
        return side + Math.min(exact + (int) steps, count - 1);
    }
}
