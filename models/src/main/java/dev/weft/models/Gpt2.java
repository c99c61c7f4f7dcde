package dev.weft.models;

import dev.weft.models.backbone.Inputs;
import dev.weft.models.backbone.Sizes;
import dev.weft.models.backbone.TextBackbone;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.HeadLayout;
import dev.weft.nn.Activation;
import dev.weft.nn.block.Block;
import dev.weft.nn.Embedding;
import dev.weft.nn.FeedForward;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Init;
import dev.weft.nn.LayerNorm;
import dev.weft.nn.Linear;
import dev.weft.nn.Projection;
import dev.weft.nn.Residual;
import dev.weft.nn.block.Stack;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.Attention;
import dev.weft.nn.attention.CrossAttention;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.QueryKeyValue;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.AttentionPattern;
import dev.weft.tensor.Tensor;
import java.util.Map;
import tools.jackson.databind.node.ObjectNode;

/// GPT-2: a decoder with learned positions, a norm before each part and one at the end.
/// Radford et al. 2019, “Language Models are Unsupervised Multitask Learners”, §2.3.
public final class Gpt2 implements TextBackbone {
    public static final String MODEL_TYPE = "gpt2";
    static final Family FAMILY = Family
            .of("GPT2", HeadLayout.decoder(true).withTokens("classifier"), Config::fromJson, Gpt2::new, MODEL_TYPE)
            .below("transformer").named(HeadKind.CAUSAL_LANGUAGE, "LMHeadModel")
            .withSizeNames(
                    Map.of("hidden_size", "n_embd", "num_hidden_layers", "n_layer", "num_attention_heads", "n_head",
                            "intermediate_size", "n_inner", "max_position_embeddings", "n_positions"))
            .withDropouts("resid_pdrop", "embd_pdrop", "attn_pdrop");

    /// Sizes of a checkpoint; the keys of its `config.json` are older than the common names and are translated here.
    ///
    /// @param scaleAttnWeights              scores divided by √headDim
    /// @param scaleAttnByInverseLayerIdx    scores divided by the layer's number as well, counted from 1
    /// @param addCrossAttention             each block also looks at an encoder, as in an encoder-decoder
    public record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads,
            int maxPositionEmbeddings, Activation activation, double layerNormEpsilon, double initializerRange,
            Drops dropout, boolean scaleAttnWeights, boolean scaleAttnByInverseLayerIdx, boolean addCrossAttention,
            boolean tieWordEmbeddings) implements Sizes {

        public Config {
            Sizes.requireMultiple("n_embd", hiddenSize, "n_head", numAttentionHeads);
        }

        /// As in `config.json`; what is missing has the reference's default.
        public static Config fromJson(Json json) {
            int hidden = json.positive(json.first("n_embd", "hidden_size"), 768);
            return new Config(json.positive("vocab_size", 50_257), hidden, json.positive("n_inner", 4 * hidden),
                    json.positive(json.first("n_layer", "num_hidden_layers"), 12),
                    json.positive(json.first("n_head", "num_attention_heads"), 12),
                    json.positive(json.first("n_positions", "max_position_embeddings", "n_ctx"), 1024),
                    Activation.parse(json.text("activation_function", "gelu_new")),
                    json.number("layer_norm_epsilon", 1e-5),
                    json.number("initializer_range", 0.02),
                    Drops.read(json, 0.1),
                    json.flag("scale_attn_weights", true), json.flag("scale_attn_by_inverse_layer_idx", false),
                    json.flag("add_cross_attention", false), json.flag("tie_word_embeddings", true));
        }

        /// Two narrow layers: what a test builds in a blink.
        public static Config tiny() {
            return new Config(64, 16, 64, 2, 2, 32, Activation.GELU_TANH, 1e-5, 0.02, new Drops(0, 0, 0), true, false,
                    false, true);
        }

        /// With so many ids.
        public Config withVocabSize(int size) {
            return resized(size, hiddenSize, numHiddenLayers, numAttentionHeads, maxPositionEmbeddings, dropout);
        }

        /// Layers, heads, hidden size and positions; the inner size is four times the hidden one.
        public Config withSizes(int layers, int heads, int hidden, int positions) {
            return resized(vocabSize, hidden, layers, heads, positions, dropout);
        }

        /// One share for all three places.
        public Config withDropout(double share) {
            return resized(vocabSize, hiddenSize, numHiddenLayers, numAttentionHeads, maxPositionEmbeddings,
                    new Drops(share, share, share));
        }

        /// With a look at an encoder in each block.
        public Config withCrossAttention() {
            return new Config(vocabSize, hiddenSize, intermediateSize, numHiddenLayers, numAttentionHeads,
                    maxPositionEmbeddings, activation, layerNormEpsilon, initializerRange, dropout, scaleAttnWeights,
                    scaleAttnByInverseLayerIdx, true, tieWordEmbeddings);
        }

        private Config resized(int vocab, int hidden, int layers, int heads, int positions, Drops drops) {
            return new Config(vocab, hidden, 4 * hidden, layers, heads, positions, activation, layerNormEpsilon,
                    initializerRange, drops, scaleAttnWeights, scaleAttnByInverseLayerIdx, addCrossAttention,
                    tieWordEmbeddings);
        }

        /// What the Python library reads.
        public ObjectNode toJson() {
            return Json.object().put("model_type", MODEL_TYPE).put("vocab_size", vocabSize)
                    .put("n_positions", maxPositionEmbeddings).put("n_embd", hiddenSize).put("n_layer", numHiddenLayers)
                    .put("n_head", numAttentionHeads).put("n_inner", intermediateSize)
                    .put("activation_function", activation.configName()).put("resid_pdrop", dropout.residual())
                    .put("embd_pdrop", dropout.embeddings()).put("attn_pdrop", dropout.attention())
                    .put("layer_norm_epsilon", layerNormEpsilon).put("initializer_range", initializerRange)
                    .put("scale_attn_weights", scaleAttnWeights)
                    .put("scale_attn_by_inverse_layer_idx", scaleAttnByInverseLayerIdx)
                    .put("add_cross_attention", addCrossAttention).put("tie_word_embeddings", tieWordEmbeddings);
        }
    }

    private final Config config;
    private final Embedding tokens;
    private final Embedding positions;
    private final Stack stack;

    /// Names in quotes are the names inside the checkpoint.
    public Gpt2(Config config, Weights weights) {
        this.config = config;
        tokens = Embedding.load(weights.at("wte"), config.vocabSize(), config.hiddenSize(), init());
        positions = Embedding.load(weights.at("wpe"), config.maxPositionEmbeddings(), config.hiddenSize(), init());
        stack = new Stack(config.numHiddenLayers(), layer -> block(config, layer, weights.at("h").at(layer)),
                AttentionPattern.causal(),
                LayerNorm.load(weights.at("ln_f"), config.hiddenSize(), config.layerNormEpsilon()));
    }

    @Override
    public Tensor embed(Inputs inputs, ForwardPass pass) {
        Tensor vectors = embedded(tokens, inputs, pass);
        Tensor places = pass.positions(vectors.size(1), config.maxPositionEmbeddings(), "n_positions")
                .to(vectors.device());
        return pass.dropout().apply(vectors.add(positions.forward(places)), config.dropout().embeddings());
    }

    @Override
    public Tensor blocks(Tensor embedded, ForwardPass pass) {
        return stack.forward(embedded, pass);
    }

    /// The vectors of the tokens; a segment, where one is given, is a token too.
    static Tensor embedded(Embedding tokens, Inputs inputs, ForwardPass pass) {
        Tensor embedded = inputs.vectors(tokens, pass);
        return pass.tokenTypes() == null ? embedded : embedded.add(tokens.forward(pass.tokenTypes()));
    }

    @Override
    public Sizes sizes() {
        return config;
    }

    @Override
    public Embedding tokens() {
        return tokens;
    }

    /// x + attention(norm(x)), then x + feedForward(norm(x)).
    private static Block block(Config config, int layer, Weights weights) {
        int hidden = config.hiddenSize();
        int headDim = config.headDim();
        Weights attn = weights.at("attn");
        // Old files carry the causal mask as buffers.
        attn.ignore("bias", "masked_bias");
        Attention formula = formula(config, layer, headDim);
        Weights mlp = weights.at("mlp");
        return new Block.Sequential(residual(config, weights.at("ln_1")),
                new GroupedQueryAttention(new Heads(layer, config.numAttentionHeads(), headDim),
                        new QueryKeyValue.Packed(conv1d(config, attn.at("c_attn"), hidden, 3 * hidden)),
                        entry(config, attn.at("c_proj"), hidden), formula),
                config.addCrossAttention() ? cross(config, weights, headDim, formula) : null,
                residual(config, weights.at("ln_2")),
                new FeedForward.Plain(conv1d(config, mlp.at("c_fc"), hidden, config.intermediateSize()),
                        config.activation(), entry(config, mlp.at("c_proj"), config.intermediateSize())));
    }

    private static Attention formula(Config config, int layer, int headDim) {
        double scale = config.scaleAttnWeights() ? 1 / Math.sqrt(headDim) : 1;
        return Attention.scaled(headDim)
                .withScale(config.scaleAttnByInverseLayerIdx() ? scale / (layer + 1) : scale)
                .withDropout(config.dropout().attention());
    }

    private static Block.Cross cross(Config config, Weights block, int headDim, Attention formula) {
        int hidden = config.hiddenSize();
        Weights weights = block.at("crossattention");
        weights.ignore("bias", "masked_bias");
        return new Block.Cross(residual(config, block.at("ln_cross_attn")),
                new CrossAttention(config.numAttentionHeads(), headDim,
                        conv1d(config, weights.at("q_attn"), hidden, hidden),
                        new CrossAttention.KeysValues.Packed(conv1d(config, weights.at("c_attn"), hidden, 2 * hidden)),
                        entry(config, weights.at("c_proj"), hidden), formula));
    }

    private static Residual residual(Config config, Weights norm) {
        return Residual.preNorm(LayerNorm.load(norm, config.hiddenSize(), config.layerNormEpsilon()),
                config.dropout().residual());
    }

    private static Projection conv1d(Config config, Weights weights, int in, int out) {
        return Linear.load(weights, Linear.Layout.IN_OUT, in, out, config.init());
    }

    /// What enters the residual stream begins smaller by √(2·layers), §2.3 of the paper.
    private static Projection entry(Config config, Weights weights, int in) {
        double std = config.initializerRange() / Math.sqrt(2.0 * config.numHiddenLayers());
        return Linear.load(weights, Linear.Layout.IN_OUT, in, config.hiddenSize(), Init.normal(std));
    }
}
