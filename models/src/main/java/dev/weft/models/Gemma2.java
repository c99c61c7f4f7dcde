package dev.weft.models;

import dev.weft.models.backbone.Sizes;
import dev.weft.models.backbone.TextBackbone;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadLayout;
import dev.weft.models.heads.VocabularyHead;
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
import dev.weft.nn.position.Rotary;

/// Gemma 2: Gemma with a norm before and after each part, every second layer local, and capped scores.
/// Gemma Team 2024, <https://arxiv.org/abs/2408.00118>.
public final class Gemma2 {
    static final Family FAMILY = Family.of("Gemma2", HeadLayout.decoder(VocabularyHead.capped(
            VocabularyHead.plain("lm_head", false, true), "final_logit_softcapping", 30)), Config::fromJson,
            Gemma2::build, "gemma2").below("model").withDropouts("attention_dropout");

    private Gemma2() {}

    /// Sizes of a checkpoint, named as in its `config.json`.
    ///
    /// @param queryPreAttnScalar    scores are divided by its root, in place of the head's width
    /// @param attnLogitSoftcapping  caps scores; 0: does not
    /// @param finalLogitSoftcapping caps the scores of ids
    @ModelConfig.Type("gemma2")
    public record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads, int numKeyValueHeads, int headDim, int maxPositionEmbeddings,
            @Key( {
                    "hidden_activation", "hidden_act"}) Activation hiddenActivation,
            double rmsNormEps,
            double initializerRange, boolean attentionBias, double attentionDropout, int padTokenId,
            boolean tieWordEmbeddings, double queryPreAttnScalar, double attnLogitSoftcapping,
            double finalLogitSoftcapping, RopeConfig rope, LayerTypes layers) implements ModelConfig<Config>{
        private static final Config USUAL = new Config(256_000, 2304, 9216, 26, 8, 4, 256, 8192,
                Activation.GELU_TANH, 1e-6, 0.02, false, 0, -1, true, 256, 50, 30, RopeConfig.of(10_000),
                new LayerTypes(4096, layer -> layer % 2 == 0));

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
                        layer -> config.layers().pattern(layer, rotary), norm(config, weights.at("norm")))
                .withTokenScale(Math.sqrt(config.hiddenSize())).turning(rotary);
    }

    private static Block block(Config config, int layer, Weights weights) {
        var heads = new Heads(layer, config.numAttentionHeads(), config.numKeyValueHeads(), config.headDim());
        Weights attention = weights.at("self_attn");
        return Block.of(
                Residual.sandwich(norm(config, weights.at("input_layernorm")),
                        norm(config, weights.at("post_attention_layernorm")), 0),
                GroupedQueryAttention.load(attention, heads, config.hiddenSize(), config.attentionBias(),
                        config.attentionBias(), config.init(),
                        Attention.scaled(config.headDim()).withDropout(config.attentionDropout())
                                .withScale(1 / Math.sqrt(config.queryPreAttnScalar()))
                                .withSoftcap(config.attnLogitSoftcapping())),
                Residual.sandwich(norm(config, weights.at("pre_feedforward_layernorm")),
                        norm(config, weights.at("post_feedforward_layernorm")), 0),
                FeedForward.Gated.load(weights.at("mlp"), config.hiddenActivation(), config.hiddenSize(),
                        config.intermediateSize(), false, config.init()));
    }

    private static Norm norm(Config config, Weights weights) {
        return RmsNorm.loadAroundOne(weights, config.hiddenSize(), config.rmsNormEps());
    }
}
