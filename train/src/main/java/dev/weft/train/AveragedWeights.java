package dev.weft.train;

import dev.weft.tensor.DType;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.Map;

/// An optimizer that keeps a moving average of the weights beside them (Polyak & Juditsky 1992). The average is what is
/// evaluated and saved for use; training goes on from the weights, and a checkpoint has both.
///
/// After n updates the average keeps min(decay, (1 + n) / (10 + n)) of itself, so that the first weights are soon forgotten.
public final class AveragedWeights implements Optimizer {
    private static final String COUNT = "average.step";
    private final Optimizer inner;
    private final Map<String, Tensor> weights;
    private final Map<String, Tensor> averages = new LinkedHashMap<>();
    private final Tensor count;
    private final double decay;

    AveragedWeights(Optimizer inner, Map<String, Tensor> parameters, double decay) {
        if (!(decay >= 0 && decay < 1)) {
            throw new IllegalArgumentException(
                    "The decay of averaged weights must be at least 0 and below 1, found " + decay);
        }
        this.inner = inner;
        this.decay = decay;
        weights = Optimizer.trained(parameters);
        weights.forEach((name, weight) -> averages.put(name, weight.detach().copy().unscoped()));
        count = Tensor.zeros(DType.FLOAT32).unscoped();
    }

    @Override
    public void step(double learningRate) {
        inner.step(learningRate);
        try (var off = Gradients.off(); var scope = TensorScope.open()) {
            double updates = count.item() + 1;
            count.fillInPlace(updates);
            double kept = Math.min(decay, (1 + updates) / (10 + updates));
            weights.forEach((name, weight) -> averages.get(name).mulInPlace(kept).addInPlace(weight, 1 - kept));
        }
    }

    /// Runs `body` with the averages in place of the weights.
    @Override
    public void asUsed(Runnable body) {
        swap();
        try {
            body.run();
        } finally {
            swap();
        }
    }

    private void swap() {
        try (var off = Gradients.off()) {
            weights.forEach((name, weight) -> {
                try (var scope = TensorScope.open()) {
                    Tensor before = weight.detach().copy();
                    weight.copyInPlace(averages.get(name));
                    averages.get(name).copyInPlace(before);
                }
            });
        }
    }

    @Override
    public Map<String, Tensor> state() {
        var state = new LinkedHashMap<>(inner.state());
        averages.forEach((name, average) -> state.put(name + ".average", average));
        state.put(COUNT, count);
        return state;
    }

    @Override
    public void close() {
        inner.close();
        averages.values().forEach(Tensor::close);
        count.close();
    }
}
