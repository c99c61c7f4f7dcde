package dev.weft.nn.attention;

import dev.weft.nn.ScoreMask;
import dev.weft.nn.Dropout;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Init;
import dev.weft.nn.KvCache;
import dev.weft.nn.Linear;
import dev.weft.nn.Norm;
import dev.weft.nn.Projection;
import dev.weft.nn.Trace;
import dev.weft.nn.Weights;
import dev.weft.tensor.Autocast;
import dev.weft.tensor.Tensor;

/// Projections into heads, attention in each, and the projection back.
///
/// Grouped-query attention (Ainslie et al. 2023, <https://arxiv.org/abs/2305.13245>): as many key heads as query heads is
/// multi-head attention (“Attention Is All You Need”, §3.2.2), one key head is multi-query attention (Shazeer 2019).
///
/// @param norms       on queries and keys, before they are turned
/// @param turnsValues whether values are turned by their positions as well, as RoFormer can
public record GroupedQueryAttention(Heads heads, QueryKeyValue inputs, Projection output, Attention attention,
        Norms norms,
        boolean turnsValues) implements SelfAttention {
    private static final String[] PARTS = {"q", "k", "v"};

    /// How checkpoints store the three projections.
    public sealed interface QueryKeyValue {
        /// Three projections.
        record Apart(Projection queries, Projection keys, Projection values) implements QueryKeyValue {
            /// Under the names that most decoders have: `q_proj`, `k_proj`, `v_proj`.
            public static Apart load(Weights weights, int hidden, Heads heads, boolean bias, Init init) {
                return new Apart(Linear.load(weights.at("q_proj"), hidden, heads.queryWidth(), bias, init),
                        Linear.load(weights.at("k_proj"), hidden, heads.keyWidth(), bias, init),
                        Linear.load(weights.at("v_proj"), hidden, heads.keyWidth(), bias, init));
            }
        }

        /// One projection to all queries, then all keys, then all values: GPT-2, Phi-3.
        record Packed(Projection all) implements QueryKeyValue {}

        /// One projection to, for each key head, its queries, its key and its value: GPT-NeoX, BLOOM, Falcon.
        record Grouped(Projection all) implements QueryKeyValue {
            /// Under the name that these have: `query_key_value`.
            public static Grouped load(Weights weights, int hidden, Heads heads, boolean bias, Init init) {
                return new Grouped(Linear.load(weights.at("query_key_value"), hidden,
                        heads.queryWidth() + 2 * heads.keyWidth(), bias, init));
            }
        }
    }

    /// Norms of queries and keys.
    public sealed interface Norms {
        /// None.
        record None() implements Norms {}

        /// Over all heads together, `[batch, seq, heads · headDim]`: OLMo 2.
        record Whole(Norm queries, Norm keys) implements Norms {}

        /// Of each head, `[batch, heads, seq, headDim]`: Qwen3, Gemma 3.
        record PerHead(Norm queries, Norm keys) implements Norms {}
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

        /// As many key heads as query heads.
        public Heads(int layer, int heads, int headDim) {
            this(layer, heads, heads, headDim);
        }

        /// Width of all queries together.
        public int queryWidth() {
            return heads * headDim;
        }

        /// Width of all keys, or all values, together.
        public int keyWidth() {
            return kvHeads * headDim;
        }
    }

    public GroupedQueryAttention(Heads heads, QueryKeyValue inputs, Projection output, Attention attention) {
        this(heads, inputs, output, attention, new Norms.None(), false);
    }

    /// Four projections under the names that most decoders have: `q_proj`, `k_proj`, `v_proj`, `o_proj`.
    ///
    /// @param inBias  whether the first three have biases
    /// @param outBias whether the last has one
    public static GroupedQueryAttention load(Weights weights, Heads heads, int hidden, boolean inBias,
            boolean outBias,
            Init init, Attention attention) {
        return new GroupedQueryAttention(heads, QueryKeyValue.Apart.load(weights, hidden, heads, inBias, init),
                Linear.load(weights.at("o_proj"), heads.queryWidth(), hidden, outBias, init), attention);
    }

    /// With norms on queries and keys.
    public GroupedQueryAttention withNorms(Norms norms) {
        return new GroupedQueryAttention(heads, inputs, output, attention, norms, turnsValues);
    }

    /// With values turned by their positions too.
    public GroupedQueryAttention withTurnedValues(boolean turnsValues) {
        return new GroupedQueryAttention(heads, inputs, output, attention, norms, turnsValues);
    }

    /// `[batch, seq, hidden]` to the same shape. New keys and values go to the cache, if there is one.
    @Override
    public Tensor forward(Tensor hidden, PreparedPattern prepared, ForwardPass pass) {
        long batch = hidden.size(0);
        long seq = hidden.size(1);
        Tensor gathered;
        if (inputs instanceof QueryKeyValue.Packed(Projection all) && heads.kvHeads() == heads.heads()
                && pass.cache() == null
                && prepared.angles() == null && norms instanceof Norms.None && !listens(pass.trace())) {
            Tensor packed = all.forward(hidden, pass.dropout()).view(batch, seq, 3, heads.heads(), heads.headDim());
            gathered = attention.attendPacked(packed, prepared.mask(), pass.dropout(), pass.trace());
        } else {
            Tensor[] qkv = normed(project(hidden, pass.dropout()));
            if (prepared.angles() != null) {
                for (int part = 0; part < (turnsValues ? 3 : 2); part++) {
                    qkv[part] = prepared.angles().turn(qkv[part]);
                }
            }
            for (int part = 0; part < 3; part++) {
                qkv[part] = pass.trace().tap(PARTS[part], qkv[part]);
            }
            ScoreMask mask = prepared.mask();
            if (pass.cache() != null) {
                KvCache.Entry known = pass.cache().append(heads.layer(), qkv[1], qkv[2], prepared.window());
                qkv[1] = known.keys();
                qkv[2] = known.values();
                mask = mask.ofLast(qkv[1].size(2));
            }
            gathered = attention.attend(qkv[0], qkv[1], qkv[2], mask, pass.dropout(), pass.trace());
        }
        return HeadResults.joined(gathered, output, pass);
    }

    private static boolean listens(Trace trace) {
        return trace.listens(PARTS[0]) || trace.listens(PARTS[1]) || trace.listens(PARTS[2]);
    }

    /// Queries, keys and values, `[batch, heads, seq, headDim]` each.
    private Tensor[] project(Tensor hidden, Dropout drop) {
        long batch = hidden.size(0);
        long seq = hidden.size(1);
        return switch (inputs) {
            case QueryKeyValue.Apart(Projection queries, Projection keys, Projection values) -> {
                Tensor x = Autocast.narrowed(hidden);
                yield new Tensor[]{apart(whole(queries.forward(x, drop), true)),
                        apart(whole(keys.forward(x, drop), false)), apart(values.forward(x, drop))};
            }
            case QueryKeyValue.Packed(Projection all) -> {
                Tensor packed = all.forward(hidden, drop);
                yield new Tensor[]{apart(whole(packed.narrow(-1, 0, heads.queryWidth()), true)),
                        apart(whole(packed.narrow(-1, heads.queryWidth(), heads.keyWidth()), false)),
                        apart(packed.narrow(-1, heads.queryWidth() + heads.keyWidth(), heads.keyWidth()))};
            }
            case QueryKeyValue.Grouped(Projection all) -> {
                long queries = heads.heads() / heads.kvHeads();
                Tensor groups = all.forward(hidden, drop).view(batch, seq, heads.kvHeads(), queries + 2,
                        heads.headDim());
                yield new Tensor[]{
                        groups.narrow(3, 0, queries).reshape(batch, seq, heads.heads(), heads.headDim())
                                .transpose(1, 2),
                        groups.select(3, queries).transpose(1, 2), groups.select(3, queries + 1).transpose(1, 2)};
            }
        };
    }

    private Tensor whole(Tensor projected, boolean queries) {
        return norms instanceof Norms.Whole(Norm query, Norm key)
                ? (queries ? query : key).forward(projected)
                : projected;
    }

    private Tensor[] normed(Tensor[] qkv) {
        if (norms instanceof Norms.PerHead(Norm queries, Norm keys)) {
            qkv[0] = queries.forward(qkv[0]);
            qkv[1] = keys.forward(qkv[1]);
        }
        return qkv;
    }

    private Tensor apart(Tensor projected) {
        return projected.reshape(projected.size(0), projected.size(1), -1, heads.headDim()).transpose(1, 2);
    }
}
