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
import dev.weft.nn.Norm;
import dev.weft.nn.Residual;
import dev.weft.nn.RmsNorm;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.Attention;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.position.Rotary;
import java.util.stream.IntStream;

/// Mixtral: Mistral with experts in place of each feed-forward part. Jiang et al. 2024,
/// <https://arxiv.org/abs/2401.04088>.
public final class Mixtral {
    static final Family FAMILY = Family
            .of("Mixtral", HeadLayout.decoder(false), Config::fromJson, Mixtral::build, "mixtral").below("model")
            .below(HeadKind.QUESTION_ANSWERING, "transformer").withDropouts("attention_dropout");

    private Mixtral() {}

    /// Sizes of a checkpoint, named as in its `config.json`.
    ///
    /// @param numLocalExperts   experts of a layer
    /// @param numExpertsPerTok  how many of them a token goes to
    @ModelConfig.Type("mixtral")
    public record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads, int numKeyValueHeads, int headDim, int maxPositionEmbeddings, Activation hiddenAct,
            double rmsNormEps, double initializerRange, double attentionDropout, int padTokenId,
            boolean tieWordEmbeddings, int numLocalExperts, int numExpertsPerTok, RopeConfig rope,
            LayerTypes layers) implements ModelConfig<Config> {
        private static final Config USUAL = new Config(32_000, 4096, 14_336, 32, 32, 8, 0, 131_072, Activation.SILU,
                1e-5, 0.02, 0, -1, false, 8, 2, RopeConfig.of(1e6), LayerTypes.all(0));

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
                layer -> config.layers().pattern(layer, rotary), norm(config, weights.at("norm"))).turning(rotary);
    }

    private static Block block(Config config, int layer, Weights weights) {
        var heads = new Heads(layer, config.numAttentionHeads(), config.numKeyValueHeads(), config.headDim());
        Weights moe = weights.at("block_sparse_moe");
        return Block.of(Residual.preNorm(norm(config, weights.at("input_layernorm")), 0),
                GroupedQueryAttention.load(weights.at("self_attn"), heads, config.hiddenSize(), false, false,
                        config.init(), Attention.scaled(config.headDim()).withDropout(config.attentionDropout())),
                Residual.preNorm(norm(config, weights.at("post_attention_layernorm")), 0),
                new Experts(
                        Linear.load(moe.at("gate"), config.hiddenSize(), config.numLocalExperts(), false,
                                config.init()),
                        IntStream.range(0, config.numLocalExperts())
                                .mapToObj(each -> expert(config, moe.at("experts").at(each))).toList(),
                        config.numExpertsPerTok(), true));
    }

    private static FeedForward expert(Config config, Weights weights) {
        int hidden = config.hiddenSize();
        int inner = config.intermediateSize();
        return new FeedForward.Gated(Linear.load(weights.at("w1"), hidden, inner, false, config.init()),
                Linear.load(weights.at("w3"), hidden, inner, false, config.init()), config.hiddenAct(),
                Linear.load(weights.at("w2"), inner, hidden, false, config.init()));
    }

    private static Norm norm(Config config, Weights weights) {
        return RmsNorm.load(weights, config.hiddenSize(), config.rmsNormEps());
    }
}
