package dev.weft.models;

import dev.weft.models.heads.PooledHead;
import dev.weft.models.heads.VocabularyHead;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.HeadLayout;
import dev.weft.nn.Activation;
import dev.weft.nn.block.Block;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Init;
import dev.weft.nn.LayerNorm;
import dev.weft.nn.Linear;
import dev.weft.nn.Norm;
import dev.weft.nn.Projection;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.Attention;
import dev.weft.nn.AttentionMask;
import dev.weft.nn.attention.DisentangledAttention.Buckets;
import dev.weft.nn.attention.DisentangledAttention.Distances;
import dev.weft.nn.attention.DisentangledAttention;
import dev.weft.nn.attention.GroupedQueryAttention.QueryKeyValue;
import dev.weft.nn.attention.AttentionPattern;
import dev.weft.nn.attention.SelfAttention;
import dev.weft.nn.attention.PreparedPattern;
import dev.weft.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// DeBERTa: BERT with attention that looks at content and distance apart. He et al. 2020,
/// <https://arxiv.org/abs/2006.03654>; He et al. 2021 (version 3), <https://arxiv.org/abs/2111.09543>.
///
/// @param first     whether this is version 1, whose queries, keys and values lie in one weight, with biases of their own
/// @param absolute  whether learned positions are added to the embeddings as well
/// @param looks     which of `c2p` and `p2c` there are
/// @param sharesKey whether distances are projected as content is
/// @param relative  what the layers share about distances, or null
/// @param kernel    width of the convolution beside the first layer; 0: there is none
/// @param after     the activation of that
record Deberta(Bert.Config config, boolean first, boolean absolute, List<String> looks, boolean sharesKey,
        @Nullable Relative relative, int kernel, Activation after) implements Bert.Parts {
    static final Family FAMILY = Family
            .of("Deberta", heads().without(HeadKind.MULTIPLE_CHOICE),
                    (json, weights, kind) -> new Bert(load(json, weights), weights), "deberta")
            .below("deberta")
            .withDropouts("hidden_dropout_prob", "attention_probs_dropout_prob");
    static final Family V2 = Family
            .of("DebertaV2", heads(), (json, weights, kind) -> new Bert(load(json, weights), weights),
                    "deberta-v2")
            .below("deberta")
            .withDropouts("hidden_dropout_prob", "attention_probs_dropout_prob");

    /// DeBERTa's: pooling with an activation of its own, and two generations of names for the scores of ids.
    private static HeadLayout heads() {
        VocabularyHead.Style named = VocabularyHead.transformed("lm_predictions.lm_head.dense",
                "lm_predictions.lm_head.LayerNorm", null, null, "lm_predictions.lm_head.bias");
        PooledHead.ByConfig pooled = config -> new PooledHead.Style(PooledHead.Pick.FIRST,
                List.of(PooledHead.Dense.of("pooler.dense",
                        Activation.parse(config.text("pooler_hidden_act", "gelu")))),
                "classifier");
        return HeadLayout.encoder(VocabularyHead.either("legacy", true, Bert.vocabulary(), named,
                "cls.predictions.transform.dense.weight", "lm_predictions.lm_head.dense.weight"),
                PooledHead.Style.each("classifier"))
                .withSequence(pooled).withProblem("shares").withChoice(pooled).withoutPooling()
                .without(HeadKind.CAUSAL_LANGUAGE);
    }

    /// @param table a vector for each bucket, `[2 · span, hidden]`
    record Relative(Tensor table, Norm norm, Buckets buckets) {}

    static Deberta load(Json json, Weights weights) {
        boolean first = json.text("model_type").equals("deberta");
        Json full = json.withDefaults(Json.object().put("type_vocab_size", 0).put("layer_norm_eps", 1e-7));
        Bert.Config config = Bert.Config.fromJson(full);
        if (full.integer("conv_groups", 1) != 1) {
            throw full.mustBe("conv_groups", "1");
        }
        // Some published files have positions that their model does not use.
        weights.at("embeddings.position_embeddings").ignore("weight");
        List<String> looks = full.has("pos_att_type")
                ? full.texts("pos_att_type").stream().flatMap(text -> Arrays.stream(text.split("\\|")))
                        .map(text -> text.strip().toLowerCase(Locale.ROOT)).toList()
                : List.of();
        if (full.flag("talking_head", false)) {
            throw full.mustBe("talking_head", "false");
        }
        return new Deberta(config, first, full.flag("position_biased_input", true), looks,
                !first && full.flag("share_att_key", false),
                full.flag("relative_attention", false) ? relative(first, full, config, weights.at("encoder")) : null,
                first ? 0 : full.integer("conv_kernel_size", 0), Activation.parse(full.text("conv_act", "tanh")));
    }

    private static Relative relative(boolean first, Json json, Bert.Config config, Weights encoder) {
        int distance = json.integer("max_relative_positions", -1);
        var buckets = new Buckets(first ? -1 : json.integer("position_buckets", -1),
                distance < 1 ? config.maxPositionEmbeddings() : distance);
        return new Relative(
                encoder.at("rel_embeddings").get("weight", config.init(), 2L * buckets.span(), config.hiddenSize()),
                !first && json.text("norm_rel_ebd", "none").contains("layer_norm")
                        ? LayerNorm.load(encoder.at("LayerNorm"), config.hiddenSize(), config.layerNormEps())
                        : Norm.NONE,
                buckets);
    }

    @Override
    public AttentionPattern pattern(int layer) {
        return AttentionPattern.everything();
    }

    @Override
    public @Nullable String positions() {
        return absolute ? "position_embeddings" : null;
    }

    /// Narrow embeddings are widened first.
    @Override
    public Norm embeddingNorm(Weights weights) {
        int hidden = config.hiddenSize();
        Norm norm = LayerNorm.load(weights.at("LayerNorm"), hidden, config.layerNormEps());
        if (config.embeddingSize() == hidden) {
            return norm;
        }
        Projection wide = Linear.load(weights.at("embed_proj"), config.embeddingSize(), hidden, false, config.init());
        return x -> norm.forward(wide.forward(x));
    }

    @Override
    public Projection widening(Weights weights) {
        return x -> x;
    }

    /// Padding enters as zeros: the convolution looks beyond the end of a text.
    @Override
    public Tensor entry(Tensor embedded, ForwardPass pass) {
        return unpadded(embedded, pass);
    }

    @Override
    public ForwardPass inside(Tensor tokenIds, ForwardPass pass) {
        Tensor keep = pass.mask().keep();
        return keep == null ? pass : pass.withMask(pass.mask().and(AttentionMask.realQueries(keep)));
    }

    private static Tensor unpadded(Tensor x, ForwardPass pass) {
        Tensor keep = pass.mask().keep();
        return keep == null ? x : x.mul(keep.ne(0).to(x.dtype()).unsqueeze(-1));
    }

    @Override
    public Block block(int layer, Weights weights) {
        Block block = Bert.Parts.super.block(layer, weights);
        return layer == 0 && kernel > 0 ? beside(block, weights.at("encoder.conv")) : block;
    }

    /// norm(block(x) + activation(convolution(x))).
    private Block beside(Block block, Weights weights) {
        Norm norm = LayerNorm.load(weights.at("LayerNorm"), config.hiddenSize(), config.layerNormEps());
        Convolution convolution = Convolution.load(weights.at("conv"), config.hiddenSize(), kernel, config.init());
        return (Tensor x, PreparedPattern prepared, ForwardPass pass) -> {
            Tensor mixed = unpadded(convolution.forward(x), pass);
            Tensor added = after.forward(pass.dropout().apply(mixed, config.hiddenDropout()));
            return unpadded(norm.forward(block.forward(x, prepared, pass).add(added)), pass);
        };
    }

    @Override
    public QueryKeyValue.Apart inputs(Weights weights) {
        if (first) {
            return packed(weights);
        }
        return new QueryKeyValue.Apart(dense(weights.at("query_proj")), dense(weights.at("key_proj")),
                dense(weights.at("value_proj")));
    }

    /// In `in_proj` for each head its queries, keys and values; keys have no bias.
    private QueryKeyValue.Apart packed(Weights weights) {
        int hidden = config.hiddenSize();
        Tensor all = weights.at("in_proj").get("weight", config.init(), 3L * hidden, hidden);
        return new QueryKeyValue.Apart(part(all, 0, weights.get("q_bias", Init.zeros(), hidden)), part(all, 1, null),
                part(all, 2, weights.get("v_bias", Init.zeros(), hidden)));
    }

    private Projection part(Tensor all, int which, @Nullable Tensor bias) {
        // [3 · hidden, hidden] → [heads, 3, headDim, hidden]
        return x -> new Linear(all.view(config.numAttentionHeads(), 3, config.headDim(), -1).select(1, which)
                .flatten(0, 1), bias, Linear.Layout.OUT_IN).forward(x);
    }

    @Override
    public SelfAttention attention(int layer, Weights weights, Projection output) {
        QueryKeyValue.Apart inputs = inputs(weights);
        Distances distances = relative == null
                ? null
                : new Distances(relative.table(), relative.norm(),
                        looks("c2p", inputs.keys(), weights.at(first ? "pos_proj" : "pos_key_proj"), !first),
                        looks("p2c", inputs.queries(), weights.at(first ? "pos_q_proj" : "pos_query_proj"), true),
                        relative.buckets(),
                        config.hiddenDropout());
        // Version 1 divides by what the config lists, whether it is looked at or not.
        long summands = 1 + looks.stream().filter(look -> first || List.of("c2p", "p2c").contains(look)).count();
        return new DisentangledAttention(config.numAttentionHeads(), inputs, output,
                Attention.scaled((int) (config.headDim() * summands)).withDropout(config.attentionDropout()),
                distances);
    }

    private @Nullable Projection looks(String kind, Projection content, Weights weights, boolean bias) {
        if (!looks.contains(kind)) {
            return null;
        }
        return sharesKey
                ? content
                : Linear.load(weights, config.hiddenSize(), config.hiddenSize(), bias, config.init());
    }

    /// Each position mixed with its neighbours: `[batch, seq, hidden]` to the same shape, zeros beyond the ends.
    ///
    /// @param mix the kernel's places one after the other, `[..., kernel · hidden]` to `[..., hidden]`
    private record Convolution(Projection mix, int kernel) {
        static Convolution load(Weights weights, int hidden, int kernel, Init init) {
            Tensor weight = weights.get("weight", init, hidden, hidden, kernel);
            Tensor bias = weights.get("bias", Init.zeros(), hidden);
            return new Convolution(x -> new Linear(weight.permute(0, 2, 1).flatten(1, 2), bias, Linear.Layout.OUT_IN)
                    .forward(x), kernel);
        }

        Tensor forward(Tensor x) {
            long seq = x.size(1);
            Tensor beyond = Tensor.zeros(x.dtype(), x.size(0), (kernel - 1) / 2, x.size(2)).to(x.device());
            Tensor padded = Tensor.cat(List.of(beyond, x, beyond), 1);
            return mix.forward(Tensor.cat(
                    IntStream.range(0, kernel).mapToObj(place -> padded.narrow(1, place, seq)).toList(), -1));
        }
    }
}
