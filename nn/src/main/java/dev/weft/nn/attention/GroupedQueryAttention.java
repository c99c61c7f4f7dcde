package dev.weft.nn.attention;

import dev.weft.nn.ForwardPass;
import dev.weft.nn.KvCache;
import dev.weft.nn.Projection;
import dev.weft.nn.position.Rotary;
import dev.weft.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// Projections into heads, attention in each, and the projection back.
///
/// Grouped-query attention (Ainslie et al. 2023, <https://arxiv.org/abs/2305.13245>): as many key heads as query heads is
/// multi-head attention (“Attention Is All You Need”, §3.2.2), one key head is multi-query attention (Shazeer 2019).
public final class GroupedQueryAttention {
    /// How checkpoints store the three projections.
    public sealed interface Inputs {
        /// Three projections.
        record Apart(Projection queries, Projection keys, Projection values) implements Inputs {}

        /// One projection to queries, keys and values one after the other, all with as many heads: GPT-2's `c_attn`.
        record Packed(Projection all) implements Inputs {}
    }

    /// Sizes.
    ///
    /// @param layer which entry of the cache is ours
    public record Heads(int layer, int heads, int kvHeads, int headDim) {
        public Heads {
            if (kvHeads < 1 || heads % kvHeads != 0) {
                throw new IllegalArgumentException(
                        "num_attention_heads (%d) must be a multiple of num_key_value_heads (%d)"
                                .formatted(heads, kvHeads));
            }
        }
    }

    private final Heads heads;
    private final Inputs inputs;
    private final Projection output;
    private final Attention attention;
    private final @Nullable Rotary rotary;

    public GroupedQueryAttention(Heads heads, Inputs inputs, Projection output, Attention attention,
            @Nullable Rotary rotary) {
        this.heads = heads;
        this.inputs = inputs;
        this.output = output;
        this.attention = attention;
        this.rotary = rotary;
    }

    /// `[batch, seq, hidden]` to the same shape. New keys and values go to the cache, if there is one.
    ///
    /// @param positions `[batch, seq]`, for rotary embeddings
    public Tensor forward(Tensor hidden, Tensor positions, ScoreMask mask, ForwardPass pass) {
        long batch = hidden.size(0);
        long seq = hidden.size(1);
        Tensor gathered;
        if (inputs instanceof Inputs.Packed(Projection all) && pass.cache() == null && rotary == null) {
            Tensor packed = all.forward(hidden).view(batch, seq, 3, heads.heads(), heads.headDim());
            gathered = attention.attendPacked(packed, mask, pass.dropout(), pass.trace());
        } else {
            Tensor[] qkv = project(hidden, batch, seq);
            if (rotary != null) {
                qkv[0] = rotary.rotate(qkv[0], positions);
                qkv[1] = rotary.rotate(qkv[1], positions);
            }
            if (pass.cache() != null) {
                KvCache.Entry known = pass.cache().append(heads.layer(), qkv[1], qkv[2]);
                qkv[1] = known.keys();
                qkv[2] = known.values();
            }
            gathered = attention.attend(qkv[0], qkv[1], qkv[2], mask, pass.dropout(), pass.trace());
        }
        // [batch, heads, seq, headDim] → [batch, seq, hidden]
        return output.forward(gathered.transpose(1, 2).reshape(batch, seq, (long) heads.heads() * heads.headDim()));
    }

    /// Queries, keys and values, `[batch, heads, seq, headDim]` each.
    private Tensor[] project(Tensor hidden, long batch, long seq) {
        return switch (inputs) {
            case Inputs.Packed(Projection all) ->
                RecomputedAttention.unpacked(all.forward(hidden).view(batch, seq, 3, heads.heads(), heads.headDim()));
            case Inputs.Apart(Projection queries, Projection keys, Projection values) -> new Tensor[]{
                    apart(queries.forward(hidden), heads.heads()), apart(keys.forward(hidden), heads.kvHeads()),
                    apart(values.forward(hidden), heads.kvHeads())};
        };
    }

    private Tensor apart(Tensor projected, int count) {
        return projected.view(projected.size(0), projected.size(1), count, heads.headDim()).transpose(1, 2);
    }
}
