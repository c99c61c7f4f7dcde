package dev.weft.nn.attention;

import dev.weft.nn.ScoreMask;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Norm;
import dev.weft.nn.Projection;
import dev.weft.nn.attention.GroupedQueryAttention.QueryKeyValue;
import dev.weft.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// Attention with vectors of their own for distances: content looks at content, content at distance and distance at
/// content. He et al. 2020 (DeBERTa), §3.1, <https://arxiv.org/abs/2006.03654>.
///
/// @param attention its scale is 1/√(headDim · number of the three that are there)
/// @param distances null: content alone
public record DisentangledAttention(int heads, QueryKeyValue.Apart inputs, Projection output, Attention attention,
        @Nullable Distances distances) implements SelfAttention {

    /// What is known of distances.
    ///
    /// @param table   a vector for each of 2 · span buckets, `[2 · span, hidden]`
    /// @param norm    on these
    /// @param keys    projects them to what queries look for (`c2p`), or null
    /// @param queries projects them to what looks for keys (`p2c`), or null
    /// @param dropout share of the table dropped in training
    public record Distances(Tensor table, Norm norm, @Nullable Projection keys, @Nullable Projection queries,
            Buckets buckets, double dropout) {}

    /// How distances share vectors: one by one near the middle, further away in ranges that grow geometrically.
    ///
    /// @param count       buckets on each side; below 1: one for each distance
    /// @param maxDistance the distance of the last bucket
    public record Buckets(int count, int maxDistance) {
        /// How many buckets lie on each side.
        public int span() {
            return count > 0 ? count : maxDistance;
        }

        /// Row of the table for query − key.
        int row(int distance) {
            return Math.clamp(span() + (long) bucket(distance), 0, 2 * span() - 1);
        }

        int bucket(int distance) {
            int middle = count / 2;
            int away = Math.abs(distance);
            if (count < 1 || away <= middle) {
                return distance;
            }
            // In float32, as the reference has it: on the border of two buckets the rounding decides.
            float steps = (float) Math.log((float) away / middle)
                    / (float) Math.log((float) ((maxDistance - 1) / (double) middle)) * (middle - 1);
            return Integer.signum(distance) * (middle + (int) Math.ceil(steps));
        }

        /// `[seq, seq]`: the row for each query and key.
        Tensor rows(int seq) {
            var byDistance = new int[2 * seq - 1];
            for (int i = 0; i < byDistance.length; i++) {
                byDistance[i] = row(i - seq + 1);
            }
            Tensor places = Tensor.arange(0, seq);
            Tensor distances = places.unsqueeze(1).sub(places).add(seq - 1);
            return Tensor.of(byDistance, byDistance.length).indexSelect(0, distances.flatten(0, 1)).view(seq, seq);
        }
    }

    @Override
    public Tensor forward(Tensor hidden, PreparedPattern prepared, ForwardPass pass) {
        Tensor keep = pass.mask().keep();
        // Padding sees nobody, and the reference writes over its scores: through them it teaches nothing.
        Tensor real = keep == null ? null : keep.ne(0).to(hidden.dtype()).unsqueeze(1).unsqueeze(-1);
        Tensor queries = pass.trace().tap("q",
                only(real, apart(inputs.queries().forward(hidden, pass.dropout()))));
        Tensor keys = pass.trace().tap("k", apart(inputs.keys().forward(hidden, pass.dropout())));
        Tensor values = pass.trace().tap("v", apart(inputs.values().forward(hidden, pass.dropout())));
        Tensor bias = distances == null ? null : bias(distances, queries, keys, pass);
        ScoreMask mask = bias == null ? prepared.mask() : prepared.mask().with(only(real, bias));
        Tensor gathered = attention.attend(queries, keys, values, mask, pass.dropout(), pass.trace());
        return HeadResults.joined(gathered, output, pass);
    }

    /// `[batch, heads, querySeq, keySeq]`: what distances add to the scores.
    private @Nullable Tensor bias(Distances distances, Tensor queries, Tensor keys, ForwardPass pass) {
        Tensor rows = distances.buckets().rows((int) queries.size(2)).to(queries.device());
        Tensor table = pass.dropout().apply(distances.norm().forward(distances.table()), distances.dropout())
                .unsqueeze(0);
        Tensor bias = null;
        if (distances.keys() != null) {
            bias = scores(queries, apart(distances.keys().forward(table)), rows);
        }
        if (distances.queries() != null) {
            Tensor sought = scores(keys, apart(distances.queries().forward(table)), rows.transpose(0, 1))
                    .transpose(-2, -1);
            bias = bias == null ? sought : bias.add(sought);
        }
        return bias;
    }

    /// Each vector of `content [batch, heads, seq, headDim]` with the rows of `table [1, heads, buckets, headDim]` that
    /// `[seq, seq]` says.
    private Tensor scores(Tensor content, Tensor table, Tensor rows) {
        Tensor all = content.mul(attention.scale()).matmul(table.transpose(-2, -1));
        return all.gather(-1, rows.expand(all.size(0), all.size(1), rows.size(0), rows.size(1)));
    }

    private static Tensor only(@Nullable Tensor real, Tensor x) {
        return real == null ? x : x.mul(real.to(x.dtype()));
    }

    private Tensor apart(Tensor projected) {
        return projected.view(projected.size(0), projected.size(1), heads, -1).transpose(1, 2);
    }
}
