package dev.weft.models;

import dev.weft.models.backbone.Sizes;
import dev.weft.models.backbone.TextBackbone;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadKind;
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

/// Llama: a decoder with RMSNorm before each part, rotary positions, grouped-query attention and SwiGLU.
/// Touvron et al. 2023, <https://arxiv.org/abs/2302.13971>.
public final class Llama {
    static final Family FAMILY = Family.of("Llama", HeadLayout.decoder(false), Config::fromJson, Llama::build, "llama")
            .below("model").below(HeadKind.QUESTION_ANSWERING, "transformer").withDropouts("attention_dropout");

    private Llama() {}

    /// Sizes of a checkpoint, named as in its `config.json`.
    @ModelConfig.Type("llama")
    public record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads, int numKeyValueHeads, int headDim, int maxPositionEmbeddings, Activation hiddenAct,
            double rmsNormEps, double initializerRange, boolean attentionBias, boolean mlpBias,
            double attentionDropout, int padTokenId, boolean tieWordEmbeddings,
            RopeConfig rope) implements ModelConfig<Config> {
        private static final Config USUAL = new Config(32_000, 4096, 11_008, 32, 32, 0, 0, 2048, Activation.SILU, 1e-6,
                0.02, false, false, 0, -1, false, RopeConfig.of(10_000));

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
        return Block.of(Residual.preNorm(norm(config, weights.at("input_layernorm")), 0),
                GroupedQueryAttention.load(weights.at("self_attn"), heads, config.hiddenSize(), config.attentionBias(),
                        config.attentionBias(), config.init(),
                        Attention.scaled(config.headDim()).withDropout(config.attentionDropout())),
                Residual.preNorm(norm(config, weights.at("post_attention_layernorm")), 0),
                FeedForward.Gated.load(weights.at("mlp"), config.hiddenAct(), config.hiddenSize(),
                        config.intermediateSize(), config.mlpBias(), config.init()));
    }

    private static Norm norm(Config config, Weights weights) {
        return RmsNorm.load(weights, config.hiddenSize(), config.rmsNormEps());
    }
}
