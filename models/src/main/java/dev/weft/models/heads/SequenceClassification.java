package dev.weft.models.heads;

import dev.weft.nn.ForwardPass;
import dev.weft.nn.Loss;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// One answer for a whole text.
///
/// @param problemType as in `config.json`; where it says nothing, empty or the family's `shares`
public record SequenceClassification(HeadContext context, PooledHead summary,
        String problemType) implements PretrainedModel {
    /// What the labels are, and with that the loss.
    public enum Problem {
        /// Numbers: mean squared error.
        REGRESSION,
        /// One of the labels: cross-entropy.
        SINGLE_LABEL,
        /// Any of the labels: binary cross-entropy of each.
        MULTI_LABEL,
        /// A share of each label: cross-entropy against them.
        SHARES;

        /// As the reference chooses where the config does not say: one output is a number; whole-numbered labels are
        /// classes; else each label is a flag.
        /// `shares` is DeBERTa's way: several numbers for a text are shares.
        public static Problem of(String problemType, int labels, Tensor given) {
            return switch (problemType) {
                case "regression" -> REGRESSION;
                case "single_label_classification" -> SINGLE_LABEL;
                case "multi_label_classification" -> MULTI_LABEL;
                case "shares" -> labels == 1
                        ? REGRESSION
                        : given.dim() == 1 || given.size(-1) == 1 ? SINGLE_LABEL : SHARES;
                default -> labels == 1 ? REGRESSION : given.dtype().isFloating() ? MULTI_LABEL : SINGLE_LABEL;
            };
        }
    }

    /// `logits [batch, labels]`.
    @Override
    public Map<String, Tensor> outputs(Map<String, Tensor> inputs, ForwardPass pass) {
        Map<String, Tensor> results = hidden(inputs, pass);
        results.put("logits", pass.trace().tap("logits",
                summary.forward(results.get("last_hidden_state"), inputs, pass.dropout())));
        return results;
    }

    @Override
    public Loss losses(Map<String, Tensor> outputs, Map<String, Tensor> inputs, double labelSmoothing) {
        Tensor logits = outputs.get("logits");
        Tensor given = Losses.given(inputs, "labels");
        return switch (Problem.of(problemType, (int) logits.size(-1), given)) {
            case REGRESSION -> Losses.squared(logits, given);
            case SINGLE_LABEL -> Losses.crossEntropy(logits, given, labelSmoothing);
            case MULTI_LABEL -> Loss.of(Losses.binaryCrossEntropy(logits, given).sum(), given.count());
            case SHARES -> Loss.of(Losses.wide(logits).logSoftmax(-1).mul(given).sum().neg(), given.size(0));
        };
    }

    @Override
    public long[] counts(Map<String, Tensor> inputs) {
        Tensor given = Losses.given(inputs, "labels");
        return new long[]{switch (Problem.of(problemType, context.labels(), given)) {
            case REGRESSION, MULTI_LABEL -> given.count();
            case SINGLE_LABEL -> Losses.counted(given);
            case SHARES -> given.size(0);
        }};
    }
}
