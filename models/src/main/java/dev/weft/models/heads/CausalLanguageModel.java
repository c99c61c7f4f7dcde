package dev.weft.models.heads;

import dev.weft.models.Backbone;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.LanguageModel;
import dev.weft.nn.Linear;
import dev.weft.nn.Projection;
import dev.weft.nn.Weights;
import dev.weft.tensor.Kernels;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// The next token at every position: logits over the vocabulary.
public final class CausalLanguageModel implements Head, LanguageModel {
    /// Labels of this value count for nothing.
    public static final long IGNORED = -100;

    private final Backbone backbone;
    private final Projection head;
    private final Map<String, Tensor> parameters;

    /// @param tied whether the head is the input embedding turned round; else it is `lm_head.weight`
    public CausalLanguageModel(Backbone backbone, Weights weights, boolean tied) {
        this.backbone = backbone;
        Weights place = weights.at("lm_head");
        if (tied) {
            // Some files carry the shared weight twice.
            place.ignore("weight");
            head = backbone.tokens().tied();
        } else {
            head = Linear.loadWithoutBias(place, Linear.Layout.OUT_IN, backbone.hiddenSize(), backbone.vocabSize(),
                    backbone.init());
        }
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

    @Override
    public Tensor hidden(Tensor tokenIds, ForwardPass pass) {
        return backbone.forward(tokenIds, pass);
    }

    @Override
    public Tensor score(Tensor hidden) {
        return head.forward(hidden);
    }

    @Override
    public int vocabSize() {
        return backbone.vocabSize();
    }

    @Override
    public int maxPositions() {
        return backbone.maxPositions();
    }

    @Override
    public Map<String, Tensor> outputs(Tensor tokenIds, ForwardPass pass) {
        return Map.of("logits", logits(tokenIds, pass));
    }

    /// Mean cross-entropy of each position's logits against the label after it.
    @Override
    public Tensor loss(Map<String, Tensor> outputs, Map<String, Tensor> labels) {
        Tensor logits = outputs.get("logits");
        Tensor targets = labels.get("labels");
        long seq = logits.size(1);
        return Kernels.crossEntropy(logits.narrow(1, 0, seq - 1).flatten(0, 1),
                targets.narrow(1, 1, seq - 1).flatten(0, 1),
                null, Kernels.Reduction.MEAN, IGNORED, 0);
    }
}
