package dev.weft.train;

import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.Map;

/// Lion (Chen et al. 2023, <https://arxiv.org/abs/2302.06675>, algorithm 2): every number moves by the learning rate, in the
/// direction of the sign of a mean of gradients. Its rate is commonly a third to a tenth of AdamW's, its decay as much higher.
public final class Lion implements Optimizer {
    private final Map<String, Tensor> weights;
    private final Map<String, Tensor> state = new LinkedHashMap<>();
    private final double beta1;
    private final double beta2;
    private final WeightRule rule;

    Lion(Map<String, Tensor> parameters, double beta1, double beta2, WeightRule rule) {
        weights = Optimizer.trained(parameters);
        this.beta1 = beta1;
        this.beta2 = beta2;
        this.rule = rule;
        weights.forEach((name, weight) -> state.put(name + ".exp_avg", Optimizer.zerosLike(weight)));
    }

    @Override
    public void step(double learningRate) {
        try (var off = Gradients.off()) {
            weights.forEach((name, weight) -> {
                try (var scope = TensorScope.open()) {
                    Tensor gradient = weight.grad();
                    if (gradient != null) {
                        WeightRule.Treatment treatment = rule.of(name, weight);
                        double rate = learningRate * treatment.rate();
                        Tensor mean = state.get(name + ".exp_avg");
                        Tensor direction = mean.mul(beta1).addInPlace(gradient, 1 - beta1);
                        weight.mulInPlace(1 - rate * treatment.decay())
                                .addInPlace(direction.gt(0).to(weight.dtype()), -rate)
                                .addInPlace(direction.lt(0).to(weight.dtype()), rate);
                        mean.mulInPlace(beta2).addInPlace(gradient, 1 - beta2);
                    }
                }
            });
        }
    }

    @Override
    public Map<String, Tensor> state() {
        return state;
    }

    @Override
    public void close() {
        state.values().forEach(Tensor::close);
    }
}
