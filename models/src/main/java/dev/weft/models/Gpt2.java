package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.nn.Activation;
import dev.weft.nn.Dropout;
import dev.weft.nn.Embedding;
import dev.weft.nn.FeedForward;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Init;
import dev.weft.nn.LayerNorm;
import dev.weft.nn.Linear;
import dev.weft.nn.Norm;
import dev.weft.nn.Projection;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.Attention;
import dev.weft.nn.attention.AttentionMask;
import dev.weft.nn.attention.CrossAttention;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.Inputs;
import dev.weft.nn.attention.ScoreMask;
import dev.weft.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/// GPT-2: a decoder with learned positions, a norm before each part and one at the end.
/// Radford et al. 2019, “Language Models are Unsupervised Multitask Learners”, §2.3.
public final class Gpt2 implements Backbone {
    public static final String MODEL_TYPE = "gpt2";

    /// Sizes of a checkpoint; the keys of its `config.json` are older than the common names and are translated here.
    ///
    /// @param scaleAttnWeights              scores divided by √headDim
    /// @param scaleAttnByInverseLayerIdx    scores divided by the layer's number as well, counted from 1
    /// @param addCrossAttention             each block also looks at an encoder, as in an encoder-decoder
    public record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads,
            int maxPositionEmbeddings, Activation activation, double layerNormEpsilon, double initializerRange,
            Drops dropout, boolean scaleAttnWeights, boolean scaleAttnByInverseLayerIdx, boolean addCrossAttention,
            boolean tieWordEmbeddings) {

        /// Shares dropped in training: of embeddings, attention weights and what enters the residual stream.
        public record Drops(double embeddings, double attention, double residual) {}

        public Config {
            if (hiddenSize % numAttentionHeads != 0) {
                throw new IllegalArgumentException("config.json: n_embd (%d) must be a multiple of n_head (%d)"
                        .formatted(hiddenSize, numAttentionHeads));
            }
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
                    new Drops(json.number("embd_pdrop", 0.1), json.number("attn_pdrop", 0.1),
                            json.number("resid_pdrop", 0.1)),
                    json.flag("scale_attn_weights", true), json.flag("scale_attn_by_inverse_layer_idx", false),
                    json.flag("add_cross_attention", false), json.flag("tie_word_embeddings", true));
        }

        /// Two narrow layers: what a test builds in a blink.
        public static Config tiny() {
            return new Config(64, 16, 64, 2, 2, 32, Activation.GELU_TANH, 1e-5, 0.02, new Drops(0, 0, 0), true, false,
                    false, true);
        }

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
    private final List<Block> blocks = new ArrayList<>();
    private final Norm finalNorm;

    /// Names in quotes are the names inside the checkpoint.
    public Gpt2(Config config, Weights weights) {
        this.config = config;
        tokens = Embedding.load(weights.at("wte"), config.vocabSize(), config.hiddenSize(), init());
        positions = Embedding.load(weights.at("wpe"), config.maxPositionEmbeddings(), config.hiddenSize(), init());
        for (int layer = 0; layer < config.numHiddenLayers(); layer++) {
            blocks.add(new Block(config, layer, weights.at("h").at(layer)));
        }
        finalNorm = LayerNorm.load(weights.at("ln_f"), config.hiddenSize(), config.layerNormEpsilon());
    }

    @Override
    public Tensor forward(Tensor tokenIds, ForwardPass pass) {
        long seq = tokenIds.size(1);
        long room = config.maxPositionEmbeddings();
        if (pass.positions() == null && pass.cached() + seq > room) {
            throw new IllegalArgumentException(
                    "The text has %d tokens, this model has room for %d (n_positions); shorten it"
                            .formatted(pass.cached() + seq, room));
        }
        ScoreMask mask = AttentionMask.causal().and(pass.mask()).prepare(seq, pass.cached() + seq, tokenIds.device());
        Tensor place = pass.positions(seq).to(tokenIds.device());
        Tensor embedded = tokens.forward(tokenIds).add(positions.forward(place));
        Tensor hidden = pass.dropout().apply(embedded, config.dropout().embeddings());
        for (int layer = 0; layer < blocks.size(); layer++) {
            Block block = blocks.get(layer);
            ForwardPass inside = pass.at("blocks").at(layer);
            hidden = pass.run(x -> block.forward(x, place, mask, inside), hidden);
        }
        return pass.trace().tap("final", finalNorm.forward(hidden));
    }

    @Override
    public int hiddenSize() {
        return config.hiddenSize();
    }

    @Override
    public int vocabSize() {
        return config.vocabSize();
    }

    @Override
    public int maxPositions() {
        return config.maxPositionEmbeddings();
    }

    @Override
    public int layers() {
        return config.numHiddenLayers();
    }

    @Override
    public Embedding tokens() {
        return tokens;
    }

    @Override
    public Init init() {
        return Init.normal(config.initializerRange());
    }

    /// x + attention(norm(x)), then x + feedForward(norm(x)).
    private static final class Block {
        private final Norm attentionNorm;
        private final GroupedQueryAttention attention;
        private final @Nullable Norm crossNorm;
        private final @Nullable CrossAttention cross;
        private final Norm feedForwardNorm;
        private final FeedForward feedForward;
        private final double dropped;

        Block(Config config, int layer, Weights weights) {
            int hidden = config.hiddenSize();
            int headDim = hidden / config.numAttentionHeads();
            Weights attn = weights.at("attn");
            // Old files carry the causal mask as buffers.
            attn.ignore("bias");
            attn.ignore("masked_bias");
            attentionNorm = LayerNorm.load(weights.at("ln_1"), hidden, config.layerNormEpsilon());
            Attention formula = formula(config, layer, headDim);
            attention = new GroupedQueryAttention(
                    new Heads(layer, config.numAttentionHeads(), config.numAttentionHeads(), headDim),
                    new Inputs.Packed(conv1d(config, attn.at("c_attn"), hidden, 3 * hidden)),
                    residual(config, attn.at("c_proj"), hidden), formula, null);
            feedForwardNorm = LayerNorm.load(weights.at("ln_2"), hidden, config.layerNormEpsilon());
            if (config.addCrossAttention()) {
                crossNorm = LayerNorm.load(weights.at("ln_cross_attn"), hidden, config.layerNormEpsilon());
                cross = cross(config, weights.at("crossattention"), headDim, formula);
            } else {
                crossNorm = null;
                cross = null;
            }
            Weights mlp = weights.at("mlp");
            feedForward = new FeedForward.Plain(conv1d(config, mlp.at("c_fc"), hidden, config.intermediateSize()),
                    config.activation(), residual(config, mlp.at("c_proj"), config.intermediateSize()));
            dropped = config.dropout().residual();
        }

        private static Attention formula(Config config, int layer, int headDim) {
            double scale = config.scaleAttnWeights() ? 1 / Math.sqrt(headDim) : 1;
            return Attention.scaled(headDim)
                    .withScale(config.scaleAttnByInverseLayerIdx() ? scale / (layer + 1) : scale)
                    .withDropout(config.dropout().attention());
        }

        private static CrossAttention cross(Config config, Weights weights, int headDim, Attention formula) {
            int hidden = config.hiddenSize();
            weights.ignore("bias");
            weights.ignore("masked_bias");
            return new CrossAttention(config.numAttentionHeads(), headDim,
                    conv1d(config, weights.at("q_attn"), hidden, hidden),
                    new CrossAttention.KeysValues.Packed(conv1d(config, weights.at("c_attn"), hidden, 2 * hidden)),
                    residual(config, weights.at("c_proj"), hidden), formula);
        }

        private static Projection conv1d(Config config, Weights weights, int in, int out) {
            return Linear.load(weights, Linear.Layout.IN_OUT, in, out, Init.normal(config.initializerRange()));
        }

        /// What enters the residual stream begins smaller by √(2·layers), §2.3 of the paper.
        private static Projection residual(Config config, Weights weights, int in) {
            double std = config.initializerRange() / Math.sqrt(2.0 * config.numHiddenLayers());
            return Linear.load(weights, Linear.Layout.IN_OUT, in, config.hiddenSize(), Init.normal(std));
        }

        Tensor forward(Tensor x, Tensor positions, ScoreMask mask, ForwardPass pass) {
            Dropout dropout = pass.dropout();
            Tensor entry = pass.trace().tap("resid_pre", x);
            ForwardPass attn = pass.at("attn");
            Tensor gathered = attention.forward(attentionNorm.forward(entry), positions, mask, attn);
            Tensor hidden = entry.add(dropout.apply(attn.trace().tap("out", gathered), dropped));
            if (cross != null && crossNorm != null && pass.encoded() != null) {
                Tensor seen = cross.forward(crossNorm.forward(hidden), pass.encoded(), pass.at("cross"));
                hidden = hidden.add(dropout.apply(seen, dropped));
            }
            Tensor thought = pass.trace().tap("mlp.out", feedForward.forward(feedForwardNorm.forward(hidden)));
            return hidden.add(dropout.apply(thought, dropped));
        }
    }
}
