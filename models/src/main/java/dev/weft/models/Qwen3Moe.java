package dev.weft.models;

import dev.weft.models.backbone.Sizes;
import dev.weft.models.backbone.TextBackbone;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.HeadLayout;
import dev.weft.nn.Activation;
import dev.weft.nn.block.Block;
import dev.weft.nn.Experts;
import dev.weft.nn.FeedForward;
import dev.weft.nn.Linear;
import dev.weft.nn.Residual;
import dev.weft.nn.RmsNorm;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.Attention;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.Norms;
import dev.weft.nn.position.Rotary;
import java.util.List;
import java.util.stream.IntStream;

/// Qwen3-MoE: Qwen3 with experts in place of the feed-forward part of most layers. Yang et al. 2025,
/// <https://arxiv.org/abs/2505.09388>.
public final class Qwen3Moe {
    static final Family FAMILY = Family
            .of("Qwen3Moe", HeadLayout.decoder(false), Config::fromJson, Qwen3Moe::build, "qwen3_moe")
            .below("model").below(HeadKind.QUESTION_ANSWERING, "transformer").withDropouts("attention_dropout");

    private Qwen3Moe() {}

    /// Sizes of a checkpoint, named as in its `config.json`.
    ///
    /// @param numExperts        experts of a layer
    /// @param numExpertsPerTok  how many of them a token goes to
    /// @param moeIntermediateSize inner width of an expert
    /// @param normTopkProb      whether the shares of a token's experts are made to add up to 1
    /// @param decoderSparseStep each so many'th layer has experts
    /// @param mlpOnlyLayers     layers that have none whatever their number
    @ModelConfig.Type("qwen3_moe")
    public record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads, int numKeyValueHeads, int headDim, int maxPositionEmbeddings, Activation hiddenAct,
            double rmsNormEps, double initializerRange, boolean attentionBias, @Key( {
                    "num_experts", "num_local_experts"}) int numExperts,
            int numExpertsPerTok,
            int moeIntermediateSize, boolean normTopkProb, int decoderSparseStep, List<Integer> mlpOnlyLayers,
            double attentionDropout, int padTokenId,
            boolean tieWordEmbeddings, RopeConfig rope, LayerTypes layers) implements ModelConfig<Config>{
        private static final Config USUAL = new Config(151_936, 2048, 6144, 24, 32, 4, 0, 32_768, Activation.SILU,
                1e-6, 0.02, false, 128, 8, 768, false, 1, List.of(), 0, -1, false, RopeConfig.of(10_000),
                LayerTypes.full());

        public Config {
            Sizes.requireHeads(numAttentionHeads, numKeyValueHeads, headDim);
        }

        /// As in `config.json`; what is missing has the published default.
        public static Config fromJson(Json json) {
            // Where windows are used, all layers have them.
            return ModelConfig.read(json, USUAL).with(Config::layers, LayerTypes.from(json, "", 0, 4096))
                    .with(Config::mlpOnlyLayers,
                            json.has("mlp_only_layers") ? json.integers("mlp_only_layers") : List.of());
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
                feedForward(config, layer, weights.at("mlp")));
    }

    private static FeedForward feedForward(Config config, int layer, Weights weights) {
        if (config.mlpOnlyLayers().contains(layer) || (layer + 1) % config.decoderSparseStep() != 0) {
            return gated(config, weights, config.intermediateSize());
        }
        return new Experts(
                Linear.load(weights.at("gate"), config.hiddenSize(), config.numExperts(), false, config.init()),
                IntStream.range(0, config.numExperts()).mapToObj(
                        each -> gated(config, weights.at("experts").at(each), config.moeIntermediateSize())).toList(),
                config.numExpertsPerTok(), config.normTopkProb());
    }

    private static FeedForward gated(Config config, Weights weights, int inner) {
        return FeedForward.Gated.load(weights, config.hiddenAct(), config.hiddenSize(), inner, false, config.init());
    }
}
