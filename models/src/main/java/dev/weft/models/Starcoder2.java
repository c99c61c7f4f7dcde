package dev.weft.models;

import dev.weft.models.backbone.Sizes;
import dev.weft.models.backbone.TextBackbone;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadLayout;
import dev.weft.nn.Activation;
import dev.weft.nn.block.Block;
import dev.weft.nn.FeedForward;
import dev.weft.nn.LayerNorm;
import dev.weft.nn.Norm;
import dev.weft.nn.Residual;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.Attention;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.position.Rotary;

/// StarCoder2: a decoder with LayerNorm, rotary positions, grouped-query attention, a plain feed-forward part and biases
/// throughout, that looks back only so far. Lozhkov et al. 2024, <https://arxiv.org/abs/2402.19173>.
public final class Starcoder2 {
    static final Family FAMILY = Family
            .of("Starcoder2", HeadLayout.decoder(true), Config::fromJson, Starcoder2::build, "starcoder2")
            .below("model")
            .withDropouts("residual_dropout", "embedding_dropout", "attention_dropout");

    private Starcoder2() {}

    /// Sizes of a checkpoint, named as in its `config.json`.
    ///
    /// @param useBias whether projections have biases
    @ModelConfig.Type("starcoder2")
    public record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads, int numKeyValueHeads, int headDim, int maxPositionEmbeddings, Activation hiddenAct,
            double normEpsilon, double initializerRange, boolean useBias, double attentionDropout,
            double residualDropout, double embeddingDropout, int padTokenId, boolean tieWordEmbeddings,
            RopeConfig rope, LayerTypes layers) implements ModelConfig<Config> {
        private static final Config USUAL = new Config(49_152, 3072, 12_288, 30, 24, 2, 0, 4096, Activation.GELU_TANH,
                1e-5, 0.018042, true, 0, 0, 0, -1, true, RopeConfig.of(10_000), LayerTypes.all(0));

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
                .withEmbeddingDropout(config.embeddingDropout()).turning(rotary);
    }

    private static Block block(Config config, int layer, Weights weights) {
        var heads = new Heads(layer, config.numAttentionHeads(), config.numKeyValueHeads(), config.headDim());
        Weights mlp = weights.at("mlp");
        return Block.of(
                Residual.preNorm(norm(config, weights.at("input_layernorm")), config.residualDropout()),
                GroupedQueryAttention.load(weights.at("self_attn"), heads, config.hiddenSize(), config.useBias(),
                        config.useBias(), config.init(),
                        Attention.scaled(config.headDim()).withDropout(config.attentionDropout())),
                Residual.preNorm(norm(config, weights.at("post_attention_layernorm")), config.residualDropout()),
                FeedForward.Plain.load(mlp.at("c_fc"), config.hiddenAct(), mlp.at("c_proj"), config.hiddenSize(),
                        config.intermediateSize(), config.useBias(), config.init()));
    }

    private static Norm norm(Config config, Weights weights) {
        return LayerNorm.load(weights, config.hiddenSize(), config.normEpsilon());
    }
}
