package dev.weft.nn.attention;

import dev.weft.nn.ScoreMask;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Projection;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.QueryKeyValue;
import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import java.util.List;

/// Attention of linear cost between blocks of positions: each block sees its neighbours, the first and the last block, and
/// these two see everything. Zaheer et al. 2020 (Big Bird), §2, <https://arxiv.org/abs/2007.14062>.
///
/// In the paper a block sees some blocks chosen at random as well. The reference chooses in training only; at inference, and
/// here always, all of them are the first block, whose keys then weigh several times.
///
/// A trace sees `weights` of each block over its five, and `ends.weights` of the first and last block.
///
/// @param full      for texts too short for blocks, and for decoding with a cache
/// @param blockSize positions in a block; texts must be a multiple of it
/// @param random    how many random blocks each block sees
public record BlockSparseAttention(Heads heads, QueryKeyValue.Apart inputs, Projection output, Attention attention,
        SelfAttention full, int blockSize, int random) implements SelfAttention {

    /// Up to this length every position sees every other.
    public static int fullLength(int blockSize, int random) {
        return (5 + 2 * random) * blockSize;
    }

    @Override
    public Tensor forward(Tensor hidden, PreparedPattern prepared, ForwardPass pass) {
        long batch = hidden.size(0);
        long seq = hidden.size(1);
        if (pass.cache() != null || seq <= fullLength(blockSize, random)) {
            return full.forward(hidden, prepared, pass);
        }
        if (seq % blockSize != 0) {
            throw new IllegalArgumentException(
                    "Block-sparse attention needs texts that are a multiple of block_size (%d), found %d positions"
                            .formatted(blockSize, seq));
        }
        Tensor keep = Keep.of(pass, hidden);
        Tensor queries = blocks(inputs.queries().forward(hidden, pass.dropout()));
        Tensor keys = blocks(inputs.keys().forward(hidden, pass.dropout()));
        Tensor values = blocks(inputs.values().forward(hidden, pass.dropout()));
        Tensor ends = ends(queries, keys, values, keep, pass);
        Tensor middle = middle(queries, keys, values, keep, pass);
        Tensor gathered = Tensor.cat(
                List.of(ends.narrow(1, 0, blockSize), middle, ends.narrow(1, blockSize, blockSize)),
                1);
        return output.forward(gathered.reshape(batch, seq, heads.queryWidth())
                .mul(keep.to(hidden.dtype()).unsqueeze(-1)));
    }

    /// The first and the last block over all keys: `[batch, 2 · blockSize, heads, headDim]`.
    private Tensor ends(Tensor queries, Tensor keys, Tensor values, Tensor keep, ForwardPass pass) {
        Tensor both = Tensor.cat(List.of(queries.select(1, 0), queries.select(1, queries.size(1) - 1)), 1);
        ScoreMask mask = new ScoreMask(keep.unsqueeze(1).unsqueeze(1), null, false, false, true);
        return attention.attend(both.transpose(1, 2), keys.flatten(1, 2).transpose(1, 2),
                values.flatten(1, 2).transpose(1, 2), mask, pass.dropout(), pass.at("ends").trace()).transpose(1, 2);
    }

    /// The others, each over five blocks: `[batch, seq − 2 · blockSize, heads, headDim]`.
    private Tensor middle(Tensor queries, Tensor keys, Tensor values, Tensor keep, ForwardPass pass) {
        long batch = queries.size(0);
        long count = queries.size(1) - 2;
        // Blocks take the place of the batch: [batch · count, heads, blockSize or 5 · blockSize, headDim]
        Tensor gathered = attention.attend(queries.narrow(1, 1, count).flatten(0, 1).transpose(1, 2),
                five(keys).flatten(0, 1).transpose(1, 2), five(values).flatten(0, 1).transpose(1, 2),
                mask(keep, count), pass.dropout(), pass.trace());
        return gathered.transpose(1, 2).reshape(batch, count * blockSize, heads.heads(), heads.headDim());
    }

    /// What each block but the first and last sees, first block, left, own, right, last block: `[batch, blocks, blockSize, …]`
    /// to `[batch, blocks − 2, 5 · blockSize, …]`.
    private static Tensor five(Tensor blocks) {
        long count = blocks.size(1) - 2;
        long[] shape = blocks.shape();
        shape[1] = count;
        return Tensor.cat(List.of(blocks.narrow(1, 0, 1).expand(shape), blocks.narrow(1, 0, count),
                blocks.narrow(1, 1, count), blocks.narrow(1, 2, count),
                blocks.narrow(1, count + 1, 1).expand(shape)), 2);
    }

    private ScoreMask mask(Tensor keep, long count) {
        Tensor real = five(keep.view(keep.size(0), -1, blockSize));
        // The second block's left is the first block, which it sees anyway; so at the end.
        Tensor places = Tensor.arange(0, 5L * blockSize);
        Tensor left = places.ge(blockSize).and(places.lt(2 * blockSize));
        Tensor right = places.ge(3 * blockSize).and(places.lt(4 * blockSize));
        Tensor block = Tensor.arange(0, count).unsqueeze(1);
        Tensor twice = left.and(block.eq(0)).or(right.and(block.eq(count - 1))).to(keep.device());
        Tensor weight = places.lt(blockSize).to(DType.FLOAT32).mul(Math.log(1 + random)).to(keep.device());
        return new ScoreMask(real.and(twice.not()).view(-1, 1, 1, 5L * blockSize), weight.view(1, 1, 1, -1), false,
                false, true);
    }

    /// `[batch, seq, width]` to `[batch, blocks, blockSize, heads, headDim]`.
    private Tensor blocks(Tensor projected) {
        return projected.view(projected.size(0), -1, blockSize, heads.heads(), heads.headDim());
    }
}
