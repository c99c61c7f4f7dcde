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

/// Gemma: Llama with a GELU in its gates, embeddings multiplied by √hidden, and norm weights stored less 1.
/// Gemma Team 2024, <https://arxiv.org/abs/2403.08295>.
public final class Gemma {
    static final Family FAMILY = Family.of("Gemma", HeadLayout.decoder(true), Config::fromJson,
            Gemma::build, "gemma").below("model").below(HeadKind.QUESTION_ANSWERING, "transformer")
            .withDropouts("attention_dropout");

    private Gemma() {}

    /// Sizes of a checkpoint, named as in its `config.json`.
    @ModelConfig.Type("gemma")
    public record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads, int numKeyValueHeads, int headDim, int maxPositionEmbeddings,
            @Key( {
                    "hidden_activation", "hidden_act"}) Activation hiddenActivation,
            double rmsNormEps,
            double initializerRange, boolean attentionBias, double attentionDropout, int padTokenId,
            boolean tieWordEmbeddings, RopeConfig rope) implements ModelConfig<Config>{
        private static final Config USUAL = new Config(256_000, 3072, 24_576, 28, 16, 0, 256, 8192,
                Activation.GELU_TANH, 1e-6, 0.02, false, 0, -1, true, RopeConfig.of(10_000));

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
        return Decoder
                .load(config, config.padTokenId(), weights, (layer, block) -> block(config, layer, block),
                        layer -> AttentionPattern.causal().with(rotary), norm(config, weights.at("norm")))
                .withTokenScale(Math.sqrt(config.hiddenSize())).turning(rotary);
    }

    private static Block block(Config config, int layer, Weights weights) {
        var heads = new Heads(layer, config.numAttentionHeads(), config.numKeyValueHeads(), config.headDim());
        return Block.of(Residual.preNorm(norm(config, weights.at("input_layernorm")), 0),
                GroupedQueryAttention.load(weights.at("self_attn"), heads, config.hiddenSize(), config.attentionBias(),
                        config.attentionBias(), config.init(),
                        Attention.scaled(config.headDim()).withDropout(config.attentionDropout())),
                Residual.preNorm(norm(config, weights.at("post_attention_layernorm")), 0),
                FeedForward.Gated.load(weights.at("mlp"), config.hiddenActivation(), config.hiddenSize(),
                        config.intermediateSize(), false, config.init()));
    }

    private static Norm norm(Config config, Weights weights) {
        return RmsNorm.loadAroundOne(weights, config.hiddenSize(), config.rmsNormEps());
    }
}
