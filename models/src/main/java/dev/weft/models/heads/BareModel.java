package dev.weft.models.heads;

import dev.weft.models.Backbone;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Weights;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// The base model: hidden states and nothing on them.
public final class BareModel implements Head {
    private final Backbone backbone;
    private final Map<String, Tensor> parameters;

    public BareModel(Backbone backbone, Weights weights) {
        this.backbone = backbone;
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
    public Map<String, Tensor> outputs(Tensor tokenIds, ForwardPass pass) {
        return Map.of("last_hidden_state", backbone.forward(tokenIds, pass));
    }

    @Override
    public Tensor loss(Map<String, Tensor> outputs, Map<String, Tensor> labels) {
        throw new IllegalArgumentException("A base model has no loss; load it with a head");
    }
}
