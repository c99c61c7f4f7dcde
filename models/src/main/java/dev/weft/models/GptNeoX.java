package dev.weft.models;

import dev.weft.models.backbone.Inputs;
import dev.weft.models.backbone.Sizes;
import dev.weft.models.backbone.TextBackbone;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadContext;
import dev.weft.models.heads.HeadLayout;
import dev.weft.models.heads.VocabularyHead;
import dev.weft.nn.Activation;
import dev.weft.nn.block.Block;
import dev.weft.nn.Embedding;
import dev.weft.nn.FeedForward;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.LayerNorm;
import dev.weft.nn.Linear;
import dev.weft.nn.Norm;
import dev.weft.nn.Projection;
import dev.weft.nn.Residual;
import dev.weft.nn.block.Stack;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.Attention;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.QueryKeyValue;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.AttentionPattern;
import dev.weft.nn.position.Rotary;
import dev.weft.tensor.Tensor;

/// GPT-NeoX and Pythia: a decoder that turns a part of each head and whose attention and feed-forward, each behind its own
/// norm, commonly stand side by side. Black et al. 2022, <https://arxiv.org/abs/2204.06745>.
public final class GptNeoX implements TextBackbone {
    public static final String MODEL_TYPE = "gpt_neox";
    static final Family FAMILY = Family
            .of("GPTNeoX", HeadLayout.decoder(GptNeoX::head).withTokens("classifier"), Config::fromJson, GptNeoX::new,
                    MODEL_TYPE)
            .below("gpt_neox").withDropouts("hidden_dropout", "attention_dropout");

    /// Sizes of a checkpoint, named as in its `config.json`.
    ///
    /// @param useParallelResidual whether attention and feed-forward read the same
    /// @param attentionBias       whether the projections of attention have biases
    public record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads, int maxPositionEmbeddings, Activation activation, double layerNormEps,
            double initializerRange, boolean useParallelResidual, boolean attentionBias, double hiddenDropout,
            double attentionDropout, Rotary rotary) implements Sizes {

        /// As in `config.json`; what is missing has the reference's default.
        public static Config fromJson(Json json) {
            int hidden = json.positive("hidden_size", 6144);
            int heads = json.positive("num_attention_heads", 64);
            Sizes.requireMultiple("hidden_size", hidden, "num_attention_heads", heads);
            return new Config(json.positive("vocab_size", 50_432), hidden, json.positive("intermediate_size", 24_576),
                    json.positive("num_hidden_layers", 44), heads, json.positive("max_position_embeddings", 2048),
                    Activation.parse(json.text("hidden_act", "gelu")), json.number("layer_norm_eps", 1e-5),
                    json.number("initializer_range", 0.02), json.flag("use_parallel_residual", true),
                    json.flag("attention_bias", true), json.number("hidden_dropout", 0),
                    json.number("attention_dropout", 0), RopeConfig.read(json, hidden / heads, 0.25));
        }
    }

    private final Config config;
    private final Embedding tokens;
    private final Stack stack;

    /// Names in quotes are the names inside the checkpoint.
    public GptNeoX(Config config, Weights weights) {
        this.config = config;
        tokens = Embedding.load(weights.at("embed_in"), config.vocabSize(), config.hiddenSize(), init());
        stack = new Stack(config.numHiddenLayers(), layer -> block(config, layer, weights.at("layers").at(layer)),
                AttentionPattern.causal().with(config.rotary()), norm(config, weights.at("final_layer_norm")));
    }

    @Override
    public Tensor embed(Inputs inputs, ForwardPass pass) {
        return pass.dropout().apply(inputs.vectors(tokens, pass), config.hiddenDropout());
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
    public int maxPositions() {
        return RopeConfig.positions(config.rotary(), config.maxPositionEmbeddings());
    }

    @Override
    public Embedding tokens() {
        return tokens;
    }

    private static Block block(Config config, int layer, Weights weights) {
        Norm attentionNorm = norm(config, weights.at("input_layernorm"));
        Norm feedForwardNorm = norm(config, weights.at("post_attention_layernorm"));
        var attention = attention(config, layer, weights.at("attention"));
        Weights mlp = weights.at("mlp");
        var feedForward = FeedForward.Plain.load(mlp.at("dense_h_to_4h"), config.activation(), mlp.at("dense_4h_to_h"),
                config.hiddenSize(), config.intermediateSize(), true, config.init());
        double dropout = config.hiddenDropout();
        return config.useParallelResidual()
                ? new Block.Parallel(attentionNorm, attention, feedForwardNorm, feedForward, dropout)
                : new Block.Sequential(Residual.preNorm(attentionNorm, dropout), attention, null,
                        Residual.preNorm(feedForwardNorm, dropout), feedForward);
    }

    private static GroupedQueryAttention attention(Config config, int layer, Weights weights) {
        // Old files carry the causal mask as buffers.
        weights.ignore("bias", "masked_bias");
        int hidden = config.hiddenSize();
        Heads heads = new Heads(layer, config.numAttentionHeads(), config.headDim());
        return new GroupedQueryAttention(heads,
                QueryKeyValue.Grouped.load(weights, hidden, heads, config.attentionBias(), config.init()),
                Linear.load(weights.at("dense"), hidden, hidden, config.attentionBias(), config.init()),
                Attention.scaled(config.headDim()).withDropout(config.attentionDropout()));
    }

    private static Norm norm(Config config, Weights weights) {
        return LayerNorm.load(weights, config.hiddenSize(), config.layerNormEps());
    }

    /// Published files call the head `embed_out`, newer versions of the Python library `lm_head`.
    static Projection head(HeadContext context) {
        Weights weights = context.weights();
        boolean renamed = weights.has("lm_head.weight") && !weights.has("embed_out.weight");
        return VocabularyHead.plain(renamed ? "lm_head" : "embed_out", false, false).load(context);
    }
}
