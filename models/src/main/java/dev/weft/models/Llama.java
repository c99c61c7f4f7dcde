package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.nn.Activation;
import dev.weft.nn.Embedding;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Stack;
import dev.weft.nn.Weights;
import dev.weft.nn.position.Rotary;
import dev.weft.tensor.Tensor;

/// Llama: a decoder with RMSNorm before each part, rotary positions, grouped-query attention and SwiGLU.
/// Touvron et al. 2023, <https://arxiv.org/abs/2302.13971>. The families built after it differ in a few [LlamaParts].
public final class Llama implements Backbone {
    public static final String MODEL_TYPE = "llama";

    /// Sizes of a checkpoint, named as in its `config.json`.
    public record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads, int numKeyValueHeads, int headDim, int maxPositionEmbeddings, Activation activation,
            double normEps, double initializerRange, boolean attentionBias, boolean mlpBias, double attentionDropout,
            double residualDropout, int padTokenId, Rotary rotary) implements Sizes {

        public Config {
            Sizes.requireMultiple("num_attention_heads", numAttentionHeads, "num_key_value_heads", numKeyValueHeads);
            if (headDim % 2 != 0) {
                throw new IllegalArgumentException(
                        "config.json: head_dim must be even for rotary positions, found " + headDim);
            }
        }

        /// As in `config.json`; what is missing has Llama's default.
        public static Config fromJson(Json json) {
            return fromJson(json, 1);
        }

        /// @param rotaryShare which part of a head is turned where the config does not say
        static Config fromJson(Json json, double rotaryShare) {
            int hidden = json.positive("hidden_size");
            int heads = json.positive("num_attention_heads");
            if (!json.has("head_dim")) {
                Sizes.requireMultiple("hidden_size", hidden, "num_attention_heads", heads);
            }
            int headDim = json.positive("head_dim", hidden / heads);
            return new Config(json.positive("vocab_size"), hidden, json.positive("intermediate_size"),
                    json.positive("num_hidden_layers"), heads, json.positive("num_key_value_heads", heads), headDim,
                    json.positive("max_position_embeddings", 2048),
                    Activation.parse(json.text(json.first("hidden_activation", "hidden_act"), "silu")),
                    json.number(json.first("rms_norm_eps", "layer_norm_eps"), 1e-6),
                    json.number("initializer_range", 0.02), json.flag("attention_bias", false),
                    json.flag("mlp_bias", false), json.number("attention_dropout", 0),
                    json.number(json.first("resid_pdrop", "hidden_dropout"), 0),
                    json.integer("pad_token_id", -1), RopeConfig.read(json, headDim, rotaryShare));
        }
    }

    /// Llama itself.
    record Parts(Config config) implements LlamaParts {}

    private final Config config;
    private final double embeddingScale;
    private final long recomputesBeyond;
    private final Embedding tokens;
    private final Stack stack;

    public Llama(Config config, Weights weights) {
        this(new Parts(config), weights);
    }

    /// Names in quotes are the names inside the checkpoint.
    Llama(LlamaParts parts, Weights weights) {
        config = parts.config();
        embeddingScale = parts.embeddingScale();
        recomputesBeyond = parts.recomputesBeyond();
        tokens = Embedding.load(weights.at("embed_tokens"), config.vocabSize(), config.hiddenSize(), config.init())
                .withPadding(config.padTokenId());
        stack = new Stack(config.numHiddenLayers(),
                layer -> parts.block(layer, weights.at("layers").at(layer)), parts::reach,
                parts.norm(weights.at("norm"), config.hiddenSize()));
    }

    @Override
    public Tensor forward(Tensor tokenIds, ForwardPass pass) {
        Tensor embedded = tokens.forward(tokenIds);
        return stack.forward(embeddingScale == 1 ? embedded : embedded.mul(embeddingScale), pass);
    }

    @Override
    public Sizes sizes() {
        return config;
    }

    @Override
    public int maxPositions() {
        return RopeConfig.positions(config.rotary(), config.maxPositionEmbeddings());
    }

    @Override
    public long recomputesBeyond() {
        return recomputesBeyond;
    }

    @Override
    public Embedding tokens() {
        return tokens;
    }
}
