package dev.weft.models;

import dev.weft.models.backbone.Inputs;
import dev.weft.models.backbone.Seq2Seq;
import dev.weft.models.backbone.Sizes;
import dev.weft.models.backbone.TextBackbone;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.HeadLayout;
import dev.weft.models.heads.VocabularyHead;
import dev.weft.nn.Activation;
import dev.weft.nn.block.Block;
import dev.weft.nn.Embedding;
import dev.weft.nn.Encoded;
import dev.weft.nn.FeedForward;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Init;
import dev.weft.nn.LayerNorm;
import dev.weft.nn.Linear;
import dev.weft.nn.Norm;
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
import dev.weft.nn.attention.SelfAttention;
import dev.weft.nn.position.Sinusoidal;
import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import java.util.Map;
import java.util.function.Function;

/// BART: an encoder and a decoder with learned positions and a norm after each part. Lewis et al. 2019,
/// <https://arxiv.org/abs/1910.13461>. The families built after it differ in their [Parts].
public final class Bart implements Seq2Seq {
    static final Family FAMILY = family("Bart", "model", json -> new Plain(Config.fromJson(json)), "bart");

    /// A family of the same two halves under other settings.
    static Family family(String className, String prefix, Function<Json, Parts> parts, String modelType) {
        HeadLayout heads = HeadLayout.seq2seq(
                VocabularyHead.shifted(VocabularyHead.plain("lm_head", false, true), "final_logits_bias"));
        return Family.of(className, heads, (json, weights, kind) -> kind == HeadKind.CAUSAL_LANGUAGE
                ? decoder(parts.apply(json), weights)
                : new Bart(parts.apply(json), weights), modelType).below(prefix).withDropouts("dropout")
                .withSizeNames(Map.of("hidden_size", "d_model", "num_hidden_layers", "encoder_layers,decoder_layers",
                        "num_attention_heads", "encoder_attention_heads,decoder_attention_heads", "intermediate_size",
                        "encoder_ffn_dim,decoder_ffn_dim"));
    }

    /// Sizes of a checkpoint; its `d_model` is called hiddenSize here.
    ///
    /// @param targetVocabSize of the decoder, where it has one of its own
    public record Config(int vocabSize, int targetVocabSize, int hiddenSize, Half encoder, Half decoder,
            Activation activation, double initStd, Start start, boolean scaleEmbedding, Drops dropout,
            int padTokenId, int decoderStartTokenId) {

        /// What new weights are before training; `weight_init` in `config.json`, which the Python library keeps but does
        /// not know.
        public enum Start {
            /// All normal with the deviation `init_std`: BART, and the Python library for all families.
            NORMAL,
            /// Matrices by [Init#xavier], embeddings normal with the deviation 1/√hidden, so that what `scale_embedding`
            /// makes of them has the deviation 1: the authors' code of the Transformer, and fairseq.
            XAVIER
        }

        /// Sizes of the encoder or the decoder.
        public record Half(int layers, int heads, int intermediateSize, int maxPositionEmbeddings) {}

        /// Shares dropped in training: of what enters the residual stream, of attention weights, of inner activations.
        public record Drops(double hidden, double attention, double activation) {}

        public Config {
            for (Half half : new Half[]{encoder, decoder}) {
                Sizes.requireMultiple("d_model", hiddenSize, half == encoder
                        ? "encoder_attention_heads"
                        : "decoder_attention_heads", half.heads());
            }
        }

        /// As in `config.json`; what is missing has the reference's default.
        public static Config fromJson(Json json) {
            int vocab = json.positive("vocab_size");
            return new Config(vocab, json.positive("decoder_vocab_size", vocab), json.positive("d_model"),
                    half(json, "encoder"), half(json, "decoder"),
                    Activation.parse(json.text("activation_function", "gelu")), json.number("init_std", 0.02),
                    start(json),
                    json.flag("scale_embedding", false), new Drops(json.number("dropout", 0.1),
                            json.number("attention_dropout", 0), json.number("activation_dropout", 0)),
                    json.integer("pad_token_id", 1), json.integer("decoder_start_token_id", 2));
        }

        private static Start start(Json json) {
            return switch (json.text("weight_init", "normal")) {
                case "normal" -> Start.NORMAL;
                case "xavier" -> Start.XAVIER;
                default -> throw json.mustBe("weight_init", "normal or xavier");
            };
        }

        private static Half half(Json json, String side) {
            return new Half(json.positive(side + "_layers", 12), json.positive(side + "_attention_heads", 16),
                    json.positive(side + "_ffn_dim", 4096), json.positive(
                            json.first("max_" + side + "_position_embeddings", "max_position_embeddings"), 1024));
        }

        Init init() {
            return start == Start.XAVIER ? Init.xavier() : Init.normal(initStd);
        }

        Init embeddingInit() {
            return Init.normal(start == Start.XAVIER ? 1 / Math.sqrt(hiddenSize) : initStd);
        }
    }

    /// What is added to embeddings to tell positions apart.
    @FunctionalInterface
    interface Positions {
        /// `[batch, seq]` ids to `[batch, seq, hidden]` (or `[1, seq, hidden]`).
        Tensor of(Tensor tokenIds, ForwardPass pass);

        /// A learned table, whose first `offset` rows are no position's.
        static Positions learned(Config config, Config.Half half, Weights weights, int offset) {
            int room = half.maxPositionEmbeddings();
            Embedding table = Embedding.load(weights.at("embed_positions"), room + offset, config.hiddenSize(),
                    config.embeddingInit());
            return (ids, pass) -> table.forward(
                    pass.positions(ids.size(1), room, "max_position_embeddings").to(ids.device()).add(offset));
        }

        /// Sines, then cosines.
        static Positions sinusoidal(Config config) {
            int hidden = config.hiddenSize();
            return (ids, pass) -> Sinusoidal.at(pass.positions(ids.size(1)).to(ids.device()), hidden, hidden / 2);
        }

        /// The same as fairseq has them, counted from the padding id; padding has none.
        static Positions sinusoidalAfterPadding(Config config) {
            int hidden = config.hiddenSize();
            return (ids, pass) -> {
                Tensor places = Roberta.afterPadding(ids, pass, config.padTokenId());
                Tensor real = places.ne(config.padTokenId()).unsqueeze(-1).to(DType.FLOAT32);
                return Sinusoidal.at(places, hidden, hidden / 2 - 1).mul(real);
            };
        }
    }

    /// What families built after BART do differently; the defaults are BART's own.
    interface Parts {
        Config config();

        /// Whether norms stand before each part and at the end instead of after each part.
        default boolean normsFirst() {
            return false;
        }

        /// Whether embeddings have a norm.
        default boolean normsEmbeddings() {
            return true;
        }

        /// Whether the decoder's norm comes before its positions are added.
        default boolean placesAfterNorm() {
            return false;
        }

        default Positions positions(Config.Half half, Weights weights) {
            return Positions.learned(config(), half, weights, 2);
        }

        /// Whether encoder and decoder embed tokens alike.
        default boolean sharesEmbeddings() {
            return true;
        }

        /// How decoder inputs are made of labels.
        default Shift shift() {
            return new Shift(config().padTokenId(), config().decoderStartTokenId());
        }

        default SelfAttention encoderAttention(int layer, Weights weights) {
            return attention(layer, config().encoder(), weights);
        }

        default SelfAttention attention(int layer, Config.Half half, Weights weights) {
            int headDim = config().hiddenSize() / half.heads();
            return new GroupedQueryAttention(new Heads(layer, half.heads(), headDim),
                    new QueryKeyValue.Apart(dense(weights.at("q_proj")), dense(weights.at("k_proj")),
                            dense(weights.at("v_proj"))),
                    dense(weights.at("out_proj")), formula(headDim));
        }

        default Attention formula(int headDim) {
            return Attention.scaled(headDim).withDropout(config().dropout().attention());
        }

        /// Whether a scale of the vectors of tokens is not the look-up's own: vectors in their place are the same.
        default boolean scalesOutside() {
            return false;
        }

        default Projection dense(Weights weights) {
            return Linear.load(weights, config().hiddenSize(), config().hiddenSize(), true, config().init());
        }

        default Residual residual(Weights norm) {
            Norm each = LayerNorm.load(norm, config().hiddenSize(), 1e-5);
            double dropped = config().dropout().hidden();
            return normsFirst() ? Residual.preNorm(each, dropped) : Residual.postNorm(each, dropped);
        }
    }

    /// BART itself.
    record Plain(Config config) implements Parts {}

    /// Embeddings and layers of the encoder or the decoder.
    private static final class Half {
        private final Parts parts;
        private final Embedding tokens;
        private final Positions positions;
        private final Norm embeddingNorm;
        private final boolean placesAfterNorm;
        private final double scale;
        private final Stack stack;

        Half(Parts parts, boolean decodes, Embedding tokens, Weights weights) {
            Config config = parts.config();
            Config.Half sizes = decodes ? config.decoder() : config.encoder();
            int hidden = config.hiddenSize();
            this.parts = parts;
            placesAfterNorm = decodes && parts.placesAfterNorm();
            // Before a norm a scale changes next to nothing; there the reference leaves it out.
            this.tokens = tokens;
            scale = config.scaleEmbedding() && parts.scalesOutside() && !placesAfterNorm
                    ? Math.sqrt(config.hiddenSize())
                    : 1;
            positions = parts.positions(sizes, weights);
            embeddingNorm = parts.normsEmbeddings()
                    ? LayerNorm.load(weights.at("layernorm_embedding"), hidden, 1e-5)
                    : Norm.NONE;
            stack = new Stack(sizes.layers(),
                    layer -> block(parts, sizes, layer, decodes, weights.at("layers").at(layer)),
                    decodes ? AttentionPattern.causal() : AttentionPattern.everything(),
                    parts.normsFirst() ? LayerNorm.load(weights.at("layer_norm"), hidden, 1e-5) : Norm.NONE);
        }

        private static Block block(Parts parts, Config.Half sizes, int layer, boolean decodes, Weights weights) {
            Config config = parts.config();
            int hidden = config.hiddenSize();
            Weights self = weights.at("self_attn");
            return new Block.Sequential(parts.residual(weights.at("self_attn_layer_norm")),
                    decodes ? parts.attention(layer, sizes, self) : parts.encoderAttention(layer, self),
                    decodes
                            ? new Block.Cross(parts.residual(weights.at("encoder_attn_layer_norm")),
                                    cross(parts, sizes, weights.at("encoder_attn")))
                            : null,
                    parts.residual(weights.at("final_layer_norm")),
                    new FeedForward.Plain(
                            Linear.load(weights.at("fc1"), hidden, sizes.intermediateSize(), true, config.init()),
                            config.activation(),
                            Linear.load(weights.at("fc2"), sizes.intermediateSize(), hidden, true, config.init()),
                            config.dropout().activation()));
        }

        private static CrossAttention cross(Parts parts, Config.Half sizes, Weights weights) {
            int headDim = parts.config().hiddenSize() / sizes.heads();
            return new CrossAttention(sizes.heads(), headDim, parts.dense(weights.at("q_proj")),
                    new CrossAttention.KeysValues.Apart(parts.dense(weights.at("k_proj")),
                            parts.dense(weights.at("v_proj"))),
                    parts.dense(weights.at("out_proj")), parts.formula(headDim));
        }

        Tensor embed(Inputs inputs, ForwardPass pass) {
            Tensor vectors = inputs.vectors(tokens, pass);
            if (scale != 1 && inputs.get("inputs_embeds") == null) {
                vectors = vectors.mul(scale);
            }
            Tensor places = positions.of(inputs.ids(), pass).to(vectors.dtype());
            Tensor entry = placesAfterNorm
                    ? embeddingNorm.forward(vectors).add(places)
                    : embeddingNorm.forward(vectors.add(places));
            return pass.dropout().apply(entry, parts.config().dropout().hidden());
        }
    }

    private final Config config;
    private final Shift shift;
    private final Half encoder;
    private final Decoder decoder;

    /// Names in quotes are the names inside the checkpoint.
    Bart(Parts parts, Weights weights) {
        config = parts.config();
        shift = parts.shift();
        Embedding source;
        Embedding target;
        if (parts.sharesEmbeddings()) {
            source = tokens(parts, config.vocabSize(),
                    weights.oneOf("shared", "encoder.embed_tokens", "decoder.embed_tokens"));
            target = source;
        } else {
            source = tokens(parts, config.vocabSize(), weights.at("encoder").at("embed_tokens"));
            target = tokens(parts, config.targetVocabSize(), weights.at("decoder").at("embed_tokens"));
        }
        encoder = new Half(parts, false, source, weights.at("encoder"));
        decoder = new Decoder(parts, target, weights.at("decoder"));
    }

    private static Embedding tokens(Parts parts, int vocab, Weights weights) {
        Config config = parts.config();
        Embedding plain = Embedding.load(weights, vocab, config.hiddenSize(), config.embeddingInit())
                .withPadding(config.padTokenId());
        return config.scaleEmbedding() && !parts.scalesOutside()
                ? plain.withScale(Math.sqrt(config.hiddenSize()))
                : plain;
    }

    /// The decoder alone, as a language model.
    static TextBackbone decoder(Parts parts, Weights weights) {
        Config config = parts.config();
        weights.at("encoder").ignoreAll();
        return new Decoder(parts,
                tokens(parts, config.targetVocabSize(), weights.oneOf("decoder.embed_tokens", "shared")),
                weights.at("decoder"));
    }

    /// The decoder: a backbone of its own, which looks at an encoder where the pass brings what one made.
    private static final class Decoder implements TextBackbone {
        private final Config config;
        private final Half half;

        Decoder(Parts parts, Embedding tokens, Weights weights) {
            config = parts.config();
            half = new Half(parts, true, tokens, weights);
        }

        @Override
        public Tensor embed(Inputs inputs, ForwardPass pass) {
            return half.embed(inputs, pass);
        }

        @Override
        public Tensor blocks(Tensor embedded, ForwardPass pass) {
            return half.stack.forward(embedded, pass);
        }

        @Override
        public Sizes sizes() {
            Config.Half sizes = config.decoder();
            return new Sizes.Half(config.targetVocabSize(), config.hiddenSize(), sizes.layers(), sizes.heads(),
                    sizes.maxPositionEmbeddings(), config.initStd());
        }

        @Override
        public Embedding tokens() {
            return half.tokens;
        }
    }

    @Override
    public Encoded encode(Inputs inputs, ForwardPass pass) {
        ForwardPass inside = pass.at("encoder");
        return new Encoded(encoder.stack.forward(encoder.embed(inputs, inside), inside), pass.mask());
    }

    @Override
    public Embedding encoderTokens() {
        return encoder.tokens;
    }

    @Override
    public int encoderLayers() {
        return config.encoder().layers();
    }

    @Override
    public Shift shift() {
        return shift;
    }

    @Override
    public TextBackbone decoder() {
        return decoder;
    }
}
