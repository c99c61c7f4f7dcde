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
import dev.weft.nn.Linear;
import dev.weft.nn.Norm;
import dev.weft.nn.Projection;
import dev.weft.nn.Residual;
import dev.weft.nn.RmsNorm;
import dev.weft.nn.block.Stack;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.Attention;
import dev.weft.nn.attention.CrossAttention;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.QueryKeyValue;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.AttentionPattern;
import dev.weft.nn.position.RelativeBias;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// T5: an encoder and a decoder with relative positions, RMSNorm before each part and no biases. Raffel et al. 2019,
/// <https://arxiv.org/abs/1910.10683>; version 1.1, and mT5, have gated feed-forward parts and a head of their own.
public final class T5 implements Seq2Seq {
    static final Family FAMILY = family("T5", "t5");
    static final Family MULTILINGUAL = family("MT5", "mt5");

    private static Family family(String className, String modelType) {
        HeadLayout heads = HeadLayout
                .seq2seq(VocabularyHead.shrunkWhereTied(VocabularyHead.plain("lm_head", false, true)));
        return Family.of(className, heads,
                (json, weights, kind) -> kind == HeadKind.ENCODER || kind == HeadKind.TOKEN_CLASSIFICATION
                        ? encoder(Config.fromJson(json), weights)
                        : new T5(Config.fromJson(json), weights),
                modelType).below(HeadKind.SEQUENCE_CLASSIFICATION, "transformer")
                .below(HeadKind.TOKEN_CLASSIFICATION, "transformer").withDropouts("dropout_rate")
                .withSizeNames(Map.of("hidden_size", "d_model", "num_hidden_layers", "num_layers,num_decoder_layers",
                        "num_attention_heads", "num_heads", "intermediate_size", "d_ff"));
    }

    /// Sizes of a checkpoint; its `d_model`, `d_kv` and `d_ff` are called hiddenSize, headDim and intermediateSize here.
    ///
    /// @param initializerFactor multiplies the published deviations of new weights
    public record Config(int vocabSize, int hiddenSize, int headDim, int intermediateSize, int numLayers,
            int numDecoderLayers, int numHeads, int relativeBuckets, int relativeMaxDistance, Activation activation,
            boolean gated, double layerNormEpsilon, double initializerFactor, double dropout, int padTokenId,
            int decoderStartTokenId) {

        /// As in `config.json`; what is missing has the reference's default.
        public static Config fromJson(Json json) {
            String form = json.text("feed_forward_proj", "relu");
            boolean gated = form.startsWith("gated-");
            String name = gated ? form.substring("gated-".length()) : form;
            int layers = json.positive(json.first("num_layers", "num_hidden_layers"), 6);
            return new Config(json.positive("vocab_size"), json.positive("d_model"), json.positive("d_kv", 64),
                    json.positive("d_ff"), layers, json.positive("num_decoder_layers", layers),
                    json.positive(json.first("num_heads", "num_attention_heads"), 8),
                    json.positive("relative_attention_num_buckets", 32),
                    json.positive("relative_attention_max_distance", 128),
                    // What the files call gelu is the tanh form.
                    Activation.parse(form.equals("gated-gelu") ? "gelu_new" : name), gated,
                    json.number("layer_norm_epsilon", 1e-6), json.number("initializer_factor", 1),
                    json.number("dropout_rate", 0.1), json.integer("pad_token_id", 0),
                    json.integer("decoder_start_token_id", 0));
        }

        int inner() {
            return numHeads * headDim;
        }

        Init init(double std) {
            return Init.normal(initializerFactor * std);
        }
    }

    /// The layers of the encoder or the decoder: a backbone of its own.
    private static final class Half implements TextBackbone {
        private final Config config;
        private final Embedding tokens;
        private final Stack stack;

        Half(Config config, boolean decodes, Embedding tokens, Weights weights) {
            this.config = config;
            this.tokens = tokens;
            int layers = decodes ? config.numDecoderLayers() : config.numLayers();
            Weights blocks = weights.at("block");
            // The first layer's table serves them all.
            Embedding table = Embedding.load(
                    blocks.at(0).at("layer").at(0).at("SelfAttention").at("relative_attention_bias"),
                    config.relativeBuckets(), config.numHeads(), config.init(Math.pow(config.hiddenSize(), -0.5)));
            var bias = new RelativeBias(table, config.relativeBuckets(), config.relativeMaxDistance(), !decodes);
            stack = new Stack(layers, layer -> block(config, layer, decodes, blocks.at(layer).at("layer")),
                    (decodes ? AttentionPattern.causal() : AttentionPattern.everything()).with(bias),
                    norm(config, weights.at("final_layer_norm")));
        }

        private static Block block(Config config, int layer, boolean decodes, Weights weights) {
            Weights self = weights.at(0).at("SelfAttention");
            Weights feedForward = weights.at(decodes ? 2 : 1);
            if (decodes) {
                // Of very old files, where it never had a meaning.
                weights.at(1).at("EncDecAttention").at("relative_attention_bias").ignore("weight");
            }
            return new Block.Sequential(residual(config, weights.at(0)),
                    new GroupedQueryAttention(new Heads(layer, config.numHeads(), config.headDim()),
                            new QueryKeyValue.Apart(queries(config, self), into(config, self.at("k")),
                                    into(config, self.at("v"))),
                            out(config, self), formula(config)),
                    decodes ? new Block.Cross(residual(config, weights.at(1)), cross(config, weights.at(1))) : null,
                    residual(config, feedForward), feedForward(config, feedForward.at("DenseReluDense")));
        }

        private static CrossAttention cross(Config config, Weights layer) {
            Weights weights = layer.at("EncDecAttention");
            return new CrossAttention(config.numHeads(), config.headDim(), queries(config, weights),
                    new CrossAttention.KeysValues.Apart(into(config, weights.at("k")), into(config, weights.at("v"))),
                    out(config, weights), formula(config));
        }

        /// Scores are not scaled: the initialisation of the queries takes care of that.
        private static Attention formula(Config config) {
            return Attention.scaled(config.headDim()).withScale(1).withDropout(config.dropout());
        }

        private static Projection queries(Config config, Weights weights) {
            return Linear.load(weights.at("q"), config.hiddenSize(), config.inner(), false,
                    config.init(Math.pow((double) config.hiddenSize() * config.headDim(), -0.5)));
        }

        private static Projection into(Config config, Weights weights) {
            return Linear.load(weights, config.hiddenSize(), config.inner(), false,
                    config.init(Math.pow(config.hiddenSize(), -0.5)));
        }

        private static Projection out(Config config, Weights weights) {
            return Linear.load(weights.at("o"), config.inner(), config.hiddenSize(), false,
                    config.init(Math.pow(config.inner(), -0.5)));
        }

        private static FeedForward feedForward(Config config, Weights weights) {
            int inner = config.intermediateSize();
            Init init = config.init(Math.pow(config.hiddenSize(), -0.5));
            Projection down = Linear.load(weights.at("wo"), inner, config.hiddenSize(), false,
                    config.init(Math.pow(inner, -0.5)));
            if (!config.gated()) {
                return new FeedForward.Plain(Linear.load(weights.at("wi"), config.hiddenSize(), inner, false, init),
                        config.activation(), down, config.dropout());
            }
            return new FeedForward.Gated(Linear.load(weights.at("wi_0"), config.hiddenSize(), inner, false, init),
                    Linear.load(weights.at("wi_1"), config.hiddenSize(), inner, false, init), config.activation(),
                    down, config.dropout());
        }

        private static Residual residual(Config config, Weights layer) {
            return Residual.preNorm(norm(config, layer.at("layer_norm")), config.dropout());
        }

        private static Norm norm(Config config, Weights weights) {
            return RmsNorm.load(weights, config.hiddenSize(), config.layerNormEpsilon());
        }

        @Override
        public Tensor embed(Inputs inputs, ForwardPass pass) {
            return pass.dropout().apply(inputs.vectors(tokens, pass), config.dropout());
        }

        @Override
        public Tensor blocks(Tensor embedded, ForwardPass pass) {
            return pass.dropout().apply(stack.forward(embedded, pass), config.dropout());
        }

        /// Distances beyond the last bucket share it, so that positions have no end.
        @Override
        public Sizes sizes() {
            return new Sizes.Half(config.vocabSize(), config.hiddenSize(), stack.layers(), config.numHeads(),
                    Integer.MAX_VALUE, config.initializerFactor());
        }

        @Override
        public Embedding tokens() {
            return tokens;
        }
    }

    private final Config config;
    private final Half encoder;
    private final Half decoder;

    /// Names in quotes are the names inside the checkpoint.
    public T5(Config config, Weights weights) {
        this.config = config;
        Embedding tokens = tokens(config, weights.oneOf("shared", "encoder.embed_tokens", "decoder.embed_tokens"));
        encoder = new Half(config, false, tokens, weights.at("encoder"));
        decoder = new Half(config, true, tokens, weights.at("decoder"));
    }

    /// The encoder alone.
    static TextBackbone encoder(Config config, Weights weights) {
        weights.at("decoder").ignoreAll();
        return new Half(config, false, tokens(config, weights.oneOf("shared", "encoder.embed_tokens")),
                weights.at("encoder"));
    }

    private static Embedding tokens(Config config, Weights weights) {
        return Embedding.load(weights, config.vocabSize(), config.hiddenSize(), config.init(1));
    }

    @Override
    public Encoded encode(Inputs inputs, ForwardPass pass) {
        return new Encoded(encoder.forward(inputs, pass.at("encoder")), pass.mask());
    }

    @Override
    public TextBackbone decoder() {
        return decoder;
    }

    @Override
    public int encoderLayers() {
        return config.numLayers();
    }

    @Override
    public Shift shift() {
        return new Shift(config.padTokenId(), config.decoderStartTokenId());
    }
}
