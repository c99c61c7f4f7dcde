package dev.weft.run;

import dev.weft.nn.ForwardPass;
import dev.weft.nn.LanguageModel;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// Counts the passes of a model, and the ids that go through it.
final class Counting implements LanguageModel {
    private final LanguageModel model;
    int passes;
    long ids;

    Counting(LanguageModel model) {
        this.model = model;
    }

    @Override
    public Tensor hidden(Tensor tokenIds, ForwardPass pass) {
        passes++;
        ids += tokenIds.count();
        return model.hidden(tokenIds, pass);
    }

    @Override
    public Tensor score(Tensor hidden) {
        return model.score(hidden);
    }

    @Override
    public int vocabSize() {
        return model.vocabSize();
    }

    @Override
    public int maxPositions() {
        return model.maxPositions();
    }

    @Override
    public Map<String, Tensor> parameters() {
        return model.parameters();
    }
}
