package dev.weft.models;

import dev.weft.models.backbone.Sizes;
import dev.weft.models.backbone.TextBackbone;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadLayout;
import dev.weft.models.heads.VocabularyHead;
import dev.weft.nn.Activation;
import dev.weft.nn.block.Block;
import dev.weft.nn.FeedForward;
import dev.weft.nn.Init;
import dev.weft.nn.LayerNorm;
import dev.weft.nn.Norm;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.Attention;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.Norms;
import dev.weft.nn.attention.AttentionPattern;
import dev.weft.nn.position.Rotary;

/// Command R: attention and feed-forward side by side behind one LayerNorm without a bias, neighbouring channels turned, and
/// scaled scores of ids. Cohere 2024.
public final class Cohere {
    static final Family FAMILY = Family
            .of("Cohere", HeadLayout.decoder(VocabularyHead.scaled(VocabularyHead.plain("lm_head", false, true),
                    config -> config.number("logit_scale", 0.0625))), Config::fromJson, Cohere::build, "cohere")
            .below("model").withDropouts("attention_dropout");

    private Cohere() {}

    /// Sizes of a checkpoint, named as in its `config.json`.
    ///
    /// @param logitScale scores of ids are multiplied by it
    /// @param useQkNorm  whether each query and key head has a norm of its own
    @ModelConfig.Type("cohere")
    public record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads, int numKeyValueHeads, int headDim, int maxPositionEmbeddings, Activation hiddenAct,
            double layerNormEps, double initializerRange, boolean attentionBias, double attentionDropout,
            double logitScale, int padTokenId, boolean tieWordEmbeddings, boolean useQkNorm,
            RopeConfig rope) implements ModelConfig<Config> {
        private static final Config USUAL = new Config(256_000, 8192, 22_528, 40, 64, 0, 0, 8192, Activation.SILU, 1e-5,
                0.02, false, 0, 0.0625, 0, true, false,
                RopeConfig.of(500_000).ofNeighbours());

        public Config {
            Sizes.requireHeads(numAttentionHeads, numKeyValueHeads, headDim);
        }

        /// As in `config.json`; what is missing has the published default.
        public static Config fromJson(Json json) {
            return ModelConfig.read(json, USUAL);
        }

        /// Two narrow layers: what a test builds in a blink.
        public static Config tiny() {
            return ModelConfig.tiny(USUAL);
        }
    }

    /// Names in quotes are the names inside the checkpoint.
    private static TextBackbone build(Config config, Weights weights) {
        Rotary rotary = config.rope().rotary(config.headDim());
        return Decoder.load(config, config.padTokenId(), weights, (layer, block) -> block(config, layer, block),
                layer -> AttentionPattern.causal().with(rotary), norm(config, weights.at("norm"))).turning(rotary);
    }

    private static Block block(Config config, int layer, Weights weights) {
        var heads = new Heads(layer, config.numAttentionHeads(), config.numKeyValueHeads(), config.headDim());
        Weights attention = weights.at("self_attn");
        Norm entry = norm(config, weights.at("input_layernorm"));
        return new Block.Parallel(entry,
                GroupedQueryAttention.load(attention, heads, config.hiddenSize(), config.attentionBias(),
                        config.attentionBias(), config.init(),
                        Attention.scaled(config.headDim()).withDropout(config.attentionDropout()))
                        .withNorms(config.useQkNorm()
                                ? new Norms.PerHead(ofHeads(config, attention.at("q_norm"), heads.heads()),
                                        ofHeads(config, attention.at("k_norm"), heads.kvHeads()))
                                : new Norms.None()),
                entry, FeedForward.Gated.load(weights.at("mlp"), config.hiddenAct(), config.hiddenSize(),
                        config.intermediateSize(), false, config.init()),
                0);
    }

    private static Norm norm(Config config, Weights weights) {
        return LayerNorm.loadWithoutBias(weights, config.hiddenSize(), config.layerNormEps());
    }

    private static Norm ofHeads(Config config, Weights weights, int heads) {
        return LayerNorm.ofHeads(weights.get("weight", Init.ones(), heads, config.headDim()), config.layerNormEps());
    }
}
