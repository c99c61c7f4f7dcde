package dev.weft.models;

import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.Pretraining;
import dev.weft.models.heads.PooledHead;
import dev.weft.models.heads.VocabularyHead;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadLayout;
import dev.weft.nn.block.Block;
import dev.weft.nn.Projection;
import dev.weft.nn.Weights;

/// ALBERT: BERT with narrow embeddings and few weights for many layers. Lan et al. 2019,
/// <https://arxiv.org/abs/1909.11942>.
///
/// @param groups how many sets of weights the layers share
/// @param inner  how many blocks each set has, all of which every layer runs through
record Albert(Bert.Config config, int groups, int inner) implements Bert.Parts {
    static final Family FAMILY = Family
            .of("Albert", heads(), (json, weights, kind) -> new Bert(fromJson(json), weights), "albert")
            .below("albert")
            .withDropouts("hidden_dropout_prob", "attention_probs_dropout_prob");

    /// ALBERT's: pretraining asks whether two sentences are in order.
    private static HeadLayout heads() {
        PooledHead.Style pooled = HeadLayout.pooled("pooler");
        return HeadLayout.encoder(VocabularyHead.transformed("predictions.dense", "predictions.LayerNorm", null,
                "predictions.decoder", "predictions.bias"), pooled)
                .withPretext(new HeadLayout.Pretext.Pair(pooled.withOutput("sop_classifier.classifier"),
                        Pretraining.Names.ALBERT))
                .without(HeadKind.CAUSAL_LANGUAGE);
    }

    static Albert fromJson(Json json) {
        Json full = json.withDefaults(Json.object().put("embedding_size", 128).put("hidden_act", "gelu_new")
                .put("hidden_dropout_prob", 0).put("attention_probs_dropout_prob", 0));
        return new Albert(Bert.Config.fromJson(full), full.positive("num_hidden_groups", 1),
                full.positive("inner_group_num", 1));
    }

    @Override
    public Projection widening(Weights weights) {
        return dense(weights.at("encoder.embedding_hidden_mapping_in"), config.embeddingSize(), config.hiddenSize());
    }

    @Override
    public int blocks() {
        return config.numHiddenLayers() * inner;
    }

    @Override
    public Block block(int layer, Weights weights) {
        // Asked for again, a weight is the same tensor: that is how layers share it.
        int group = (int) (layer / inner / ((double) config.numHiddenLayers() / groups));
        Weights block = weights.at("encoder.albert_layer_groups").at(group).at("albert_layers").at(layer % inner);
        Weights attention = block.at("attention");
        return new Block.Sequential(residual(attention.at("LayerNorm")),
                attention(layer, attention, dense(attention.at("dense"))), null,
                residual(block.at("full_layer_layer_norm"), 0),
                feedForward(block.at("ffn"), block.at("ffn_output")));
    }
}
