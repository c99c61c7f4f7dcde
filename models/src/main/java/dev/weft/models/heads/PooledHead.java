package dev.weft.models.heads;

import dev.weft.checkpoint.Json;
import dev.weft.nn.Activation;
import dev.weft.nn.Dropout;
import dev.weft.nn.LayerNorm;
import dev.weft.nn.Linear;
import dev.weft.nn.Norm;
import dev.weft.nn.Projection;
import dev.weft.nn.Weights;
import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// One vector for a text, `[batch, seq, hidden]` to `[batch, width]`, or for each of its positions.
///
/// A family says with [Style] which position is read and which projections follow.
public final class PooledHead {
    /// Which hidden state stands for the text.
    public enum Pick {
        /// The first token's: `[CLS]`.
        FIRST,
        /// The first token's that is not padding.
        FIRST_REAL,
        /// The last token's that is not padding; the very last where the config names no padding.
        LAST,
        /// The very last, padding or not.
        VERY_LAST,
        /// The last end token's.
        LAST_END,
        /// The mean of all that are not padding.
        MEAN,
        /// Each position's for itself.
        EACH
    }

    /// A projection on the way, with its activation and norm.
    ///
    /// @param name       where the projection is; empty: there is none
    /// @param inBase     whether its weights lie with the backbone's
    /// @param activation null: the family's own
    /// @param norm       where its norm is, or null
    /// @param normBias   whether that has a bias
    public record Dense(String name, boolean inBase, boolean bias, @Nullable Activation activation,
            @Nullable String norm, boolean normBias) {
        /// With a bias, and no norm behind it.
        public static Dense of(String name, @Nullable Activation activation) {
            return new Dense(name, false, true, activation, null, false);
        }

        /// BERT's pooler.
        public static Dense pooler(String name) {
            return new Dense(name, true, true, Activation.TANH, null, false);
        }
    }

    /// How a family builds it, where its config has a say in that.
    @FunctionalInterface
    public interface ByConfig {
        /// How it is built under this config.
        Style style(Json config);
    }

    /// How a family builds it.
    ///
    /// @param output name of the last projection
    /// @param bias   whether that one has a bias
    /// @param drops  whether dropout stands before each projection
    public record Style(Pick pick, List<Dense> layers, String output, boolean bias, boolean drops)
            implements
                ByConfig {
        @Override
        public Style style(Json config) {
            return this;
        }

        public Style(Pick pick, List<Dense> layers, String output) {
            this(pick, layers, output, true, true);
        }

        /// One projection of each position.
        public static Style each(String output) {
            return new Style(Pick.EACH, List.of(), output);
        }

        /// Without dropout before its projections.
        public Style withoutDropout() {
            return new Style(pick, layers, output, bias, false);
        }

        /// With another name of the last projection.
        public Style withOutput(String name) {
            return new Style(pick, layers, name, bias, drops);
        }

        /// With another position read.
        public Style withPick(Pick other) {
            return new Style(other, layers, output, bias, drops);
        }

        /// With a last projection to `outputs` numbers.
        public PooledHead load(HeadContext context, int outputs) {
            return new PooledHead(this, context,
                    Linear.load(context.weights().at(output), context.hidden(), outputs, bias,
                            context.backbone().init()));
        }

        /// Without the last projection: pooling.
        public PooledHead load(HeadContext context) {
            return new PooledHead(this, context, x -> x);
        }

        /// Whether the file has the weights of all projections but the last.
        boolean present(HeadContext context) {
            return layers.stream().allMatch(layer -> place(layer, context).has("weight"));
        }
    }

    private record Step(Projection dense, Activation activation, Norm norm) {}

    private final Style style;
    private final List<Step> steps;
    private final Projection output;
    private final int padId;
    private final int endId;
    private final double dropout;
    private final int prompts;

    private PooledHead(Style style, HeadContext context, Projection output) {
        this.style = style;
        this.output = output;
        steps = style.layers().stream().map(layer -> step(layer, context)).toList();
        padId = context.config().integer("pad_token_id", -1);
        endId = context.config().has("eos_token_id") ? context.config().integers("eos_token_id").getFirst() : -1;
        prompts = context.backbone().prompts();
        dropout = style.drops() ? context.classifierDropout() : 0;
    }

    private static Weights place(Dense layer, HeadContext context) {
        return (layer.inBase() ? context.base() : context.weights()).at(layer.name());
    }

    private static Step step(Dense layer, HeadContext context) {
        int hidden = context.hidden();
        Projection dense = layer.name().isEmpty()
                ? x -> x
                : Linear.load(place(layer, context), hidden, hidden, layer.bias(), context.backbone().init());
        Norm norm = layer.norm() == null
                ? Norm.NONE
                : LayerNorm.load(context.weights().at(layer.norm()), hidden, context.normEps(), layer.normBias());
        return new Step(dense, layer.activation() == null ? context.activation() : layer.activation(), norm);
    }

    /// @param hidden `[batch, seq, hidden]`
    /// @param inputs of the model: ids and mask say where a text ends
    public Tensor forward(Tensor hidden, Map<String, Tensor> inputs, Dropout drop) {
        Tensor vector = picked(hidden, inputs);
        for (Step step : steps) {
            vector = step.norm().forward(step.activation().forward(step.dense().forward(vector)));
        }
        return output.forward(drop.apply(vector, dropout));
    }

    private Tensor picked(Tensor all, Map<String, Tensor> inputs) {
        // The first position is the first prompt's, as in PEFT; any other is the text's.
        Tensor hidden = prompts == 0 || style.pick() == Pick.FIRST
                ? all
                : all.narrow(1, prompts, all.size(1) - prompts);
        Tensor ids = inputs.get("input_ids");
        return switch (style.pick()) {
            case EACH -> hidden;
            case FIRST -> hidden.select(1, 0);
            case FIRST_REAL -> {
                Tensor keep = inputs.get("attention_mask");
                yield keep == null ? hidden.select(1, 0) : at(hidden, keep.argmax(-1));
            }
            case VERY_LAST -> hidden.select(1, hidden.size(1) - 1);
            case LAST -> padId < 0 ? hidden.select(1, hidden.size(1) - 1) : lastWhere(hidden, ids.ne(padId));
            case LAST_END -> lastWhere(hidden, ids.eq(endId));
            case MEAN -> {
                Tensor given = inputs.get("attention_mask");
                if (given == null) {
                    yield hidden.mean(1, false);
                }
                Tensor keep = given.to(hidden.dtype()).unsqueeze(-1);
                yield hidden.mul(keep).sum(1, false).div(keep.sum(1, false));
            }
        };
    }

    private static Tensor lastWhere(Tensor hidden, Tensor chosen) {
        Tensor places = Tensor.arange(0, hidden.size(1)).to(hidden.device());
        return at(hidden, chosen.to(DType.INT64).mul(places).max(-1, false));
    }

    private static Tensor at(Tensor hidden, Tensor places) {
        return hidden.gather(1, places.view(-1, 1, 1).expand(hidden.size(0), 1, hidden.size(-1))).squeeze(1);
    }
}
