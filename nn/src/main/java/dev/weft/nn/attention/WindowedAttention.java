package dev.weft.nn.attention;

import dev.weft.nn.ScoreMask;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Projection;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.QueryKeyValue;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Attention of linear cost: each position sees `reach` positions to each side and the global ones, and these see
/// everything through projections of their own. Beltagy et al. 2020 (Longformer), §3, <https://arxiv.org/abs/2004.05150>.
///
/// Positions are cut into chunks of `reach`, and each chunk looks at three: its own and its neighbours. Which tokens are
/// global says [ForwardPass#globals]. Padding gathers nothing.
///
/// A trace sees `weights` of each chunk over its three chunks and the global keys, and `global.weights` of the global
/// queries.
///
/// @param global projections of global queries, and of what these look at
/// @param reach  half of the window, without the position itself
public record WindowedAttention(Heads heads, QueryKeyValue.Apart inputs, QueryKeyValue.Apart global,
        Projection output,
        Attention attention, int reach) implements SelfAttention {

    /// Where the global tokens are.
    ///
    /// @param places `[batch, count]` of int64; beyond a text's last one 0
    /// @param real   bool, `[batch, count]`: false beyond a text's last one
    private record Globals(Tensor places, Tensor real) {
        /// Null where there are none.
        static @Nullable Globals of(@Nullable Tensor chosen, Tensor keep) {
            if (chosen == null) {
                return null;
            }
            int batch = (int) keep.size(0);
            int seq = (int) keep.size(1);
            boolean[] global = chosen.ne(0).and(keep).toBooleans();
            var rows = new ArrayList<List<Integer>>();
            int count = 0;
            for (int row = 0; row < batch; row++) {
                var found = new ArrayList<Integer>();
                for (int place = 0; place < seq; place++) {
                    if (global[row * seq + place]) {
                        found.add(place);
                    }
                }
                rows.add(found);
                count = Math.max(count, found.size());
            }
            if (count == 0) {
                return null;
            }
            var places = new long[batch * count];
            var real = new boolean[batch * count];
            for (int row = 0; row < batch; row++) {
                for (int i = 0; i < rows.get(row).size(); i++) {
                    places[row * count + i] = rows.get(row).get(i);
                    real[row * count + i] = true;
                }
            }
            Device device = keep.device();
            return new Globals(Tensor.of(places, batch, count).to(device), Tensor.of(real, batch, count).to(device));
        }

        /// `[batch, seq, width]` to `[batch, count, width]`.
        Tensor pick(Tensor x) {
            return x.gather(1, wide(places, x.size(2)));
        }

        /// `x [batch, seq, width]` with `rows [batch, count, width]` at the global places.
        Tensor put(Tensor x, Tensor rows) {
            long seq = x.size(1);
            // What is beyond a text's last global token goes to a row that is cut off.
            Tensor spare = Tensor.zeros(x.dtype(), x.size(0), 1, x.size(2)).to(x.device());
            Tensor into = Tensor.where(real, places, places.zerosLike().add(seq));
            return Tensor.cat(List.of(x, spare), 1).scatter(1, wide(into, x.size(2)), rows).narrow(1, 0, seq);
        }

        private static Tensor wide(Tensor index, long width) {
            return index.unsqueeze(-1).expand(index.size(0), index.size(1), width);
        }
    }

    @Override
    public Tensor forward(Tensor hidden, PreparedPattern prepared, ForwardPass pass) {
        Tensor keep = Keep.of(pass, hidden);
        Globals globals = Globals.of(pass.globals(), keep);
        Tensor gathered = nearby(hidden, keep, globals, pass).mul(keep.to(hidden.dtype()).unsqueeze(-1));
        return output
                .forward(globals == null ? gathered : globals.put(gathered, everywhere(hidden, keep, globals, pass)));
    }

    /// What all positions gather around them and from the global ones: `[batch, seq, width]`.
    private Tensor nearby(Tensor hidden, Tensor keep, @Nullable Globals globals, ForwardPass pass) {
        long batch = hidden.size(0);
        long seq = hidden.size(1);
        long chunks = (seq + reach - 1) / reach;
        Tensor queries = inputs.queries().forward(hidden, pass.dropout());
        Tensor keys = inputs.keys().forward(hidden, pass.dropout());
        Tensor values = inputs.values().forward(hidden, pass.dropout());
        // A global key is seen as such; in the window it would count twice.
        Tensor local = globals == null ? keep : keep.and(pass.globals().eq(0));
        Tensor seen = three(local.to(DType.FLOAT32).unsqueeze(-1), chunks).squeeze(-1).ne(0).unsqueeze(1).unsqueeze(1)
                .and(window(hidden.device()));
        Tensor allKeys = three(keys, chunks);
        Tensor allValues = three(values, chunks);
        if (globals != null) {
            allKeys = Tensor.cat(List.of(allKeys, each(globals.pick(keys), chunks)), 1);
            allValues = Tensor.cat(List.of(allValues, each(globals.pick(values), chunks)), 1);
            Tensor real = each(globals.real().unsqueeze(-1), chunks).squeeze(-1).unsqueeze(1).unsqueeze(1);
            seen = Tensor.cat(List.of(seen, real.expand(real.size(0), 1, reach, real.size(3))), 3);
        }
        // Chunks take the place of the batch: [batch · chunks, heads, reach, headDim]
        Tensor chunked = beyond(queries, 0, chunks * reach - seq).view(batch * chunks, reach, -1);
        Tensor gathered = attention.attend(apart(chunked), apart(allKeys), apart(allValues),
                new ScoreMask(seen, null, false, false, true), pass.dropout(), pass.trace());
        return gathered.transpose(1, 2).reshape(batch, chunks * reach, -1).narrow(1, 0, seq);
    }

    /// What the global positions gather from all: `[batch, count, width]`.
    private Tensor everywhere(Tensor hidden, Tensor keep, Globals globals, ForwardPass pass) {
        Tensor gathered = attention.attend(apart(global.queries().forward(globals.pick(hidden), pass.dropout())),
                apart(global.keys().forward(hidden, pass.dropout())),
                apart(global.values().forward(hidden, pass.dropout())),
                new ScoreMask(keep.unsqueeze(1).unsqueeze(1), null, false, false, true), pass.dropout(),
                pass.at("global").trace());
        return gathered.transpose(1, 2).flatten(2, 3);
    }

    /// Each chunk with its neighbours, zeros beyond the ends: `[batch, seq, width]` to
    /// `[batch · chunks, 3 · reach, width]`.
    private Tensor three(Tensor x, long chunks) {
        Tensor padded = beyond(x, reach, (chunks + 1) * reach - x.size(1)).view(x.size(0), chunks + 2, reach, -1);
        return Tensor.cat(List.of(padded.narrow(1, 0, chunks), padded.narrow(1, 1, chunks),
                padded.narrow(1, 2, chunks)), 2).flatten(0, 1);
    }

    /// The same for each chunk: `[batch, count, width]` to `[batch · chunks, count, width]`.
    private static Tensor each(Tensor x, long chunks) {
        return x.unsqueeze(1).expand(x.size(0), chunks, x.size(1), x.size(2)).flatten(0, 1);
    }

    private static Tensor beyond(Tensor x, long before, long after) {
        Tensor start = Tensor.zeros(x.dtype(), x.size(0), before, x.size(2)).to(x.device());
        Tensor end = Tensor.zeros(x.dtype(), x.size(0), after, x.size(2)).to(x.device());
        return Tensor.cat(List.of(start, x, end), 1);
    }

    /// Which of three chunks' keys lie within reach: bool, `[reach, 3 · reach]`.
    private Tensor window(Device device) {
        Tensor away = Tensor.arange(reach, 2L * reach).unsqueeze(1).sub(Tensor.arange(0, 3L * reach));
        return away.abs().lt(reach + 1).to(device);
    }

    private Tensor apart(Tensor projected) {
        return projected.view(projected.size(0), projected.size(1), heads.heads(), heads.headDim()).transpose(1, 2);
    }
}
