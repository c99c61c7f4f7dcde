package dev.weft.models;

import dev.weft.models.backbone.Sizes;
import dev.weft.models.backbone.TextBackbone;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadLayout;
import dev.weft.models.heads.VocabularyHead;
import dev.weft.nn.Activation;
import dev.weft.nn.block.Block;
import dev.weft.nn.FeedForward;
import dev.weft.nn.Residual;
import dev.weft.nn.RmsNorm;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.Attention;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.AttentionPattern;
import dev.weft.nn.position.Rotary;

/// Granite: Llama with four multipliers: of embeddings, of what enters the residual stream, of attention's scores, and one by
/// which the scores of ids are divided. IBM 2024, Granite 3.0 Language Models.
public final class Granite {
    static final Family FAMILY = Family
            .of("Granite", HeadLayout.decoder(VocabularyHead.scaled(VocabularyHead.plain("lm_head", false, false),
                    config -> 1 / config.number("logits_scaling", 1))), Config::fromJson, Granite::build, "granite")
            .below("model").withDropouts("attention_dropout");

    private Granite() {}

    /// Sizes of a checkpoint, named as in its `config.json`.
    ///
    /// @param attentionMultiplier scores are multiplied by it, in place of 1/√headDim
    /// @param logitsScaling       scores of ids are divided by it
    @ModelConfig.Type("granite")
    public record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads, int numKeyValueHeads, int headDim, int maxPositionEmbeddings, Activation hiddenAct,
            double rmsNormEps, double initializerRange, boolean attentionBias, boolean mlpBias,
            double attentionDropout, double embeddingMultiplier, double residualMultiplier, double attentionMultiplier,
            double logitsScaling, int padTokenId, boolean tieWordEmbeddings,
            RopeConfig rope) implements ModelConfig<Config> {
        private static final Config USUAL = new Config(32_000, 4096, 11_008, 32, 32, 0, 0, 2048, Activation.SILU, 1e-6,
                0.02, false, false, 0, 1, 1, 1, 1, -1, false, RopeConfig.of(10_000));

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
                        layer -> AttentionPattern.causal().with(rotary),
                        RmsNorm.load(weights.at("norm"), config.hiddenSize(), config.rmsNormEps()))
                .withEmbeddingScale(config.embeddingMultiplier()).turning(rotary);
    }

    private static Block block(Config config, int layer, Weights weights) {
        var heads = new Heads(layer, config.numAttentionHeads(), config.numKeyValueHeads(), config.headDim());
        return Block.of(residual(config, weights.at("input_layernorm")),
                GroupedQueryAttention.load(weights.at("self_attn"), heads, config.hiddenSize(), config.attentionBias(),
                        config.attentionBias(), config.init(),
                        Attention.scaled(config.headDim()).withScale(config.attentionMultiplier())
                                .withDropout(config.attentionDropout())),
                residual(config, weights.at("post_attention_layernorm")),
                FeedForward.Gated.load(weights.at("mlp"), config.hiddenAct(), config.hiddenSize(),
                        config.intermediateSize(), config.mlpBias(), config.init()));
    }

    private static Residual residual(Config config, Weights norm) {
        return Residual.preNorm(RmsNorm.load(norm, config.hiddenSize(), config.rmsNormEps()), 0)
                .withScale(config.residualMultiplier());
    }
}
