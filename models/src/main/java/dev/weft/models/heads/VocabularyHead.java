package dev.weft.models.heads;

import dev.weft.checkpoint.Json;
import dev.weft.nn.Activation;
import dev.weft.nn.Embedding;
import dev.weft.nn.Init;
import dev.weft.nn.Linear;
import dev.weft.nn.Norm;
import dev.weft.nn.Projection;
import dev.weft.nn.LayerNorm;
import dev.weft.nn.Weights;
import dev.weft.tensor.Tensor;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/// From hidden states to one score per id of the vocabulary.
///
/// A family says with [Style] how its checkpoints name what stands there.
public final class VocabularyHead implements Projection {
    /// How a family builds it.
    @FunctionalInterface
    public interface Style {
        /// Reads or makes its weights.
        Projection load(HeadContext context);
    }

    private final Projection transform;
    private final Projection decoder;
    private final @Nullable Tensor bias;

    private VocabularyHead(Projection transform, Projection decoder, @Nullable Tensor bias) {
        this.transform = transform;
        this.decoder = decoder;
        this.bias = bias;
    }

    @Override
    public Tensor forward(Tensor hidden) {
        Tensor scores = decoder.forward(transform.forward(hidden));
        return bias == null ? scores : scores.add(bias);
    }

    /// One projection `name`, tied to the input embedding unless the config says otherwise.
    ///
    /// @param tied what holds where the config is silent
    public static Style plain(String name, boolean bias, boolean tied) {
        return context -> {
            Weights place = context.weights().at(name);
            int vocab = context.textBackbone().vocabSize();
            return new VocabularyHead(x -> x, decoder(context, place, tied, context.hidden()),
                    bias ? place.get("bias", Init.zeros(), vocab) : null);
        };
    }

    /// The weight of the last projection: the input embedding's, or its own.
    static Projection decoder(HeadContext context, Weights place, boolean tied, int width) {
        if (context.config().flag("tie_word_embeddings", tied)) {
            Embedding tokens = context.textBackbone().tokens();
            if (!place.differs("weight", tokens.weight())) {
                // Some files carry the shared weight twice.
                place.ignore("weight");
                return tokens.tied();
            }
            // As in the reference: the file is believed, not the config.
            context.config().node().put("tie_word_embeddings", false);
            context.notes().add(
                    "the config ties %s to the input embedding, and the file has another matrix there: it is used, and tie_word_embeddings is false now"
                            .formatted(place.full("weight")));
        }
        return Linear.load(place, width, context.textBackbone().vocabSize(), false, context.backbone().init());
    }

    /// norm(activation(dense(hidden))), then the input embedding turned round and a bias: BERT and its kin.
    ///
    /// @param dense   where the projection before the last is
    /// @param norm    where its norm is
    /// @param decoder where the last projection is; its bias is there or, with the same meaning, in `bias`; null: it is the
    ///                input embedding, whatever the config says
    /// @param bias    full name of the bias
    public static Style transformed(String dense, String norm, @Nullable Activation activation,
            @Nullable String decoder, String bias) {
        return context -> {
            Weights weights = context.weights();
            int width = context.textBackbone().tokens().width();
            Projection in = Linear.load(weights.at(dense), context.hidden(), width, true, context.backbone().init());
            Norm after = LayerNorm.load(weights.at(norm), width, context.normEps());
            Activation middle = activation == null ? context.activation() : activation;
            int vocab = context.textBackbone().vocabSize();
            String other = decoder == null ? bias : decoder + ".bias";
            Tensor shift = weights.getEither(bias, other, Init.zeros(), vocab);
            weights.ignore(bias, other);
            return new VocabularyHead(x -> after.forward(middle.forward(in.forward(x))),
                    decoder == null
                            ? context.textBackbone().tokens().tied()
                            : decoder(context, weights.at(decoder), true, width),
                    shift);
        };
    }

    /// The first style where the config's `flag` holds, else the second; the other one where only its weights are there.
    ///
    /// @param otherwise what holds where the config is silent
    /// @param names     a weight of the first, a weight of the second
    public static Style either(String flag, boolean otherwise, Style first, Style second, String... names) {
        return context -> {
            boolean says = context.config().flag(flag, otherwise);
            boolean has = context.weights().has(names[says ? 0 : 1]);
            boolean hasOther = context.weights().has(names[says ? 1 : 0]);
            return (says == (has || !hasOther) ? first : second).load(context);
        };
    }

    /// Scores capped to ±cap by a tanh: Gemma 2. A cap of 0 leaves them.
    public static Style capped(Style style, String setting, double cap) {
        return context -> {
            Projection plain = style.load(context);
            double limit = context.config().number(setting, context.config().node().has(setting) ? 0 : cap);
            return limit == 0 ? plain : x -> plain.forward(x).div(limit).tanh().mul(limit);
        };
    }

    /// Scores multiplied by a number that the config says: Granite, Cohere.
    public static Style scaled(Style style, ToDoubleFunction<Json> factor) {
        return context -> {
            Projection plain = style.load(context);
            double by = factor.applyAsDouble(context.config());
            return by == 1 ? plain : x -> plain.forward(x).mul(by);
        };
    }

    /// Hidden states divided by √hidden first where the projection is the input embedding: T5 1.0. Version 5 of the Python
    /// library says so apart from whether weights are tied, and keeps a projection of its own that it finds.
    public static Style shrunkWhereTied(Style style) {
        return context -> {
            boolean shrinks = context.config().flag("scale_decoder_outputs", context.ties());
            boolean own = !shrinks && context.weights().at("lm_head").has("weight");
            Projection plain = style.load(context.tying(!own));
            double scale = Math.pow(context.hidden(), -0.5);
            return shrinks ? x -> plain.forward(x.mul(scale)) : plain;
        };
    }

    /// With `name [1, vocab]` of the file added to the scores, where it is there: BART's `final_logits_bias`.
    public static Style shifted(Style style, String name) {
        return context -> {
            Projection plain = style.load(context);
            Weights weights = context.weights();
            Tensor shift = weights.has(name)
                    ? weights.constant(name, Init.zeros(), 1, context.textBackbone().vocabSize())
                    : null;
            return shift == null ? plain : x -> plain.forward(x).add(shift);
        };
    }
}
