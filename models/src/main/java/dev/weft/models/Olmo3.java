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
import dev.weft.nn.attention.GroupedQueryAttention.Norms;
import dev.weft.nn.position.Rotary;

/// OLMo 3: OLMo 2 with three local layers to each global one, whose positions alone are stretched. OLMo Team 2025,
/// <https://arxiv.org/abs/2512.13961>.
public final class Olmo3 {
    static final Family FAMILY = Family.of("Olmo3", HeadLayout.decoder(false), Config::fromJson, Olmo3::build, "olmo3")
            .below("model").below(HeadKind.QUESTION_ANSWERING, "transformer").withDropouts("attention_dropout");

    private Olmo3() {}

    /// Sizes of a checkpoint, named as in its `config.json`.
    @ModelConfig.Type("olmo3")
    public record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads, int numKeyValueHeads, int headDim, int maxPositionEmbeddings, Activation hiddenAct,
            double rmsNormEps, double initializerRange, boolean attentionBias, double attentionDropout, int padTokenId,
            boolean tieWordEmbeddings, RopeConfig rope, RopeConfig localRope,
            LayerTypes layers) implements ModelConfig<Config> {
        private static final Config USUAL = new Config(50_304, 4096, 11_008, 32, 32, 0, 0, 2048, Activation.SILU,
                1e-5, 0.02, false, 0, -1, false, RopeConfig.of(500_000), RopeConfig.of(500_000),
                LayerTypes.butEach(4, 4096));

        public Config {
            Sizes.requireHeads(numAttentionHeads, numKeyValueHeads, headDim);
        }

        /// As in `config.json`; what is missing has the published default.
        public static Config fromJson(Json json) {
            return ModelConfig.read(json, USUAL)
                    .with(Config::rope, RopeConfig.read(json, "full_attention", "rope_theta", USUAL.rope()))
                    .with(Config::localRope, RopeConfig.nearby(json, "rope_theta", USUAL.rope()));
        }

        /// Two narrow layers: what a test builds in a blink.
        public static Config tiny() {
            return ModelConfig.tiny(USUAL);
        }
    }

    /// Names in quotes are the names inside the checkpoint.
    private static TextBackbone build(Config config, Weights weights) {
        Rotary rotary = config.rope().rotary(config.headDim());
        Rotary nearby = config.localRope().rotary(config.headDim());
        return Decoder.load(config, config.padTokenId(), weights, (layer, block) -> block(config, layer, block),
                layer -> config.layers().pattern(layer, config.layers().limits(layer) ? nearby : rotary),
                norm(weights.at("norm"), config.hiddenSize(), config))
                .turning(rotary);
    }

    private static Block block(Config config, int layer, Weights weights) {
        int hidden = config.hiddenSize();
        var heads = new Heads(layer, config.numAttentionHeads(), config.numKeyValueHeads(), config.headDim());
        Weights attention = weights.at("self_attn");
        return Block.of(
                Residual.sandwich(Norm.NONE, norm(weights.at("post_attention_layernorm"), hidden, config), 0),
                GroupedQueryAttention
                        .load(attention, heads, hidden, config.attentionBias(), config.attentionBias(), config.init(),
                                Attention.scaled(config.headDim()).withDropout(config.attentionDropout()))
                        .withNorms(new Norms.Whole(norm(attention.at("q_norm"), heads.queryWidth(), config),
                                norm(attention.at("k_norm"), heads.keyWidth(), config))),
                Residual.sandwich(Norm.NONE, norm(weights.at("post_feedforward_layernorm"), hidden, config), 0),
                FeedForward.Gated.load(weights.at("mlp"), config.hiddenAct(), hidden, config.intermediateSize(), false,
                        config.init()));
    }

    private static Norm norm(Weights weights, int width, Config config) {
        return RmsNorm.load(weights, width, config.rmsNormEps());
    }
}
