package dev.weft.models;

import dev.weft.nn.Projection;
import dev.weft.nn.Dropout;
import java.util.Map;
import java.util.List;
import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.PooledHead;
import dev.weft.models.heads.VocabularyHead;
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
import dev.weft.nn.AttentionMask;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.QueryKeyValue;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.AttentionPattern;
import dev.weft.nn.position.Rotary;
import dev.weft.tensor.Tensor;

/// ModernBERT: an encoder with rotary positions, gated feed-forward parts and a norm before each part, most of whose layers
/// see only their neighbourhood. Warner et al. 2024, <https://arxiv.org/abs/2412.13663>.
public final class ModernBert implements TextBackbone {
    static final Family FAMILY = Family
            .of("ModernBert", heads(), Config::fromJson, ModernBert::new, "modernbert").below("model")
            .withDropouts("embedding_dropout", "mlp_dropout", "attention_dropout");

    /// ModernBERT's: `head` before every classifier, with biases as the config says.
    private static HeadLayout heads() {
        var kinds = HeadLayout.encoder(vocabulary(), PooledHead.Style.each("classifier"))
                .without(HeadKind.CAUSAL_LANGUAGE);
        return kinds.withSequence(config -> head(config, PooledHead.Pick.FIRST))
                .withChoice(config -> head(config, PooledHead.Pick.FIRST_REAL)).withoutPooling()
                .withEach(ModernBert::head, context -> head(context.config()).load(context, 2)::forward);
    }

    private static PooledHead.Style head(Json config, PooledHead.Pick first) {
        return switch (config.text("classifier_pooling", "cls")) {
            case "cls" -> head(config).withPick(first);
            case "mean" -> head(config).withPick(PooledHead.Pick.MEAN);
            default -> throw config.mustBe("classifier_pooling", "cls or mean");
        };
    }

    private static PooledHead.Style head(Json config) {
        return new PooledHead.Style(PooledHead.Pick.EACH,
                List.of(new PooledHead.Dense("head.dense", false, config.flag("classifier_bias", false),
                        Activation.parse(config.text("classifier_activation", "gelu")), "head.norm",
                        config.flag("norm_bias", false))),
                "classifier");
    }

    private static VocabularyHead.Style vocabulary() {
        return context -> {
            PooledHead transform = head(context.config()).withoutDropout().load(context);
            Projection decoder = VocabularyHead.plain("decoder", context.config().flag("decoder_bias", true), true)
                    .load(context);
            return x -> decoder.forward(transform.forward(x, Map.of(), Dropout.OFF));
        };
    }

    /// Sizes of a checkpoint, named as in its `config.json`.
    ///
    /// @param layers which layers are local, and how far these see to each side
    /// @param global rotary positions of the other layers
    /// @param nearby rotary positions of the local layers
    record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers, int numAttentionHeads,
            int maxPositionEmbeddings, Activation activation, double normEps, boolean normBias,
            double initializerRange, boolean attentionBias, boolean mlpBias, Drops drops, double mlpDropout,
            int padTokenId, LayerTypes layers, Rotary global, Rotary nearby) implements Sizes {

        Config {
            Sizes.requireMultiple("hidden_size", hiddenSize, "num_attention_heads", numAttentionHeads);
        }

        /// As in `config.json`; what is missing has the published default.
        static Config fromJson(Json json) {
            int hidden = json.positive("hidden_size", 768);
            int heads = json.positive("num_attention_heads", 12);
            int every = json.positive("global_attn_every_n_layers", 3);
            double attention = json.number("attention_dropout", 0);
            return new Config(json.positive("vocab_size", 50_368), hidden, json.positive("intermediate_size", 1152),
                    json.positive("num_hidden_layers", 22), heads, json.positive("max_position_embeddings", 8192),
                    Activation.parse(json.text("hidden_activation", "gelu")), json.number("norm_eps", 1e-5),
                    json.flag("norm_bias", false), json.number("initializer_range", 0.02),
                    json.flag("attention_bias", false), json.flag("mlp_bias", false),
                    new Drops(json.number("embedding_dropout", 0), attention, attention),
                    json.number("mlp_dropout", 0), json.integer("pad_token_id", 50_283),
                    new LayerTypes(json.positive("local_attention", 128) / 2,
                            LayerTypes.read(json, new LayerTypes(0, layer -> layer % every != 0)).local()),
                    RopeConfig.read(json, "full_attention", "global_rope_theta", RopeConfig.of(160_000))
                            .rotary(hidden / heads),
                    RopeConfig.read(json, "sliding_attention", "local_rope_theta", RopeConfig.of(10_000))
                            .rotary(hidden / heads));
        }
    }

    private final Config config;
    private final Embedding tokens;
    private final Norm embeddingNorm;
    private final Stack stack;

    /// Names in quotes are the names inside the checkpoint.
    ModernBert(Config config, Weights weights) {
        this.config = config;
        Weights embeddings = weights.at("embeddings");
        tokens = Embedding.load(embeddings.at("tok_embeddings"), config.vocabSize(), config.hiddenSize(), init())
                .withPadding(config.padTokenId());
        embeddingNorm = norm(embeddings.at("norm"));
        stack = new Stack(config.numHiddenLayers(), layer -> block(layer, weights.at("layers").at(layer)),
                this::pattern,
                norm(weights.at("final_norm")));
    }

    private Norm norm(Weights weights) {
        return LayerNorm.load(weights, config.hiddenSize(), config.normEps(), config.normBias());
    }

    private AttentionPattern pattern(int layer) {
        return config.layers().local().test(layer)
                ? AttentionPattern.everything().with(config.nearby())
                        .with(AttentionMask.nearby(config.layers().window()))
                : AttentionPattern.everything().with(config.global());
    }

    private Block block(int layer, Weights weights) {
        int hidden = config.hiddenSize();
        int inner = config.intermediateSize();
        Weights attention = weights.at("attn");
        Weights mlp = weights.at("mlp");
        return new Block.Sequential(
                // What enters the first layer was just normed.
                Residual.preNorm(layer == 0 ? Norm.NONE : norm(weights.at("attn_norm")), config.drops().residual()),
                new GroupedQueryAttention(new Heads(layer, config.numAttentionHeads(), config.headDim()),
                        new QueryKeyValue.Packed(Linear.load(attention.at("Wqkv"), hidden, 3 * hidden,
                                config.attentionBias(), init())),
                        Linear.load(attention.at("Wo"), hidden, hidden, config.attentionBias(), init()),
                        Attention.scaled(config.headDim()).withDropout(config.drops().attention())),
                null, Residual.preNorm(norm(weights.at("mlp_norm")), 0),
                new FeedForward.GatedPacked(Linear.load(mlp.at("Wi"), hidden, 2 * inner, config.mlpBias(), init()),
                        config.activation(), Linear.load(mlp.at("Wo"), inner, hidden, config.mlpBias(), init()),
                        config.mlpDropout()));
    }

    @Override
    public Tensor embed(Inputs inputs, ForwardPass pass) {
        return pass.dropout().apply(embeddingNorm.forward(inputs.vectors(tokens, pass)), config.drops().embeddings());
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
}
