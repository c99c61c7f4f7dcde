package dev.weft.train;

import dev.weft.tensor.DType;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import dev.weft.tensor.Updates;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Turns gradients into changes of the weights, in place.
public sealed interface Optimizer extends AutoCloseable
        permits Optimizer.AdamW, Optimizer.Sgd, Adafactor, Lion, AveragedWeights {
    /// One update of every trained weight from its gradient.
    void step(double learningRate);

    /// What it remembers, by name: stored with a checkpoint. The tensors are the optimizer's own.
    Map<String, Tensor> state();

    /// Takes over what [#state] gave in an earlier run.
    default void restore(Map<String, Tensor> stored) {
        Map<String, Tensor> own = state();
        if (!own.keySet().equals(stored.keySet())) {
            throw new IllegalArgumentException(
                    "The optimizer's state is of another model: it holds %d tensors, needed are %d"
                            .formatted(stored.size(), own.size()));
        }
        own.forEach((name, tensor) -> tensor.copyInPlace(stored.get(name)));
    }

    /// Runs `body` with the weights as they are evaluated and handed out.
    default void asUsed(Runnable body) {
        body.run();
    }

    @Override
    void close();

    /// AdamW: Adam with decay apart from the gradient (Loshchilov & Hutter 2019, <https://arxiv.org/abs/1711.05101>), all
    /// weights of one treatment in one fused call.
    static Optimizer adamW(Map<String, Tensor> parameters, double beta1, double beta2, double eps, WeightRule rule) {
        return new AdamW(parameters, new AdamW.Numbers(beta1, beta2, eps), rule);
    }

    /// @param decayEverything whether norms and biases are decayed too, not only matrices
    static Optimizer adamW(Map<String, Tensor> parameters, double beta1, double beta2, double eps, double weightDecay,
            boolean decayEverything) {
        return adamW(parameters, beta1, beta2, eps,
                decayEverything ? WeightRule.everywhere(weightDecay) : WeightRule.matrices(weightDecay));
    }

    /// Stochastic gradient descent with momentum (Polyak 1964; 0 for none). Its decay is part of the gradient.
    static Optimizer sgd(Map<String, Tensor> parameters, double momentum, WeightRule rule) {
        return new Sgd(parameters, momentum, rule);
    }

    /// With decay of matrices.
    static Optimizer sgd(Map<String, Tensor> parameters, double momentum, double weightDecay) {
        return sgd(parameters, momentum, WeightRule.matrices(weightDecay));
    }

    /// See [Adafactor].
    static Optimizer adafactor(Map<String, Tensor> parameters, Adafactor.Numbers numbers, WeightRule rule) {
        return new Adafactor(parameters, numbers, rule);
    }

    /// See [Lion]; the paper's betas are 0.9 and 0.99.
    static Optimizer lion(Map<String, Tensor> parameters, double beta1, double beta2, WeightRule rule) {
        return new Lion(parameters, beta1, beta2, rule);
    }

    /// This optimizer, and beside the weights their moving average; see [AveragedWeights]. Closes this one with it.
    ///
    /// @param parameters as this one has them
    default Optimizer averaging(Map<String, Tensor> parameters, double decay) {
        return new AveragedWeights(this, parameters, decay);
    }

    /// See [#adamW].
    final class AdamW implements Optimizer {
        private record Numbers(double beta1, double beta2, double eps) {}

        /// Weights that are treated alike.
        private record Group(WeightRule.Treatment treatment, List<String> names, List<Tensor> weights,
                List<Tensor> first, List<Tensor> second, List<Tensor> steps) {
            Group(WeightRule.Treatment treatment) {
                this(treatment, new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>(),
                        new ArrayList<>());
            }

            /// Those that the loss depends on in this step; the others stay as they are, without decay.
            Group reached() {
                var reached = new Group(treatment);
                for (int i = 0; i < weights.size(); i++) {
                    if (weights.get(i).grad() != null) {
                        reached.names.add(names.get(i));
                        reached.weights.add(weights.get(i));
                        reached.first.add(first.get(i));
                        reached.second.add(second.get(i));
                        reached.steps.add(steps.get(i));
                    }
                }
                return reached;
            }
        }

        private final Numbers numbers;
        private final Map<WeightRule.Treatment, Group> groups = new LinkedHashMap<>();

        private AdamW(Map<String, Tensor> parameters, Numbers numbers, WeightRule rule) {
            this.numbers = numbers;
            trained(parameters).forEach((name, weight) -> {
                Group group = groups.computeIfAbsent(rule.of(name, weight), Group::new);
                group.names().add(name);
                group.weights().add(weight);
                group.first().add(zerosLike(weight));
                group.second().add(zerosLike(weight));
                group.steps().add(Tensor.zeros(DType.FLOAT32).to(weight.device()).unscoped());
            });
        }

        @Override
        public void step(double learningRate) {
            try (var off = Gradients.off(); var scope = TensorScope.open()) {
                for (Group all : groups.values()) {
                    Group group = all.reached();
                    if (!group.weights().isEmpty()) {
                        Updates.add(group.steps(), 1);
                        Updates.adamW(group.weights(), group.weights().stream().map(Tensor::grad).toList(),
                                group.first(), group.second(), group.steps(),
                                learningRate * group.treatment().rate(), numbers.beta1(), numbers.beta2(),
                                group.treatment().decay(), numbers.eps());
                    }
                }
            }
        }

        @Override
        public Map<String, Tensor> state() {
            var state = new LinkedHashMap<String, Tensor>();
            for (Group group : groups.values()) {
                for (int i = 0; i < group.names().size(); i++) {
                    String name = group.names().get(i);
                    state.put(name + ".exp_avg", group.first().get(i));
                    state.put(name + ".exp_avg_sq", group.second().get(i));
                    state.put(name + ".step", group.steps().get(i));
                }
            }
            return state;
        }

        @Override
        public void close() {
            state().values().forEach(Tensor::close);
        }
    }

    /// See [#sgd].
    final class Sgd implements Optimizer {
        private final Map<String, Tensor> weights;
        private final Map<String, Tensor> velocity = new LinkedHashMap<>();
        private final double momentum;
        private final WeightRule rule;

        private Sgd(Map<String, Tensor> parameters, double momentum, WeightRule rule) {
            weights = trained(parameters);
            this.momentum = momentum;
            this.rule = rule;
            if (momentum != 0) {
                weights.forEach((name, weight) -> velocity.put(name + ".velocity", zerosLike(weight)));
            }
        }

        @Override
        public void step(double learningRate) {
            try (var off = Gradients.off(); var scope = TensorScope.open()) {
                weights.forEach((name, weight) -> {
                    Tensor change = weight.grad();
                    if (change == null) {
                        return;
                    }
                    WeightRule.Treatment treatment = rule.of(name, weight);
                    if (treatment.decay() != 0) {
                        change = change.add(weight.mul(treatment.decay()));
                    }
                    if (momentum != 0) {
                        change = velocity.get(name + ".velocity").mulInPlace(momentum).addInPlace(change);
                    }
                    weight.addInPlace(change, -learningRate * treatment.rate());
                });
            }
        }

        @Override
        public Map<String, Tensor> state() {
            return velocity;
        }

        @Override
        public void close() {
            velocity.values().forEach(Tensor::close);
        }
    }

    /// Those of the weights that are trained.
    static Map<String, Tensor> trained(Map<String, Tensor> parameters) {
        var trained = new LinkedHashMap<String, Tensor>();
        parameters.forEach((name, weight) -> {
            if (weight.requiresGrad()) {
                trained.put(name, weight);
            }
        });
        return trained;
    }

    /// Zeros outside every scope.
    static Tensor zerosLike(Tensor weight) {
        return Tensor.zeros(weight.dtype(), weight.shape()).to(weight.device()).unscoped();
    }
}
