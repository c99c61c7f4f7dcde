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

/// Qwen2: Llama with biases on queries, keys and values, and upper layers that may look back only so far.
/// Yang et al. 2024, <https://arxiv.org/abs/2407.10671>.
public final class Qwen2 {
    static final Family FAMILY = Family.of("Qwen2", HeadLayout.decoder(false), Config::fromJson, Qwen2::build, "qwen2")
            .below("model").below(HeadKind.QUESTION_ANSWERING, "transformer").withDropouts("attention_dropout");

    private Qwen2() {}

    /// Sizes of a checkpoint, named as in its `config.json`.
    @ModelConfig.Type("qwen2")
    public record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads, int numKeyValueHeads, int headDim, int maxPositionEmbeddings, Activation hiddenAct,
            double rmsNormEps, double initializerRange, double attentionDropout, int padTokenId,
            boolean tieWordEmbeddings, RopeConfig rope, LayerTypes layers) implements ModelConfig<Config> {
        private static final Config USUAL = new Config(151_936, 4096, 22_016, 32, 32, 0, 0, 32_768, Activation.SILU,
                1e-6, 0.02, 0, -1, false, RopeConfig.of(10_000), LayerTypes.full());

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
                        .load(attention, heads, hidden, true, false, config.init(),
                                Attention.scaled(config.headDim()).withDropout(config.attentionDropout())),
                Residual.preNorm(RmsNorm.load(weights.at("post_attention_layernorm"), hidden, eps), 0),
                FeedForward.Gated.load(weights.at("mlp"), config.hiddenAct(), hidden, config.intermediateSize(), false,
                        config.init()));
    }
}
