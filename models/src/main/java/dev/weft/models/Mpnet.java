package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.HeadLayout;
import dev.weft.nn.block.Block;
import dev.weft.nn.Embedding;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.GroupedQueryAttention.QueryKeyValue;
import dev.weft.nn.attention.AttentionPattern;
import dev.weft.nn.position.RelativeBias;
import dev.weft.tensor.Tensor;

/// MPNet: BERT without segments, whose positions are counted from the padding id and whose scores have a bias by
/// distance. Song et al. 2020, <https://arxiv.org/abs/2004.09297>.
///
/// @param bias one for all layers
record Mpnet(Bert.Config config, RelativeBias bias) implements Bert.Parts {
    static final Family FAMILY = Family
            .of("MPNet", Roberta.heads().without(HeadKind.CAUSAL_LANGUAGE),
                    (json, weights, kind) -> new Bert(load(json, weights), weights), "mpnet")
            .below("mpnet")
            .withDropouts("hidden_dropout_prob", "attention_probs_dropout_prob").withFirstPosition(2);

    // Both whatever the config says.
    private static final int BUCKETS = 32;
    private static final int PADDING = 1;
    private static final int MAX_DISTANCE = 128;

    static Mpnet load(Json json, Weights weights) {
        Json full = json.withDefaults(Json.object().put("type_vocab_size", 0).put("pad_token_id", PADDING));
        Bert.Config config = Bert.Config.fromJson(full);
        Embedding table = Embedding.load(weights.at("encoder.relative_attention_bias"),
                full.positive("relative_attention_num_buckets", BUCKETS), config.numAttentionHeads(), config.init());
        return new Mpnet(config, new RelativeBias(table, BUCKETS, MAX_DISTANCE, true));
    }

    @Override
    public AttentionPattern pattern(int layer) {
        return AttentionPattern.everything().with(bias);
    }

    @Override
    public int paddingPosition() {
        return PADDING;
    }

    @Override
    public Tensor places(Tensor tokenIds, ForwardPass pass) {
        return Roberta.places(tokenIds, pass, config, PADDING);
    }

    @Override
    public Block block(int layer, Weights weights) {
        Weights block = weights.at("encoder.layer").at(layer);
        Weights attention = block.at("attention");
        Weights projections = attention.at("attn");
        var inputs = new QueryKeyValue.Apart(dense(projections.at("q")), dense(projections.at("k")),
                dense(projections.at("v")));
        return new Block.Sequential(residual(attention.at("LayerNorm")),
                attention(layer, inputs, dense(projections.at("o"))), null, residual(block.at("output.LayerNorm")),
                feedForward(block.at("intermediate.dense"), block.at("output.dense")));
    }
}
