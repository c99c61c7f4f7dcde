package dev.weft.train;

import dev.weft.data.TokenBatch;
import dev.weft.nn.CrossEntropy;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.LanguageModel;
import dev.weft.nn.Loss;
import dev.weft.tensor.Device;
import dev.weft.tensor.Tensor;

/// −log p(next token), summed over the targets. Targets of −100 count for nothing.
public record CausalObjective(LanguageModel model, Device device) implements Objective<TokenBatch> {
    @Override
    public Loss loss(TokenBatch batch, ForwardPass pass) {
        Tensor logits = model.logits(batch.inputs().to(device), pass);
        Tensor sum = CrossEntropy.sum(logits.flatten(0, 1), batch.targets().to(device).flatten(0, 1),
                CrossEntropy.IGNORED, 0);
        return Loss.of(sum, batch.tokens());
    }

    @Override
    public long[] counts(TokenBatch batch) {
        return new long[]{batch.tokens()};
    }
}
