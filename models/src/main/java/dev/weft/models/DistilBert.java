package dev.weft.models;

import java.util.List;
import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.PooledHead;
import dev.weft.models.heads.VocabularyHead;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadLayout;
import dev.weft.nn.Activation;
import dev.weft.nn.block.Block;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.GroupedQueryAttention.QueryKeyValue;
import java.util.Map;

/// DistilBERT: BERT with half the layers and no segments. Sanh et al. 2019, <https://arxiv.org/abs/1910.01108>.
record DistilBert(Bert.Config config) implements Bert.Parts {
    static final Family FAMILY = Family
            .of("DistilBert", heads(), (json, weights, kind) -> new Bert(fromJson(json), weights),
                    "distilbert")
            .below("distilbert").withDropouts("dropout", "attention_dropout")
            .withSizeNames(
                    Map.of("hidden_size", "dim", "num_hidden_layers", "n_layers", "num_attention_heads", "n_heads",
                            "intermediate_size", "hidden_dim"));

    /// DistilBERT's: one projection more before each classifier.
    private static HeadLayout heads() {
        return HeadLayout
                .encoder(VocabularyHead.transformed("vocab_transform", "vocab_layer_norm", null, "vocab_projector",
                        "vocab_projector.bias"),
                        new PooledHead.Style(PooledHead.Pick.FIRST,
                                List.of(PooledHead.Dense.of("pre_classifier", Activation.RELU)), "classifier"))
                .withoutPooling().without(HeadKind.CAUSAL_LANGUAGE);
    }

    static DistilBert fromJson(Json json) {
        int hidden = json.positive("dim", 768);
        return new DistilBert(new Bert.Config(json.positive("vocab_size", 30_522), hidden, hidden,
                json.positive("hidden_dim", 4 * 768), json.positive("n_layers", 6), json.positive("n_heads", 12),
                json.positive("max_position_embeddings", 512), 0, Activation.parse(json.text("activation", "gelu")),
                1e-12, json.number("initializer_range", 0.02), json.number("dropout", 0.1),
                json.number("attention_dropout", 0.1), json.integer("pad_token_id", 0), false, false));
    }

    @Override
    public Block block(int layer, Weights weights) {
        Weights block = weights.at("transformer.layer").at(layer);
        Weights attention = block.at("attention");
        var inputs = new QueryKeyValue.Apart(dense(attention.at("q_lin")), dense(attention.at("k_lin")),
                dense(attention.at("v_lin")));
        return new Block.Sequential(residual(block.at("sa_layer_norm"), 0),
                attention(layer, inputs, dense(attention.at("out_lin"))), null, residual(block.at("output_layer_norm")),
                feedForward(block.at("ffn.lin1"), block.at("ffn.lin2")));
    }
}
