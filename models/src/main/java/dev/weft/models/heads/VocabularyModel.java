package dev.weft.models.heads;

import dev.weft.nn.ForwardPass;
import dev.weft.nn.LanguageModel;
import dev.weft.nn.Projection;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// A backbone whose hidden states become scores of the next id.
public interface VocabularyModel extends PretrainedModel, LanguageModel {
    /// From hidden states to scores of ids.
    Projection vocabulary();

    @Override
    default Tensor hidden(Tensor tokenIds, ForwardPass pass) {
        return textBackbone().forward(tokenIds, pass);
    }

    @Override
    default Tensor score(Tensor hidden) {
        return vocabulary().forward(hidden);
    }

    @Override
    default int vocabSize() {
        return textBackbone().vocabSize();
    }

    @Override
    default int maxPositions() {
        return textBackbone().maxPositions();
    }

    @Override
    default long recomputesBeyond() {
        return textBackbone().recomputesBeyond();
    }

    @Override
    default Map<String, Tensor> outputs(Map<String, Tensor> inputs, ForwardPass pass) {
        Map<String, Tensor> results = hidden(inputs, pass);
        results.put("logits", pass.trace().tap("logits", score(results.get("last_hidden_state"))));
        return results;
    }
}
