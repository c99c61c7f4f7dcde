package dev.weft.models;

import dev.weft.models.backbone.Sizes;
import dev.weft.models.backbone.TextBackbone;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.HeadLayout;
import dev.weft.nn.Activation;
import dev.weft.nn.block.Block;
import dev.weft.nn.FeedForward;
import dev.weft.nn.Linear;
import dev.weft.nn.Residual;
import dev.weft.nn.RmsNorm;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.Attention;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.QueryKeyValue;
import dev.weft.nn.position.RopeScaling;
import dev.weft.nn.position.Rotary;

/// Phi-3: Llama with its projections packed together and, in the long variants, LongRoPE. Abdin et al. 2024,
/// <https://arxiv.org/abs/2404.14219>.
public final class Phi3 {
    static final Family FAMILY = Family.of("Phi3", HeadLayout.decoder(false), Config::fromJson, Phi3::build, "phi3")
            .below("model").below(HeadKind.QUESTION_ANSWERING, "transformer")
            .withDropouts("resid_pdrop", "attention_dropout");

    private Phi3() {}

    /// Sizes of a checkpoint, named as in its `config.json`.
    ///
    /// @param residPdrop share of what enters the residual stream that training drops
    @ModelConfig.Type("phi3")
    public record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads, int numKeyValueHeads, int headDim, int maxPositionEmbeddings, Activation hiddenAct,
            double rmsNormEps, double initializerRange, double attentionDropout, double residPdrop, int padTokenId,
            boolean tieWordEmbeddings, RopeConfig rope, LayerTypes layers) implements ModelConfig<Config> {
        private static final Config USUAL = new Config(32_064, 3072, 8192, 32, 32, 0, 0, 4096, Activation.SILU, 1e-5,
                0.02, 0, 0, -1, false, RopeConfig.of(10_000), LayerTypes.all(0));

        public Config {
            Sizes.requireHeads(numAttentionHeads, numKeyValueHeads, headDim);
        }

        /// As in `config.json`; what is missing has the published default.
        public static Config fromJson(Json json) {
            return ModelConfig.read(json.withDefaults(Json.object().put("original_max_position_embeddings", 4096)
                    .put("max_position_embeddings", 4096)), USUAL);
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
                        layer -> config.layers().pattern(layer, rotary),
                        RmsNorm.load(weights.at("norm"), config.hiddenSize(), config.rmsNormEps()))
                .turning(rotary).recomputingBeyond(rotary.scaling() instanceof RopeScaling.LongRope longRope
                        ? longRope.context()
                        : Long.MAX_VALUE);
    }

    private static Block block(Config config, int layer, Weights weights) {
        int hidden = config.hiddenSize();
        double eps = config.rmsNormEps();
        double drop = config.residPdrop();
        var heads = new Heads(layer, config.numAttentionHeads(), config.numKeyValueHeads(), config.headDim());
        Weights attention = weights.at("self_attn");
        return Block.of(Residual.preNorm(RmsNorm.load(weights.at("input_layernorm"), hidden, eps), drop),
                new GroupedQueryAttention(heads,
                        new QueryKeyValue.Packed(Linear.load(attention.at("qkv_proj"), hidden,
                                heads.queryWidth() + 2 * heads.keyWidth(), false, config.init())),
                        Linear.load(attention.at("o_proj"), heads.queryWidth(), hidden, false, config.init()),
                        Attention.scaled(config.headDim()).withDropout(config.attentionDropout())),
                Residual.preNorm(RmsNorm.load(weights.at("post_attention_layernorm"), hidden, eps), drop),
                FeedForward.GatedPacked.load(weights.at("mlp"), config.hiddenAct(), hidden, config.intermediateSize(),
                        config.init()));
    }
}
