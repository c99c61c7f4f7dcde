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
import dev.weft.nn.position.Rotary;
import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// Falcon: a decoder with few key heads whose attention and feed-forward commonly stand side by side.
/// Almazrouei et al. 2023, <https://arxiv.org/abs/2311.16867>.
public final class Falcon implements TextBackbone {
    public static final String MODEL_TYPE = "falcon";
    static final Family FAMILY = Family
            .of("Falcon", HeadLayout.decoder(true).withTokens("classifier"), Config::fromJson, Falcon::new, MODEL_TYPE,
                    "RefinedWeb", "RefinedWebModel")
            .below("transformer").withDropouts("hidden_dropout", "attention_dropout");

    private static final int ALIBI_TIMES = 2;

    /// How a layer is wired.
    public enum Wiring {
        /// Attention, then feed-forward, as in the 1b models.
        SEQUENTIAL,
        /// Both behind one norm, as in the 7b and 11b.
        PARALLEL,
        /// Both side by side, each behind its own norm, as in the 40b and 180b.
        PARALLEL_TWO_NORMS
    }

    /// Sizes of a checkpoint; keys of older forms of its `config.json` are translated here.
    ///
    /// @param rotary how queries and keys are turned; null: ALiBi tells positions
    /// @param bias   whether projections have biases
    public record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads, int numKeyValueHeads, int maxPositionEmbeddings, Activation activation,
            double layerNormEpsilon, double initializerRange, Wiring wiring, boolean bias, double hiddenDropout,
            double attentionDropout, @Nullable Rotary rotary) implements Sizes {

        public Config {
            Sizes.requireMultiple("num_attention_heads", numAttentionHeads, "num_kv_heads", numKeyValueHeads);
        }

        /// As in `config.json`; what is missing has the reference's default.
        public static Config fromJson(Json json) {
            int hidden = json.positive(json.first("n_embed", "hidden_size"), 4544);
            int heads = json.positive(json.first("num_attention_heads", "n_head"), 71);
            Sizes.requireMultiple("hidden_size", hidden, "num_attention_heads", heads);
            // The first 40b, of the type RefinedWeb, has a number of key heads and no word for its architecture.
            boolean renewed = json.flag("new_decoder_architecture", json.has("n_head_kv"));
            boolean alibi = json.flag("alibi", false);
            return new Config(json.positive("vocab_size", 65_024), hidden,
                    json.positive("ffn_hidden_size", 4 * hidden),
                    json.positive(json.first("num_hidden_layers", "n_layer"), 32), heads,
                    renewed
                            ? json.positive(json.first("num_kv_heads", "n_head_kv"), heads)
                            : json.flag("multi_query", true) ? 1 : heads,
                    alibi ? Integer.MAX_VALUE : json.positive("max_position_embeddings", 2048),
                    Activation.parse(json.text("activation", "gelu")), json.number("layer_norm_epsilon", 1e-5),
                    json.number("initializer_range", 0.02),
                    renewed
                            ? json.positive("num_ln_in_parallel_attn", 2) == 2
                                    ? Wiring.PARALLEL_TWO_NORMS
                                    : Wiring.PARALLEL
                            : json.flag("parallel_attn", true) ? Wiring.PARALLEL : Wiring.SEQUENTIAL,
                    json.flag("bias", false), json.number("hidden_dropout", 0), json.number("attention_dropout", 0),
                    alibi ? null : RopeConfig.read(json, hidden / heads, 1));
        }
    }

    private final Config config;
    private final Embedding tokens;
    private final Stack stack;

    /// Names in quotes are the names inside the checkpoint.
    public Falcon(Config config, Weights weights) {
        this.config = config;
        tokens = Embedding.load(weights.at("word_embeddings"), config.vocabSize(), config.hiddenSize(), init());
        stack = new Stack(config.numHiddenLayers(), layer -> block(config, layer, weights.at("h").at(layer)),
                pattern(config), norm(config, weights.at("ln_f")));
    }

    /// The reference's explicit attention adds ALiBi twice, to the raw scores and to the mask, and rounds it to bfloat16.
    /// Why Weft does as well: docs/decisions/0010-falcon-alibi.md.
    private static AttentionPattern pattern(Config config) {
        return config.rotary() == null
                ? AttentionPattern.causal().with(new Alibi(config.numAttentionHeads(), DType.BFLOAT16,
                        ALIBI_TIMES / Math.sqrt(config.headDim())))
                : AttentionPattern.causal().with(config.rotary());
    }

    @Override
    public Tensor embed(Inputs inputs, ForwardPass pass) {
        return inputs.vectors(tokens, pass);
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
        return config.rotary() == null
                ? config.maxPositionEmbeddings()
                : RopeConfig.positions(config.rotary(), config.maxPositionEmbeddings());
    }

    @Override
    public Embedding tokens() {
        return tokens;
    }

    private static Block block(Config config, int layer, Weights weights) {
        var attention = attention(config, layer, weights.at("self_attention"));
        Weights mlp = weights.at("mlp");
        var feedForward = FeedForward.Plain.load(mlp.at("dense_h_to_4h"), config.activation(), mlp.at("dense_4h_to_h"),
                config.hiddenSize(), config.intermediateSize(), config.bias(), config.init());
        return switch (config.wiring()) {
            case SEQUENTIAL -> new Block.Sequential(
                    Residual.preNorm(norm(config, weights.at("input_layernorm")), config.attentionDropout()),
                    attention, null,
                    Residual.preNorm(norm(config, weights.at("post_attention_layernorm")), config.hiddenDropout()),
                    feedForward);
            case PARALLEL -> {
                Norm norm = norm(config, weights.at("input_layernorm"));
                yield new Block.Parallel(norm, attention, norm, feedForward, config.hiddenDropout());
            }
            case PARALLEL_TWO_NORMS -> new Block.Parallel(norm(config, weights.at("ln_attn")), attention,
                    norm(config, weights.at("ln_mlp")), feedForward, config.hiddenDropout());
        };
    }

    private static GroupedQueryAttention attention(Config config, int layer, Weights weights) {
        weights.ignore("maybe_rotary.inv_freq");
        int hidden = config.hiddenSize();
        Heads heads = new Heads(layer, config.numAttentionHeads(), config.numKeyValueHeads(), config.headDim());
        return new GroupedQueryAttention(heads,
                QueryKeyValue.Grouped.load(weights, hidden, heads, config.bias(), config.init()),
                Linear.load(weights.at("dense"), hidden, hidden, config.bias(), config.init()),
                Attention.scaled(config.headDim()).withDropout(config.attentionDropout()));
    }

    private static Norm norm(Config config, Weights weights) {
        return LayerNorm.load(weights, config.hiddenSize(), config.layerNormEpsilon());
    }
}
