package dev.weft.train;

import dev.weft.tensor.DType;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.Map;

/// Adafactor (Shazeer & Stern 2018, <https://arxiv.org/abs/1804.04235>), step for step as the Python library has it: of the
/// squared gradients of a matrix only the means of its rows and columns are remembered.
public final class Adafactor implements Optimizer {
    /// @param eps             added to squared gradients
    /// @param smallest        what a weight's size is taken for at the least, where steps are relative to it
    /// @param clipThreshold   updates of a weight are cut to this root mean square
    /// @param decayRate       the share of old squares in step t is 1 − t^decayRate
    /// @param beta1           share of old updates in the new one; 0 to remember none
    /// @param scalesByWeight  whether steps are multiplied by the weight's own root mean square
    /// @param ownRate         whether the learning rate is min(0.01, 1/√t), whatever the schedule says
    /// @param warmsUp         whether that one rises by 10⁻⁶ a step first
    public record Numbers(double eps, double smallest, double clipThreshold, double decayRate, double beta1,
            boolean scalesByWeight, boolean ownRate, boolean warmsUp) {
        /// By the schedule's learning rate: what most fine-tuning takes.
        public static Numbers scheduled() {
            return new Numbers(1e-30, 1e-3, 1, -0.8, 0, false, false, false);
        }

        /// By its own learning rate, relative to each weight's size, as in the paper.
        public static Numbers relative(boolean warmsUp) {
            return new Numbers(1e-30, 1e-3, 1, -0.8, 0, true, true, warmsUp);
        }

        /// With a first moment that keeps this share of its past; 0 keeps none.
        public Numbers withBeta1(double beta) {
            return new Numbers(eps, smallest, clipThreshold, decayRate, beta, scalesByWeight, ownRate, warmsUp);
        }
    }

    private final Map<String, Tensor> weights;
    private final Map<String, Tensor> state = new LinkedHashMap<>();
    private final Numbers numbers;
    private final WeightRule rule;

    Adafactor(Map<String, Tensor> parameters, Numbers numbers, WeightRule rule) {
        weights = Optimizer.trained(parameters);
        this.numbers = numbers;
        this.rule = rule;
        weights.forEach((name, weight) -> {
            long[] shape = weight.shape();
            remember(name + ".step", weight);
            if (shape.length < 2) {
                remember(name + ".exp_avg_sq", weight, shape);
            } else {
                remember(name + ".exp_avg_sq_row", weight, without(shape, shape.length - 1));
                remember(name + ".exp_avg_sq_col", weight, without(shape, shape.length - 2));
            }
            if (numbers.beta1() != 0) {
                remember(name + ".exp_avg", weight, shape);
            }
        });
    }

    private void remember(String name, Tensor weight, long... shape) {
        state.put(name, Tensor.zeros(DType.FLOAT32, shape).to(weight.device()).unscoped());
    }

    private static long[] without(long[] shape, int axis) {
        var left = new long[shape.length - 1];
        for (int i = 0; i < left.length; i++) {
            left[i] = shape[i < axis ? i : i + 1];
        }
        return left;
    }

    @Override
    public void step(double learningRate) {
        try (var off = Gradients.off()) {
            weights.forEach((name, weight) -> {
                try (var scope = TensorScope.open()) {
                    Tensor gradient = weight.grad();
                    if (gradient != null) {
                        update(name, weight, gradient, learningRate);
                    }
                }
            });
        }
    }

    private void update(String name, Tensor weight, Tensor gradient, double scheduled) {
        Tensor steps = state.get(name + ".step");
        double step = steps.item() + 1;
        steps.fillInPlace(step);
        WeightRule.Treatment treatment = rule.of(name, weight);
        double rate = treatment.rate() * (numbers.ownRate()
                ? Math.min(numbers.warmsUp() ? 1e-6 * step : 1e-2, 1 / Math.sqrt(step))
                : scheduled);
        if (numbers.scalesByWeight()) {
            rate *= Math.max(numbers.smallest(), rootMeanSquare(weight));
        }
        double kept = 1 - Math.pow(step, numbers.decayRate());
        Tensor squares = gradient.mul(gradient).add(numbers.eps());
        Tensor change;
        if (weight.dim() < 2) {
            change = mixed(name + ".exp_avg_sq", kept, squares).rsqrt().mul(gradient);
        } else {
            Tensor rows = mixed(name + ".exp_avg_sq_row", kept, squares.mean(-1, false));
            Tensor columns = mixed(name + ".exp_avg_sq_col", kept, squares.mean(-2, false));
            change = rows.div(rows.mean(-1, true)).rsqrt().unsqueeze(-1).mul(columns.unsqueeze(-2).rsqrt())
                    .mul(gradient);
        }
        change = change.mul(rate / Math.max(1, rootMeanSquare(change) / numbers.clipThreshold()));
        if (numbers.beta1() != 0) {
            change = mixed(name + ".exp_avg", numbers.beta1(), change);
        }
        if (treatment.decay() != 0) {
            weight.mulInPlace(1 - treatment.decay() * rate);
        }
        weight.addInPlace(change, -1);
    }

    /// What is remembered, after a share of it gave way to something new.
    private Tensor mixed(String name, double kept, Tensor fresh) {
        return state.get(name).mulInPlace(kept).addInPlace(fresh, 1 - kept);
    }

    private static double rootMeanSquare(Tensor x) {
        return Math.sqrt(x.mul(x).mean().item());
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
