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
import dev.weft.nn.Residual;
import dev.weft.nn.block.Stack;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.Attention;
import dev.weft.nn.AttentionMask;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.QueryKeyValue;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.AttentionPattern;
import dev.weft.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;

/// GPT-Neo: GPT-2 whose scores are not scaled and whose layers look back, in turns, all the way or a few tokens.
/// Black et al. 2021, <https://doi.org/10.5281/zenodo.5297715>.
public final class GptNeo implements TextBackbone {
    public static final String MODEL_TYPE = "gpt_neo";
    static final Family FAMILY = Family
            .of("GPTNeo", HeadLayout.decoder(true).withTokens("classifier"), Config::fromJson, GptNeo::new, MODEL_TYPE)
            .below("transformer")
            .withSizeNames(Map.of("num_hidden_layers", "num_layers", "num_attention_heads", "num_heads"))
            .withDropouts("resid_dropout", "embed_dropout", "attention_dropout");

    /// Sizes of a checkpoint; keys of its `config.json` that are older than the common names are translated here.
    ///
    /// @param attentionLayers `global` or `local` for each layer
    /// @param windowSize      how many keys a local layer sees, the query's own among them
    public record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads, int maxPositionEmbeddings, List<String> attentionLayers, int windowSize,
            Activation activation, double layerNormEpsilon, double initializerRange,
            Drops dropout) implements Sizes {

        public Config {
            Sizes.requireMultiple("hidden_size", hiddenSize, "num_heads", numAttentionHeads);
            if (attentionLayers.size() != numHiddenLayers
                    || !List.of("global", "local").containsAll(attentionLayers)) {
                throw new IllegalArgumentException(
                        "config.json: attention_types must say global or local for each of num_layers (%d), found %s"
                                .formatted(numHiddenLayers, attentionLayers));
            }
        }

        /// As in `config.json`; what is missing has the reference's default.
        public static Config fromJson(Json json) {
            int hidden = json.positive("hidden_size", 2048);
            int layers = json.positive(json.first("num_layers", "num_hidden_layers"), 24);
            return new Config(json.positive("vocab_size", 50_257), hidden,
                    json.positive("intermediate_size", 4 * hidden), layers,
                    json.positive(json.first("num_heads", "num_attention_heads"), 16),
                    json.positive("max_position_embeddings", 2048), attentionLayers(json, layers),
                    json.positive("window_size", 256),
                    Activation.parse(json.text("activation_function", "gelu_new")),
                    json.number("layer_norm_epsilon", 1e-5), json.number("initializer_range", 0.02),
                    new Drops(json.number("embed_dropout", 0), json.number("attention_dropout", 0),
                            json.number("resid_dropout", 0)));
        }

        /// One by one in `attention_layers`, else as `attention_types`, a list of `[[type, …], times]`, else in turns.
        private static List<String> attentionLayers(Json json, int layers) {
            if (json.has("attention_layers")) {
                return json.texts("attention_layers");
            }
            if (!json.has("attention_types")) {
                return IntStream.range(0, layers).mapToObj(layer -> layer % 2 == 0 ? "global" : "local").toList();
            }
            var types = new ArrayList<String>();
            for (JsonNode group : json.node().get("attention_types")) {
                for (int time = 0; time < group.path(1).asInt(0); time++) {
                    group.path(0).forEach(type -> types.add(type.asString("")));
                }
            }
            return List.copyOf(types);
        }
    }

    private final Config config;
    private final Embedding tokens;
    private final Embedding positions;
    private final Stack stack;

    /// Names in quotes are the names inside the checkpoint.
    public GptNeo(Config config, Weights weights) {
        this.config = config;
        int hidden = config.hiddenSize();
        tokens = Embedding.load(weights.at("wte"), config.vocabSize(), hidden, init());
        positions = Embedding.load(weights.at("wpe"), config.maxPositionEmbeddings(), hidden, init());
        AttentionPattern global = AttentionPattern.causal();
        AttentionPattern local = AttentionPattern.causal().with(AttentionMask.window(config.windowSize()));
        stack = new Stack(config.numHiddenLayers(), layer -> block(config, layer, weights.at("h").at(layer)),
                layer -> config.attentionLayers().get(layer).equals("local") ? local : global,
                LayerNorm.load(weights.at("ln_f"), hidden, config.layerNormEpsilon()));
    }

    @Override
    public Tensor embed(Inputs inputs, ForwardPass pass) {
        Tensor vectors = Gpt2.embedded(tokens, inputs, pass);
        Tensor places = pass.positions(vectors.size(1), config.maxPositionEmbeddings(), "max_position_embeddings")
                .to(vectors.device());
        return pass.dropout().apply(vectors.add(positions.forward(places)), config.dropout().embeddings());
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
        Weights attention = weights.at("attn").at("attention");
        // Old files carry the causal mask as buffers.
        attention.ignore("bias", "masked_bias");
        Weights mlp = weights.at("mlp");
        return new Block.Sequential(residual(config, weights.at("ln_1")),
                new GroupedQueryAttention(heads,
                        QueryKeyValue.Apart.load(attention, hidden, heads, false, config.init()),
                        Linear.load(attention.at("out_proj"), hidden, hidden, true, config.init()),
                        Attention.scaled(config.headDim()).withScale(1).withDropout(config.dropout().attention())),
                null, residual(config, weights.at("ln_2")),
                FeedForward.Plain.load(mlp.at("c_fc"), config.activation(), mlp.at("c_proj"), hidden,
                        config.intermediateSize(), true, config.init()));
    }

    private static Residual residual(Config config, Weights norm) {
        return Residual.preNorm(LayerNorm.load(norm, config.hiddenSize(), config.layerNormEpsilon()),
                config.dropout().residual());
    }
}
