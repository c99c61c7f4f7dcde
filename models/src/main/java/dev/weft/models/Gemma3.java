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
import dev.weft.nn.attention.GroupedQueryAttention.Norms;
import dev.weft.nn.position.Rotary;

/// Gemma 3's text model: Gemma 2 with norms on queries and keys in place of capped scores, and five local layers, whose
/// rotary positions have a base of their own, to each global one. Gemma Team 2025, <https://arxiv.org/abs/2503.19786>.
public final class Gemma3 {
    static final Family FAMILY = Family.of("Gemma3", HeadLayout.decoder(VocabularyHead.capped(
            VocabularyHead.plain("lm_head", false, true), "final_logit_softcapping", 0)), Config::fromJson,
            Gemma3::build, "gemma3_text").below("model").withDropouts("attention_dropout");

    private Gemma3() {}

    /// Sizes of a checkpoint, named as in its `config.json`.
    ///
    /// @param queryPreAttnScalar    scores are divided by its root, in place of the head's width
    /// @param attnLogitSoftcapping  caps scores; 0: does not
    /// @param finalLogitSoftcapping caps the scores of ids
    /// @param localRope             rotary positions of the local layers
    @ModelConfig.Type("gemma3_text")
    public record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads, int numKeyValueHeads, int headDim, int maxPositionEmbeddings,
            @Key( {
                    "hidden_activation", "hidden_act"}) Activation hiddenActivation,
            double rmsNormEps,
            double initializerRange, boolean attentionBias, double attentionDropout, int padTokenId,
            boolean tieWordEmbeddings, double queryPreAttnScalar, double attnLogitSoftcapping,
            double finalLogitSoftcapping, RopeConfig rope, RopeConfig localRope,
            LayerTypes layers) implements ModelConfig<Config>{
        private static final Config USUAL = new Config(262_208, 2304, 9216, 26, 8, 4, 256, 131_072,
                Activation.GELU_TANH, 1e-6, 0.02, false, 0, -1, true, 256, 0, 0, RopeConfig.of(1e6),
                RopeConfig.of(10_000),
                LayerTypes.butEach(6, 4096));

        public Config {
            Sizes.requireHeads(numAttentionHeads, numKeyValueHeads, headDim);
        }

        /// As in `config.json`; what is missing has the published default.
        public static Config fromJson(Json json) {
            Config read = ModelConfig.read(json, USUAL);
            return read.with(Config::rope, RopeConfig.read(json, "full_attention", "rope_theta", USUAL.rope()))
                    .with(Config::localRope, RopeConfig.nearby(json, "rope_local_base_freq", USUAL.localRope()))
                    .with(Config::layers, LayerTypes.read(json,
                            LayerTypes.butEach(json.positive("sliding_window_pattern", 6), 4096)));
        }

        /// Two narrow layers: what a test builds in a blink.
        public static Config tiny() {
            return ModelConfig.tiny(USUAL);
        }
    }

    /// Names in quotes are the names inside the checkpoint.
    private static TextBackbone build(Config config, Weights weights) {
        Rotary global = config.rope().rotary(config.headDim());
        Rotary nearby = config.localRope().rotary(config.headDim());
        return Decoder
                .load(config, config.padTokenId(), weights, (layer, block) -> block(config, layer, block),
                        layer -> config.layers().pattern(layer, config.layers().limits(layer) ? nearby : global),
                        norm(config, weights.at("norm")))
                .withTokenScale(Math.sqrt(config.hiddenSize())).turning(global);
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
                                .withSoftcap(config.attnLogitSoftcapping()))
                        .withNorms(new Norms.PerHead(
                                RmsNorm.loadAroundOne(attention.at("q_norm"), config.headDim(), config.rmsNormEps()),
                                RmsNorm.loadAroundOne(attention.at("k_norm"), config.headDim(), config.rmsNormEps()))),
                Residual.sandwich(norm(config, weights.at("pre_feedforward_layernorm")),
                        norm(config, weights.at("post_feedforward_layernorm")), 0),
                FeedForward.Gated.load(weights.at("mlp"), config.hiddenActivation(), config.hiddenSize(),
                        config.intermediateSize(), false, config.init()));
    }

    private static Norm norm(Config config, Weights weights) {
        return RmsNorm.loadAroundOne(weights, config.hiddenSize(), config.rmsNormEps());
    }
}
