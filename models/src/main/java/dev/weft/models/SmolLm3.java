package dev.weft.models;

import dev.weft.models.backbone.Sizes;
import dev.weft.models.backbone.TextBackbone;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.HeadLayout;
import dev.weft.nn.Activation;
import dev.weft.nn.block.Block;
import dev.weft.nn.FeedForward;
import dev.weft.nn.Residual;
import dev.weft.nn.RmsNorm;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.Attention;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.position.Rotary;
import java.util.List;

/// SmolLM3: Llama whose every fourth layer knows no positions. Hugging Face 2025; Yang et al. 2025, “Rope to Nope and Back
/// Again”, <https://arxiv.org/abs/2501.18795>.
public final class SmolLm3 {
    static final Family FAMILY = Family
            .of("SmolLM3", HeadLayout.decoder(true), Config::fromJson, SmolLm3::build, "smollm3").below("model")
            .below(HeadKind.QUESTION_ANSWERING, "transformer").withDropouts("attention_dropout");

    private SmolLm3() {}

    /// Sizes of a checkpoint, named as in its `config.json`.
    ///
    /// @param noRopeLayers for each layer 1 if it knows positions, 0 if not; empty: as `noRopeLayerInterval` says
    /// @param noRopeLayerInterval each so many'th layer knows none
    @ModelConfig.Type("smollm3")
    public record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads, int numKeyValueHeads, int headDim, int maxPositionEmbeddings, Activation hiddenAct,
            double rmsNormEps, double initializerRange, boolean attentionBias, boolean mlpBias,
            double attentionDropout, int padTokenId, boolean tieWordEmbeddings, List<Integer> noRopeLayers,
            int noRopeLayerInterval, RopeConfig rope, LayerTypes layers) implements ModelConfig<Config> {
        private static final Config USUAL = new Config(128_256, 2048, 11_008, 36, 16, 4, 0, 32_768, Activation.SILU,
                1e-6, 0.02, false, false, 0, 128_004, true, List.of(), 4, RopeConfig.of(2e6), LayerTypes.full());

        public Config {
            Sizes.requireHeads(numAttentionHeads, numKeyValueHeads, headDim);
        }

        /// As in `config.json`; what is missing has the published default.
        public static Config fromJson(Json json) {
            Config read = ModelConfig.read(json, USUAL).with(Config::noRopeLayers,
                    json.has("no_rope_layers") ? json.integers("no_rope_layers") : List.of());
            return json.flag("use_sliding_window", false)
                    ? read.with(Config::layers,
                            LayerTypes.read(json, new LayerTypes(0, layer -> !read.turns(layer))))
                    : read.with(Config::layers, LayerTypes.full());
        }

        /// Two narrow layers: what a test builds in a blink.
        public static Config tiny() {
            return ModelConfig.tiny(USUAL).with(Config::padTokenId, -1);
        }

        boolean turns(int layer) {
            return noRopeLayers.isEmpty() ? (layer + 1) % noRopeLayerInterval != 0 : noRopeLayers.get(layer) != 0;
        }
    }

    /// Names in quotes are the names inside the checkpoint.
    private static TextBackbone build(Config config, Weights weights) {
        Rotary rotary = config.rope().rotary(config.headDim());
        return Decoder
                .load(config, config.padTokenId(), weights, (layer, block) -> block(config, layer, block),
                        layer -> config.layers().pattern(layer, config.turns(layer) ? rotary : null),
                        RmsNorm.load(weights.at("norm"), config.hiddenSize(), config.rmsNormEps()))
                .turning(rotary);
    }

    private static Block block(Config config, int layer, Weights weights) {
        int hidden = config.hiddenSize();
        double eps = config.rmsNormEps();
        var heads = new Heads(layer, config.numAttentionHeads(), config.numKeyValueHeads(), config.headDim());
        return Block.of(Residual.preNorm(RmsNorm.load(weights.at("input_layernorm"), hidden, eps), 0),
                GroupedQueryAttention.load(weights.at("self_attn"), heads, hidden, config.attentionBias(),
                        config.attentionBias(), config.init(),
                        Attention.scaled(config.headDim()).withDropout(config.attentionDropout())),
                Residual.preNorm(RmsNorm.load(weights.at("post_attention_layernorm"), hidden, eps), 0),
                FeedForward.Gated.load(weights.at("mlp"), config.hiddenAct(), hidden, config.intermediateSize(),
                        config.mlpBias(), config.init()));
    }
}
