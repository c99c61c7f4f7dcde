package dev.weft.models;

import dev.weft.models.heads.Pretraining;
import dev.weft.models.heads.PooledHead;
import dev.weft.models.heads.VocabularyHead;
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
import dev.weft.nn.LayerNorm;
import dev.weft.nn.Linear;
import dev.weft.nn.Norm;
import dev.weft.nn.Projection;
import dev.weft.nn.Residual;
import dev.weft.nn.block.Stack;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.Attention;
import dev.weft.nn.AttentionMask;
import dev.weft.nn.attention.CrossAttention;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.QueryKeyValue;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.AttentionPattern;
import dev.weft.nn.attention.SelfAttention;
import dev.weft.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// BERT: an encoder with learned positions and segments and a norm after each part; with `is_decoder` a decoder of the
/// same parts. Devlin et al. 2018, <https://arxiv.org/abs/1810.04805>. The families built after it differ in their
/// [Parts].
public final class Bert implements TextBackbone {
    static final Family FAMILY = Family
            .of("Bert", heads(), (json, weights, kind) -> new Bert(new Plain(Config.fromJson(json)), weights),
                    "bert")
            .below("bert")
            .withDropouts("hidden_dropout_prob", "attention_probs_dropout_prob")
            .named(HeadKind.CAUSAL_LANGUAGE, "LMHeadModel");

    /// BERT's: a pooler over the first token, and `cls` for what pretraining asks.
    private static HeadLayout heads() {
        PooledHead.Style pooled = HeadLayout.pooled("pooler.dense");
        return HeadLayout.encoder(vocabulary(), pooled)
                .withPretext(
                        new HeadLayout.Pretext.Pair(pooled.withOutput("cls.seq_relationship"), Pretraining.Names.BERT))
                .with(HeadKind.NEXT_SENTENCE);
    }

    /// Scores of ids under `cls.predictions`, which several of its kin have.
    static VocabularyHead.Style vocabulary() {
        return VocabularyHead.transformed("cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm",
                null, "cls.predictions.decoder", "cls.predictions.bias");
    }

    /// Sizes of a checkpoint, named as in its `config.json`.
    ///
    /// @param embeddingSize width of the embeddings; where it is not the hidden size, a projection follows
    public record Config(int vocabSize, int hiddenSize, int embeddingSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads, int maxPositionEmbeddings, int typeVocabSize, Activation activation,
            double layerNormEps, double initializerRange, double hiddenDropout, double attentionDropout,
            int padTokenId, boolean isDecoder, boolean addCrossAttention) implements Sizes {

        public Config {
            Sizes.requireMultiple("hidden_size", hiddenSize, "num_attention_heads", numAttentionHeads);
        }

        /// As in `config.json`; what is missing has the reference's default.
        public static Config fromJson(Json json) {
            int hidden = json.positive("hidden_size");
            return new Config(json.positive("vocab_size"), hidden, json.positive("embedding_size", hidden),
                    json.positive("intermediate_size"), json.positive("num_hidden_layers"),
                    json.positive("num_attention_heads"), json.positive("max_position_embeddings", 512),
                    json.integer("type_vocab_size", 2), Activation.parse(json.text("hidden_act", "gelu")),
                    json.number("layer_norm_eps", 1e-12), json.number("initializer_range", 0.02),
                    json.number("hidden_dropout_prob", 0.1), json.number("attention_probs_dropout_prob", 0.1),
                    json.integer("pad_token_id", 0), json.flag("is_decoder", false),
                    json.flag("add_cross_attention", false));
        }
    }

    /// What families built after BERT do differently; the defaults are BERT's own.
    interface Parts {
        Config config();

        default AttentionPattern pattern(int layer) {
            return config().isDecoder() ? AttentionPattern.causal() : AttentionPattern.everything();
        }

        /// Where learned positions lie, or null: there are none.
        default @Nullable String positions() {
            return "position_embeddings";
        }

        /// The position that padding has and that is not trained; −1: none.
        default int paddingPosition() {
            return -1;
        }

        /// The positions of new tokens `[batch, seq]`.
        default Tensor places(Tensor tokenIds, ForwardPass pass) {
            return pass.positions(tokenIds.size(1), config().maxPositionEmbeddings(), "max_position_embeddings");
        }

        /// On the sum of the embeddings.
        ///
        /// @param weights of `embeddings`
        default Norm embeddingNorm(Weights weights) {
            return LayerNorm.load(weights.at("LayerNorm"), config().embeddingSize(), config().layerNormEps());
        }

        /// From the width of the embeddings to that of the blocks, after their norm.
        ///
        /// @param weights of the whole backbone, as below
        default Projection widening(Weights weights) {
            return config().embeddingSize() == config().hiddenSize()
                    ? x -> x
                    : dense(weights.at("embeddings_project"), config().embeddingSize(), config().hiddenSize());
        }

        /// What blocks are told of the call.
        default ForwardPass inside(Tensor tokenIds, ForwardPass pass) {
            return pass;
        }

        /// How many tokens of padding attention needs at the end.
        default int fillers(long seq, ForwardPass pass) {
            return 0;
        }

        /// What embeddings of tokens are multiplied by.
        default double tokenScale() {
            return 1;
        }

        /// Which segment each token belongs to, `[batch, seq]`; null: all to the first.
        default @Nullable Tensor types(Tensor tokenIds, ForwardPass pass) {
            return pass.tokenTypes();
        }

        /// What enters the first block.
        default Tensor entry(Tensor embedded, ForwardPass pass) {
            return embedded;
        }

        default int blocks() {
            return config().numHiddenLayers();
        }

        /// norm(x + attention(x)), then norm(x + feedForward(x)).
        default Block block(int layer, Weights weights) {
            Weights block = weights.at("encoder.layer").at(layer);
            Weights attention = block.at("attention");
            Weights cross = block.at("crossattention");
            return new Block.Sequential(residual(attention.at("output.LayerNorm")),
                    attention(layer, attention.at("self"), dense(attention.at("output.dense"))),
                    config().addCrossAttention()
                            ? new Block.Cross(residual(cross.at("output.LayerNorm")), cross(cross))
                            : null,
                    residual(block.at("output.LayerNorm")),
                    feedForward(block.at("intermediate.dense"), block.at("output.dense")));
        }

        /// @param weights of `attention.self`
        default SelfAttention attention(int layer, Weights weights, Projection output) {
            return attention(layer, inputs(weights), output);
        }

        default GroupedQueryAttention attention(int layer, QueryKeyValue inputs, Projection output) {
            return new GroupedQueryAttention(new Heads(layer, config().numAttentionHeads(), config().headDim()),
                    inputs, output, formula());
        }

        default Attention formula() {
            return Attention.scaled(config().headDim()).withDropout(config().attentionDropout());
        }

        default QueryKeyValue.Apart inputs(Weights weights) {
            return new QueryKeyValue.Apart(dense(weights.at("query")), dense(weights.at("key")),
                    dense(weights.at("value")));
        }

        private CrossAttention cross(Weights weights) {
            QueryKeyValue.Apart inputs = inputs(weights.at("self"));
            return new CrossAttention(config().numAttentionHeads(), config().headDim(), inputs.queries(),
                    new CrossAttention.KeysValues.Apart(inputs.keys(), inputs.values()),
                    dense(weights.at("output.dense")), formula());
        }

        default FeedForward feedForward(Weights up, Weights down) {
            int hidden = config().hiddenSize();
            int inner = config().intermediateSize();
            return new FeedForward.Plain(dense(up, hidden, inner), config().activation(), dense(down, inner, hidden));
        }

        default Residual residual(Weights norm) {
            return residual(norm, config().hiddenDropout());
        }

        default Residual residual(Weights norm, double dropout) {
            return Residual.postNorm(LayerNorm.load(norm, config().hiddenSize(), config().layerNormEps()), dropout);
        }

        default Projection dense(Weights weights) {
            return dense(weights, config().hiddenSize(), config().hiddenSize());
        }

        default Projection dense(Weights weights, int in, int out) {
            return Linear.load(weights, in, out, true, config().init());
        }
    }

    /// BERT itself.
    record Plain(Config config) implements Parts {}

    private final Parts parts;
    private final Config config;
    private final Embedding tokens;
    private final @Nullable Embedding positions;
    private final @Nullable Embedding segments;
    private final Norm embeddingNorm;
    private final Projection widening;
    private final Stack stack;

    public Bert(Config config, Weights weights) {
        this(new Plain(config), weights);
    }

    /// Names in quotes are the names inside the checkpoint.
    Bert(Parts parts, Weights weights) {
        this.parts = parts;
        config = parts.config();
        int width = config.embeddingSize();
        Weights embeddings = weights.at("embeddings");
        tokens = Embedding.load(embeddings.at("word_embeddings"), config.vocabSize(), width, init())
                .withPadding(config.padTokenId()).withScale(parts.tokenScale());
        positions = parts.positions() == null
                ? null
                : Embedding.load(embeddings.at(parts.positions()), config.maxPositionEmbeddings(), width, init())
                        .withPadding(parts.paddingPosition());
        segments = config.typeVocabSize() == 0
                ? null
                : Embedding.load(embeddings.at("token_type_embeddings"), config.typeVocabSize(), width, init());
        embeddingNorm = parts.embeddingNorm(embeddings);
        widening = parts.widening(weights);
        stack = new Stack(parts.blocks(), layer -> parts.block(layer, weights), parts::pattern, Norm.NONE);
    }

    @Override
    public Tensor forward(Inputs inputs, ForwardPass pass) {
        Tensor ids = inputs.ids();
        int fillers = parts.fillers(ids.size(1), pass);
        if (fillers == 0) {
            return blocks(embed(inputs, pass), parts.inside(ids, pass));
        }
        if (inputs.get("input_ids") == null) {
            throw new IllegalArgumentException(
                    "Attention in blocks of this family fills up what has %d tokens with padding: give input_ids, not inputs_embeds"
                            .formatted(ids.size(1)));
        }
        Tensor filled = filled(ids, fillers, config.padTokenId());
        ForwardPass longer = filled(ids, pass, fillers);
        return blocks(embed(Inputs.ofIds(filled), longer), parts.inside(filled, longer)).narrow(1, 0, ids.size(1));
    }

    @Override
    public Tensor embed(Inputs inputs, ForwardPass pass) {
        Tensor ids = inputs.ids();
        Tensor embedded = inputs.vectors(tokens, pass);
        if (positions != null) {
            embedded = embedded.add(positions.forward(parts.places(ids, pass).to(ids.device())));
        }
        if (segments != null) {
            Tensor types = parts.types(ids, pass);
            embedded = embedded.add(segments.forward(types == null ? ids.zerosLike() : types));
        }
        Tensor normed = pass.dropout().apply(embeddingNorm.forward(embedded), config.hiddenDropout());
        return parts.entry(widening.forward(normed), pass);
    }

    @Override
    public Tensor blocks(Tensor embedded, ForwardPass pass) {
        return stack.forward(embedded, pass);
    }

    /// `pass` for a text with padding at its end, which nobody sees.
    private ForwardPass filled(Tensor tokenIds, ForwardPass pass, int fillers) {
        Tensor keep = pass.mask().keep();
        Tensor types = parts.types(tokenIds, pass);
        Tensor places = pass.positions();
        return pass
                .withMask(AttentionMask.padding(filled(keep == null ? tokenIds.zerosLike().add(1) : keep, fillers, 0)))
                .withTokenTypes(types == null ? null : filled(types, fillers, 0))
                .withPositions(places == null ? null : filled(places, fillers, config.padTokenId()));
    }

    private static Tensor filled(Tensor ids, int fillers, int id) {
        return Tensor.cat(List.of(ids, ids.narrow(1, 0, 1).zerosLike().add(id).expand(ids.size(0), fillers)), 1);
    }

    @Override
    public Sizes sizes() {
        return config;
    }

    @Override
    public int layers() {
        return stack.layers();
    }

    @Override
    public Embedding tokens() {
        return tokens;
    }
}
