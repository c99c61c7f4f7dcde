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
import dev.weft.nn.Projection;
import dev.weft.nn.Residual;
import dev.weft.nn.block.Stack;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.Attention;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.QueryKeyValue;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.AttentionPattern;
import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// OPT: a decoder with learned positions, counted among the tokens that are not padding. Zhang et al. 2022,
/// <https://arxiv.org/abs/2205.01068>.
public final class Opt implements TextBackbone {
    public static final String MODEL_TYPE = "opt";
    static final Family FAMILY = Family.of("OPT", HeadLayout.decoder(true), Config::fromJson, Opt::new, MODEL_TYPE)
            .below("model").withSizeNames(Map.of("intermediate_size", "ffn_dim"))
            .withDropouts("dropout", "attention_dropout");

    /// The table of positions begins with two that no token has.
    private static final int FIRST_POSITION = 2;
    private static final double EPS = 1e-5;

    /// Sizes of a checkpoint, named as in its `config.json`.
    ///
    /// @param wordEmbedProjDim width of the embeddings and of what goes to a head; where it is not the hidden size,
    ///                         projections stand between
    /// @param normsBefore      norms before each part and one at the end, as in all but the 350m
    /// @param finalNorm        whether there is that one
    /// @param learnedNorms     whether norms have weights
    /// @param bias             whether projections have biases
    public record Config(int vocabSize, int hiddenSize, int wordEmbedProjDim, int intermediateSize,
            int numHiddenLayers, int numAttentionHeads, int maxPositionEmbeddings, Activation activation,
            boolean normsBefore, boolean finalNorm, boolean learnedNorms, boolean bias, double initializerRange,
            double dropout, double attentionDropout, int padTokenId) implements Sizes {

        public Config {
            Sizes.requireMultiple("hidden_size", hiddenSize, "num_attention_heads", numAttentionHeads);
        }

        /// As in `config.json`; what is missing has the reference's default.
        public static Config fromJson(Json json) {
            int hidden = json.positive("hidden_size", 768);
            boolean before = json.flag("do_layer_norm_before", true);
            return new Config(json.positive("vocab_size", 50_272), hidden,
                    json.positive("word_embed_proj_dim", hidden), json.positive("ffn_dim", 3072),
                    json.positive("num_hidden_layers", 12), json.positive("num_attention_heads", 12),
                    json.positive("max_position_embeddings", 2048),
                    Activation.parse(json.text("activation_function", "relu")), before,
                    before && !json.flag("_remove_final_layer_norm", false),
                    json.flag("layer_norm_elementwise_affine", true), json.flag("enable_bias", true),
                    json.number("init_std", 0.02), json.number("dropout", 0.1), json.number("attention_dropout", 0),
                    json.withDefaults(Json.object().put("pad_token_id", 1)).integer("pad_token_id", -1));
        }
    }

    private final Config config;
    private final Embedding tokens;
    private final Embedding positions;
    private final Projection widening;
    private final Stack stack;

    /// Names in quotes are the names inside the checkpoint.
    public Opt(Config config, Weights weights) {
        this.config = config;
        Weights decoder = weights.at("decoder");
        int hidden = config.hiddenSize();
        int width = config.wordEmbedProjDim();
        tokens = Embedding.load(decoder.at("embed_tokens"), config.vocabSize(), width, init())
                .withPadding(config.padTokenId());
        positions = Embedding.load(decoder.at("embed_positions"), config.maxPositionEmbeddings() + FIRST_POSITION,
                hidden, init());
        widening = projection(config, decoder.at("project_in"), width, hidden);
        Projection narrowing = projection(config, decoder.at("project_out"), hidden, width);
        Norm last = config.finalNorm() ? norm(config, decoder.at("final_layer_norm")) : Norm.NONE;
        stack = new Stack(config.numHiddenLayers(), layer -> block(config, layer, decoder.at("layers").at(layer)),
                AttentionPattern.causal(), x -> narrowing.forward(last.forward(x)));
    }

    @Override
    public Tensor embed(Inputs inputs, ForwardPass pass) {
        Tensor vectors = inputs.vectors(tokens, pass);
        Tensor places = places(vectors.size(1), pass).to(vectors.device()).add(FIRST_POSITION);
        return widening.forward(vectors).add(positions.forward(places));
    }

    @Override
    public Tensor blocks(Tensor embedded, ForwardPass pass) {
        return stack.forward(embedded, pass);
    }

    /// Padding stands at −1 and is not counted.
    private Tensor places(long seq, ForwardPass pass) {
        Tensor keep = pass.mask().keep();
        if (pass.positions() != null || keep == null) {
            return pass.positions(seq, config.maxPositionEmbeddings(), "max_position_embeddings");
        }
        Tensor real = keep.ne(0).to(DType.INT64);
        return real.cumsum(1).mul(real).sub(1).narrow(1, pass.cached(), seq);
    }

    @Override
    public Sizes sizes() {
        return config;
    }

    @Override
    public int hiddenSize() {
        return config.wordEmbedProjDim();
    }

    @Override
    public Embedding tokens() {
        return tokens;
    }

    private static Block block(Config config, int layer, Weights weights) {
        int hidden = config.hiddenSize();
        Heads heads = new Heads(layer, config.numAttentionHeads(), config.headDim());
        Weights attention = weights.at("self_attn");
        return new Block.Sequential(residual(config, weights.at("self_attn_layer_norm")),
                new GroupedQueryAttention(heads,
                        QueryKeyValue.Apart.load(attention, hidden, heads, config.bias(), config.init()),
                        Linear.load(attention.at("out_proj"), hidden, hidden, config.bias(), config.init()),
                        Attention.scaled(config.headDim()).withDropout(config.attentionDropout())),
                null, residual(config, weights.at("final_layer_norm")),
                FeedForward.Plain.load(weights.at("fc1"), config.activation(), weights.at("fc2"), hidden,
                        config.intermediateSize(), config.bias(), config.init()));
    }

    private static Residual residual(Config config, Weights weights) {
        Norm norm = norm(config, weights);
        return config.normsBefore()
                ? Residual.preNorm(norm, config.dropout())
                : Residual.postNorm(norm, config.dropout());
    }

    private static Norm norm(Config config, Weights weights) {
        return config.learnedNorms() ? LayerNorm.load(weights, config.hiddenSize(), EPS) : LayerNorm.fixed(EPS);
    }

    private static Projection projection(Config config, Weights weights, int in, int out) {
        return in == out ? x -> x : Linear.load(weights, in, out, false, config.init());
    }
}
