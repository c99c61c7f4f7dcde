package dev.weft.models;

import dev.weft.models.backbone.Inputs;
import dev.weft.models.backbone.Sizes;
import dev.weft.models.backbone.TextBackbone;
import dev.weft.checkpoint.Json;
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
import dev.weft.nn.block.Stack;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.Attention;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.QueryKeyValue;
import dev.weft.nn.attention.GroupedQueryAttention.Norms;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.AttentionPattern;
import dev.weft.nn.position.Rotary;
import dev.weft.tensor.Tensor;

/// Phi-1, Phi-1.5 and Phi-2: a decoder whose attention and feed-forward stand side by side behind one norm, and that turns
/// a part of each head. Gunasekar et al. 2023, <https://arxiv.org/abs/2306.11644>.
public final class Phi implements TextBackbone {
    public static final String MODEL_TYPE = "phi";
    static final Family FAMILY = Family
            .of("Phi", HeadLayout.decoder(VocabularyHead.plain("lm_head", true, false)), Config::fromJson, Phi::new,
                    MODEL_TYPE)
            .below("model").withDropouts("resid_pdrop", "embd_pdrop", "attention_dropout");

    /// Sizes of a checkpoint, named as in its `config.json`.
    ///
    /// @param qkLayernorm whether queries and keys have a norm, one for all heads
    public record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads, int numKeyValueHeads, int maxPositionEmbeddings, Activation activation,
            double layerNormEps, double initializerRange, boolean qkLayernorm, Drops dropout, int padTokenId,
            Rotary rotary) implements Sizes {

        public Config {
            Sizes.requireMultiple("num_attention_heads", numAttentionHeads, "num_key_value_heads", numKeyValueHeads);
        }

        /// As in `config.json`; what is missing has the reference's default.
        public static Config fromJson(Json json) {
            int hidden = json.positive("hidden_size", 2048);
            int heads = json.positive("num_attention_heads", 32);
            Sizes.requireMultiple("hidden_size", hidden, "num_attention_heads", heads);
            return new Config(json.positive("vocab_size", 51_200), hidden, json.positive("intermediate_size", 8192),
                    json.positive("num_hidden_layers", 24), heads, json.positive("num_key_value_heads", heads),
                    json.positive("max_position_embeddings", 2048),
                    Activation.parse(json.text("hidden_act", "gelu_new")), json.number("layer_norm_eps", 1e-5),
                    json.number("initializer_range", 0.02), json.flag("qk_layernorm", false), Drops.read(json, 0),
                    json.integer("pad_token_id", -1), RopeConfig.read(json, hidden / heads, 0.5));
        }
    }

    private final Config config;
    private final Embedding tokens;
    private final Stack stack;

    /// Names in quotes are the names inside the checkpoint.
    public Phi(Config config, Weights weights) {
        this.config = config;
        tokens = Embedding.load(weights.at("embed_tokens"), config.vocabSize(), config.hiddenSize(), init())
                .withPadding(config.padTokenId());
        stack = new Stack(config.numHiddenLayers(), layer -> block(config, layer, weights.at("layers").at(layer)),
                AttentionPattern.causal().with(config.rotary()),
                norm(config, weights.at("final_layernorm"), config.hiddenSize()));
    }

    @Override
    public Tensor embed(Inputs inputs, ForwardPass pass) {
        return pass.dropout().apply(inputs.vectors(tokens, pass), config.dropout().embeddings());
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
        int hidden = config.hiddenSize();
        Norm norm = norm(config, weights.at("input_layernorm"), hidden);
        Weights mlp = weights.at("mlp");
        return new Block.Parallel(norm, attention(config, layer, weights.at("self_attn")), norm,
                FeedForward.Plain.load(mlp.at("fc1"), config.activation(), mlp.at("fc2"), hidden,
                        config.intermediateSize(), true, config.init()),
                config.dropout().residual());
    }

    private static GroupedQueryAttention attention(Config config, int layer, Weights weights) {
        int hidden = config.hiddenSize();
        Heads heads = new Heads(layer, config.numAttentionHeads(), config.numKeyValueHeads(), config.headDim());
        return new GroupedQueryAttention(heads, QueryKeyValue.Apart.load(weights, hidden, heads, true, config.init()),
                Linear.load(weights.at("dense"), hidden, hidden, true, config.init()),
                Attention.scaled(config.headDim()).withDropout(config.dropout().attention()))
                .withNorms(config.qkLayernorm()
                        ? new Norms.PerHead(norm(config, weights.at("q_layernorm"), config.headDim()),
                                norm(config, weights.at("k_layernorm"), config.headDim()))
                        : new Norms.None());
    }

    private static Norm norm(Config config, Weights weights, int width) {
        return LayerNorm.load(weights, width, config.layerNormEps());
    }
}
