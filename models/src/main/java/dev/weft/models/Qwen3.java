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
import dev.weft.nn.attention.GroupedQueryAttention.Norms;
import dev.weft.nn.position.Rotary;

/// Qwen3: Llama with a norm on each query and key head. Yang et al. 2025, <https://arxiv.org/abs/2505.09388>.
public final class Qwen3 {
    static final Family FAMILY = Family.of("Qwen3", HeadLayout.decoder(false), Config::fromJson, Qwen3::build, "qwen3")
            .below("model").below(HeadKind.QUESTION_ANSWERING, "transformer").withDropouts("attention_dropout");

    private Qwen3() {}

    /// Sizes of a checkpoint, named as in its `config.json`.
    @ModelConfig.Type("qwen3")
    public record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads, int numKeyValueHeads, int headDim, int maxPositionEmbeddings, Activation hiddenAct,
            double rmsNormEps, double initializerRange, boolean attentionBias, double attentionDropout, int padTokenId,
            boolean tieWordEmbeddings, RopeConfig rope, LayerTypes layers) implements ModelConfig<Config> {
        private static final Config USUAL = new Config(151_936, 4096, 22_016, 32, 32, 0, 128, 32_768, Activation.SILU,
                1e-6, 0.02, false, 0, -1, false, RopeConfig.of(10_000), LayerTypes.full());

        public Config {
            Sizes.requireHeads(numAttentionHeads, numKeyValueHeads, headDim);
        }

        /// As in `config.json`; what is missing has the published default.
        public static Config fromJson(Json json) {
            return ModelConfig.read(json, USUAL).with(Config::layers,
                    LayerTypes.from(json, "max_window_layers", 28, 4096));
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
                layer -> config.layers().pattern(layer, rotary),
                RmsNorm.load(weights.at("norm"), config.hiddenSize(), config.rmsNormEps())).turning(rotary);
    }

    private static Block block(Config config, int layer, Weights weights) {
        int hidden = config.hiddenSize();
        double eps = config.rmsNormEps();
        var heads = new Heads(layer, config.numAttentionHeads(), config.numKeyValueHeads(), config.headDim());
        Weights attention = weights.at("self_attn");
        return Block.of(Residual.preNorm(RmsNorm.load(weights.at("input_layernorm"), hidden, eps), 0),
                GroupedQueryAttention
                        .load(attention, heads, hidden, config.attentionBias(), config.attentionBias(), config.init(),
                                Attention.scaled(config.headDim()).withDropout(config.attentionDropout()))
                        .withNorms(new Norms.PerHead(RmsNorm.load(attention.at("q_norm"), config.headDim(), eps),
                                RmsNorm.load(attention.at("k_norm"), config.headDim(), eps))),
                Residual.preNorm(RmsNorm.load(weights.at("post_attention_layernorm"), hidden, eps), 0),
                FeedForward.Gated.load(weights.at("mlp"), config.hiddenAct(), hidden, config.intermediateSize(), false,
                        config.init()));
    }
}
