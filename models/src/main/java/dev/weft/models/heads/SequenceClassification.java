package dev.weft.models.heads;

import dev.weft.models.Backbone;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Linear;
import dev.weft.nn.Projection;
import dev.weft.nn.Weights;
import dev.weft.tensor.DType;
import dev.weft.tensor.Kernels;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// One answer for a whole text, read by a decoder at its last token that is not padding.
public final class SequenceClassification implements Head {
    /// What the labels are, and with that the loss.
    public enum Problem {
        /// Numbers: mean squared error.
        REGRESSION,
        /// One of the labels: cross-entropy.
        SINGLE_LABEL,
        /// Any of the labels: binary cross-entropy of each.
        MULTI_LABEL;

        /// As the reference chooses where the config does not say: one output is a number; whole-numbered labels are
        /// classes; else each label is a flag.
        public static Problem of(String problemType, int labels, Tensor given) {
            return switch (problemType) {
                case "regression" -> REGRESSION;
                case "single_label_classification" -> SINGLE_LABEL;
                case "multi_label_classification" -> MULTI_LABEL;
                default -> labels == 1 ? REGRESSION : given.dtype().isFloating() ? MULTI_LABEL : SINGLE_LABEL;
            };
        }
    }

    private final Backbone backbone;
    private final Projection score;
    private final Settings settings;
    private final Map<String, Tensor> parameters;

    /// @param labels      how many there are
    /// @param padTokenId  −1 where the config names none: then the last position is read
    /// @param problemType as in `config.json`; empty where it says nothing
    public record Settings(int labels, int padTokenId, String problemType) {}

    public SequenceClassification(Backbone backbone, Weights weights, Settings settings) {
        this.backbone = backbone;
        this.settings = settings;
        score = Linear.loadWithoutBias(weights.at("score"), Linear.Layout.OUT_IN, backbone.hiddenSize(),
                settings.labels(),
                backbone.init());
        parameters = weights.given();
    }

    @Override
    public Backbone backbone() {
        return backbone;
    }

    @Override
    public Map<String, Tensor> parameters() {
        return parameters;
    }

    /// `logits [batch, labels]`.
    @Override
    public Map<String, Tensor> outputs(Tensor tokenIds, ForwardPass pass) {
        Tensor hidden = backbone.forward(tokenIds, pass);
        long seq = tokenIds.size(1);
        Tensor last = settings.padTokenId() < 0
                ? Tensor.full(seq - 1, DType.INT64, tokenIds.size(0)).to(tokenIds.device())
                : tokenIds.ne(settings.padTokenId()).to(DType.INT64).mul(Tensor.arange(0, seq).to(tokenIds.device()))
                        .max(-1, false);
        Tensor where = last.view(-1, 1, 1).expand(tokenIds.size(0), 1, hidden.size(-1));
        return Map.of("logits", score.forward(hidden.gather(1, where).squeeze(1)));
    }

    @Override
    public Tensor loss(Map<String, Tensor> outputs, Map<String, Tensor> labels) {
        Tensor logits = outputs.get("logits");
        Tensor given = labels.get("labels");
        return switch (Problem.of(settings.problemType(), settings.labels(), given)) {
            case REGRESSION -> {
                Tensor difference = logits.reshape(-1).sub(given.reshape(-1).to(logits.dtype()));
                yield difference.mul(difference).mean();
            }
            case SINGLE_LABEL -> Kernels.crossEntropy(logits, given.reshape(-1), null, Kernels.Reduction.MEAN,
                    CausalLanguageModel.IGNORED, 0);
            // log(1 + eˣ) − xy, written so that it cannot overflow
            case MULTI_LABEL -> logits.relu().sub(logits.mul(given.to(logits.dtype())))
                    .add(logits.abs().neg().exp().add(1).log()).mean();
        };
    }
}
