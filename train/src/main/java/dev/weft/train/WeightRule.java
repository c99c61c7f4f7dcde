package dev.weft.train;

import dev.weft.tensor.Tensor;
import java.util.Map;
import java.util.regex.Pattern;

/// How each weight is trained: at what share of the learning rate, with how much decay. Rules wrap one another:
/// `WeightRule.matrices(0.01).withoutDecay("embed").withRate("^classifier", 10)`.
///
/// Patterns are regular expressions, found anywhere in a weight's name.
@FunctionalInterface
public interface WeightRule {
    /// @param rate  what the learning rate is multiplied by
    /// @param decay share of the weight that goes per unit of the learning rate
    record Treatment(double rate, double decay) {}

    /// How a weight of this name is treated.
    Treatment of(String name, Tensor weight);

    /// The same for all.
    static WeightRule everywhere(double decay) {
        return (name, weight) -> new Treatment(1, decay);
    }

    /// Decay of matrices alone, not of norms and biases.
    static WeightRule matrices(double decay) {
        return (name, weight) -> new Treatment(1, weight.dim() >= 2 ? decay : 0);
    }

    /// No decay where the name matches: `bias$|norm`.
    default WeightRule withoutDecay(String pattern) {
        Pattern compiled = Pattern.compile(pattern);
        return (name, weight) -> compiled.matcher(name).find()
                ? new Treatment(of(name, weight).rate(), 0)
                : of(name, weight);
    }

    /// Another learning rate where the name matches.
    default WeightRule withRate(String pattern, double factor) {
        Pattern compiled = Pattern.compile(pattern);
        return (name, weight) -> scaled(of(name, weight), compiled.matcher(name).find() ? factor : 1);
    }

    /// A learning rate that falls by `factor` with each block from the head down to the embeddings: discriminative
    /// fine-tuning (Howard & Ruder 2018, §3.2, <https://arxiv.org/abs/1801.06146>, who divide by 2.6).
    ///
    /// @param depths of all weights, see [Layers#depths]
    default WeightRule layerwise(Map<String, Integer> depths, double factor) {
        int top = depths.values().stream().mapToInt(Integer::intValue).max().orElse(0);
        return (name, weight) -> scaled(of(name, weight), Math.pow(factor, top - depths.getOrDefault(name, top)));
    }

    private static Treatment scaled(Treatment plain, double factor) {
        return new Treatment(plain.rate() * factor, plain.decay());
    }
}
