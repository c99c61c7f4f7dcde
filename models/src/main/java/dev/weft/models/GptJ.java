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
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.AttentionPattern;
import dev.weft.nn.position.Rotary;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// GPT-J: a decoder whose attention and feed-forward stand side by side behind one norm, and that turns neighbouring
/// channels in the first part of each head. Wang & Komatsuzaki 2021, <https://github.com/kingoflolz/mesh-transformer-jax>.
public final class GptJ implements TextBackbone {
    public static final String MODEL_TYPE = "gptj";
    static final Family FAMILY = Family
            .of("GPTJ", HeadLayout.decoder(VocabularyHead.plain("lm_head", true, false)), Config::fromJson, GptJ::new,
                    MODEL_TYPE)
            .below("transformer")
            .withSizeNames(
                    Map.of("hidden_size", "n_embd", "num_hidden_layers", "n_layer", "num_attention_heads", "n_head",
                            "intermediate_size", "n_inner", "max_position_embeddings", "n_positions"))
            .withDropouts("resid_pdrop", "embd_pdrop", "attn_pdrop");

    /// Sizes of a checkpoint; the keys of its `config.json` are older than the common names and are translated here.
    ///
    /// @param rotaryDim how many channels of a head are turned
    public record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads, int maxPositionEmbeddings, int rotaryDim, Activation activation,
            double layerNormEpsilon, double initializerRange, Drops dropout) implements Sizes {

        public Config {
            Sizes.requireMultiple("n_embd", hiddenSize, "n_head", numAttentionHeads);
            if (rotaryDim % 2 != 0 || rotaryDim > hiddenSize / numAttentionHeads) {
                throw new IllegalArgumentException(
                        "config.json: rotary_dim must be even and at most %d, the width of a head, found %d"
                                .formatted(hiddenSize / numAttentionHeads, rotaryDim));
            }
        }

        /// As in `config.json`; what is missing has the reference's default.
        public static Config fromJson(Json json) {
            int hidden = json.positive(json.first("n_embd", "hidden_size"), 4096);
            return new Config(json.positive("vocab_size", 50_400), hidden, json.positive("n_inner", 4 * hidden),
                    json.positive(json.first("n_layer", "num_hidden_layers"), 28),
                    json.positive(json.first("n_head", "num_attention_heads"), 16),
                    json.positive(json.first("n_positions", "max_position_embeddings"), 2048),
                    json.positive("rotary_dim", 64), Activation.parse(json.text("activation_function", "gelu_new")),
                    json.number("layer_norm_epsilon", 1e-5), json.number("initializer_range", 0.02),
                    Drops.read(json, 0));
        }
    }

    private final Config config;
    private final Embedding tokens;
    private final Stack stack;

    /// Names in quotes are the names inside the checkpoint.
    public GptJ(Config config, Weights weights) {
        this.config = config;
        tokens = Embedding.load(weights.at("wte"), config.vocabSize(), config.hiddenSize(), init());
        stack = new Stack(config.numHiddenLayers(), layer -> block(config, layer, weights.at("h").at(layer)),
                AttentionPattern.causal().with(Rotary.plain(config.rotaryDim(), 10_000, Rotary.Pairing.NEIGHBOURS)),
                norm(config, weights.at("ln_f")));
    }

    @Override
    public Tensor embed(Inputs inputs, ForwardPass pass) {
        return pass.dropout().apply(Gpt2.embedded(tokens, inputs, pass), config.dropout().embeddings());
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
        Norm norm = norm(config, weights.at("ln_1"));
        Weights attention = weights.at("attn");
        // Old files carry the causal mask as buffers.
        attention.ignore("bias", "masked_bias");
        Weights mlp = weights.at("mlp");
        return new Block.Parallel(norm,
                new GroupedQueryAttention(heads,
                        QueryKeyValue.Apart.load(attention, hidden, heads, false, config.init()),
                        Linear.load(attention.at("out_proj"), hidden, hidden, false, config.init()),
                        Attention.scaled(config.headDim()).withDropout(config.dropout().attention())),
                norm,
                FeedForward.Plain.load(mlp.at("fc_in"), config.activation(), mlp.at("fc_out"), hidden,
                        config.intermediateSize(), true, config.init()),
                config.dropout().residual());
    }

    private static Norm norm(Config config, Weights weights) {
        return LayerNorm.load(weights, config.hiddenSize(), config.layerNormEpsilon());
    }
}
