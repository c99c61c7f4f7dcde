package dev.weft.models;

import dev.weft.models.backbone.Sizes;
import dev.weft.models.backbone.TextBackbone;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadLayout;
import dev.weft.nn.Activation;
import dev.weft.nn.block.Block;
import dev.weft.nn.FeedForward;
import dev.weft.nn.Norm;
import dev.weft.nn.Residual;
import dev.weft.nn.RmsNorm;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.Attention;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.AttentionPattern;
import dev.weft.nn.position.Rotary;

/// GLM-4-0414: [Glm] with a norm behind each part too. GLM Team 2025.
public final class Glm4 {
    static final Family FAMILY = Family.of("Glm4", HeadLayout.decoder(false), Config::fromJson, Glm4::build, "glm4")
            .below("model").withDropouts("attention_dropout");

    private Glm4() {}

    /// Sizes of a checkpoint, named as in its `config.json`.
    ///
    /// @param attentionBias whether queries, keys and values have biases
    @ModelConfig.Type("glm4")
    public record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads, int numKeyValueHeads, int headDim, int maxPositionEmbeddings, Activation hiddenAct,
            double rmsNormEps, double initializerRange, boolean attentionBias, double attentionDropout, int padTokenId,
            boolean tieWordEmbeddings, RopeConfig rope) implements ModelConfig<Config> {
        private static final Config USUAL = new Config(151_552, 4096, 13_696, 40, 32, 2, 128, 131_072, Activation.SILU,
                1.5625e-7, 0.02, true, 0, 151_329, false, RopeConfig.of(10_000).withShare(0.5).ofNeighbours());

        public Config {
            Sizes.requireHeads(numAttentionHeads, numKeyValueHeads, headDim);
        }

        /// As in `config.json`; what is missing has the published default.
        public static Config fromJson(Json json) {
            return ModelConfig.read(json, USUAL);
        }

        /// Two narrow layers: what a test builds in a blink.
        public static Config tiny() {
            return ModelConfig.tiny(USUAL).with(Config::padTokenId, -1);
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
        return Block.of(
                Residual.sandwich(norm(config, weights.at("input_layernorm")),
                        norm(config, weights.at("post_self_attn_layernorm")), 0),
                GroupedQueryAttention.load(weights.at("self_attn"), heads, config.hiddenSize(), config.attentionBias(),
                        false, config.init(),
                        Attention.scaled(config.headDim()).withDropout(config.attentionDropout())),
                Residual.sandwich(norm(config, weights.at("post_attention_layernorm")),
                        norm(config, weights.at("post_mlp_layernorm")), 0),
                FeedForward.GatedPacked.load(weights.at("mlp"), config.hiddenAct(), config.hiddenSize(),
                        config.intermediateSize(), config.init()));
    }

    private static Norm norm(Config config, Weights weights) {
        return RmsNorm.load(weights, config.hiddenSize(), config.rmsNormEps());
    }
}
