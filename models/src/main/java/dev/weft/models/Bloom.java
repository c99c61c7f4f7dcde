package dev.weft.models;

import dev.weft.models.backbone.Inputs;
import dev.weft.models.backbone.Sizes;
import dev.weft.models.backbone.TextBackbone;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadLayout;
import dev.weft.nn.Activation;
import dev.weft.nn.block.Block;
import dev.weft.nn.Embedding;
import dev.weft.nn.FeedForward;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.LayerNorm;
import dev.weft.nn.Linear;
import dev.weft.nn.Norm;
import dev.weft.nn.Residual;
import dev.weft.nn.block.Stack;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.Attention;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.QueryKeyValue;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.AttentionPattern;
import dev.weft.nn.position.Alibi;
import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// BLOOM: a decoder that knows positions by ALiBi alone, with a norm behind the embeddings. Le Scao et al. 2022,
/// <https://arxiv.org/abs/2211.05100>.
public final class Bloom implements TextBackbone {
    public static final String MODEL_TYPE = "bloom";
    static final Family FAMILY = Family
            .of("Bloom", HeadLayout.decoder(true).withTokens("classifier"), Config::fromJson, Bloom::new, MODEL_TYPE)
            .below("transformer").withSizeNames(Map.of("num_hidden_layers", "n_layer", "num_attention_heads", "n_head"))
            .withDropouts("hidden_dropout", "attention_dropout");

    /// Sizes of a checkpoint; keys of its `config.json` that are older than the common names are translated here.
    ///
    /// @param normedResidual what the parts are added to is the norm's result
    ///                       (`apply_residual_connection_post_layernorm`)
    public record Config(int vocabSize, int hiddenSize, int numHiddenLayers, int numAttentionHeads,
            double layerNormEpsilon, double initializerRange, boolean normedResidual, double hiddenDropout,
            double attentionDropout) implements Sizes {

        public Config {
            Sizes.requireMultiple("hidden_size", hiddenSize, "n_head", numAttentionHeads);
        }

        /// As in `config.json`; what is missing has the reference's default.
        public static Config fromJson(Json json) {
            return new Config(json.positive("vocab_size", 250_880),
                    json.positive(json.first("n_embed", "hidden_size"), 64),
                    json.positive(json.first("n_layer", "num_hidden_layers"), 2),
                    json.positive(json.first("n_head", "num_attention_heads"), 8),
                    json.number("layer_norm_epsilon", 1e-5), json.number("initializer_range", 0.02),
                    json.flag("apply_residual_connection_post_layernorm", false), json.number("hidden_dropout", 0),
                    json.number("attention_dropout", 0));
        }

        /// Distances have no end.
        @Override
        public int maxPositionEmbeddings() {
            return Integer.MAX_VALUE;
        }
    }

    private final Config config;
    private final Embedding tokens;
    private final Norm embeddingNorm;
    private final Stack stack;

    /// Names in quotes are the names inside the checkpoint.
    public Bloom(Config config, Weights weights) {
        this.config = config;
        tokens = Embedding.load(weights.at("word_embeddings"), config.vocabSize(), config.hiddenSize(), init());
        embeddingNorm = norm(config, weights.at("word_embeddings_layernorm"));
        stack = new Stack(config.numHiddenLayers(), layer -> block(config, layer, weights.at("h").at(layer)),
                AttentionPattern.causal().with(new Alibi(config.numAttentionHeads(), DType.FLOAT32, 1)),
                norm(config, weights.at("ln_f")));
    }

    @Override
    public Tensor embed(Inputs inputs, ForwardPass pass) {
        return embeddingNorm.forward(inputs.vectors(tokens, pass));
    }

    @Override
    public Tensor blocks(Tensor embedded, ForwardPass pass) {
        return stack.forward(embedded, pass);
    }

    @Override
    public Sizes sizes() {
        return config;
    }

    @Override
    public Embedding tokens() {
        return tokens;
    }

    private static Block block(Config config, int layer, Weights weights) {
        int hidden = config.hiddenSize();
        Heads heads = new Heads(layer, config.numAttentionHeads(), config.headDim());
        Weights attention = weights.at("self_attention");
        Weights mlp = weights.at("mlp");
        return new Block.Sequential(residual(config, weights.at("input_layernorm")),
                new GroupedQueryAttention(heads,
                        QueryKeyValue.Grouped.load(attention, hidden, heads, true, config.init()),
                        Linear.load(attention.at("dense"), hidden, hidden, true, config.init()),
                        Attention.scaled(config.headDim()).withDropout(config.attentionDropout())),
                null, residual(config, weights.at("post_attention_layernorm")),
                FeedForward.Plain.load(mlp.at("dense_h_to_4h"), Activation.GELU_TANH, mlp.at("dense_4h_to_h"), hidden,
                        4 * hidden, true, config.init()));
    }

    private static Residual residual(Config config, Weights weights) {
        Norm norm = norm(config, weights);
        return config.normedResidual()
                ? Residual.normed(norm, config.hiddenDropout())
                : Residual.preNorm(norm, config.hiddenDropout());
    }

    private static Norm norm(Config config, Weights weights) {
        return LayerNorm.load(weights, config.hiddenSize(), config.layerNormEpsilon());
    }
}
