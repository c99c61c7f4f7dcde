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
public sealed interface Optimizer extends AutoCloseable {
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

    @Override
    void close();

    /// AdamW: Adam with decay apart from the gradient (Loshchilov & Hutter 2019, <https://arxiv.org/abs/1711.05101>), all
    /// weights in one fused call.
    ///
    /// @param decayEverything whether norms and biases are decayed too, not only matrices
    static Optimizer adamW(Map<String, Tensor> parameters, double beta1, double beta2, double eps, double weightDecay,
            boolean decayEverything) {
        return new AdamW(parameters, new AdamW.Numbers(beta1, beta2, eps, weightDecay), decayEverything);
    }

    /// Stochastic gradient descent with momentum (Polyak 1964; 0 for none) and decay of matrices.
    static Optimizer sgd(Map<String, Tensor> parameters, double momentum, double weightDecay) {
        return new Sgd(parameters, momentum, weightDecay);
    }

    /// See [#adamW].
    final class AdamW implements Optimizer {
        private record Numbers(double beta1, double beta2, double eps, double weightDecay) {}

        /// Weights that are updated with the same decay.
        private record Group(double weightDecay, List<String> names, List<Tensor> weights, List<Tensor> first,
                List<Tensor> second, List<Tensor> steps) {
            Group(double weightDecay) {
                this(weightDecay, new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>(),
                        new ArrayList<>());
            }

            /// Those that the loss depends on in this step; the others stay as they are, without decay.
            Group reached() {
                var reached = new Group(weightDecay);
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
        private final List<Group> groups;

        private AdamW(Map<String, Tensor> parameters, Numbers numbers, boolean decayEverything) {
            this.numbers = numbers;
            var decayed = new Group(numbers.weightDecay());
            var plain = new Group(0);
            trained(parameters).forEach((name, weight) -> {
                Group group = decayEverything || weight.dim() >= 2 ? decayed : plain;
                group.names().add(name);
                group.weights().add(weight);
                group.first().add(zerosLike(weight));
                group.second().add(zerosLike(weight));
                group.steps().add(Tensor.zeros(DType.FLOAT32).to(weight.device()).unscoped());
            });
            groups = List.of(decayed, plain);
        }

        @Override
        public void step(double learningRate) {
            try (var off = Gradients.off(); var scope = TensorScope.open()) {
                for (Group all : groups) {
                    Group group = all.reached();
                    if (!group.weights().isEmpty()) {
                        Updates.add(group.steps(), 1);
                        Updates.adamW(group.weights(), group.weights().stream().map(Tensor::grad).toList(),
                                group.first(), group.second(), group.steps(), learningRate, numbers.beta1(),
                                numbers.beta2(), group.weightDecay(), numbers.eps());
                    }
                }
            }
        }

        @Override
        public Map<String, Tensor> state() {
            var state = new LinkedHashMap<String, Tensor>();
            for (Group group : groups) {
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
        private final double weightDecay;

        private Sgd(Map<String, Tensor> parameters, double momentum, double weightDecay) {
            weights = trained(parameters);
            this.momentum = momentum;
            this.weightDecay = weightDecay;
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
                    if (weight.dim() >= 2 && weightDecay != 0) {
                        change = change.add(weight.mul(weightDecay));
                    }
                    if (momentum != 0) {
                        change = velocity.get(name + ".velocity").mulInPlace(momentum).addInPlace(change);
                    }
                    weight.addInPlace(change, -learningRate);
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

    private static Map<String, Tensor> trained(Map<String, Tensor> parameters) {
        var trained = new LinkedHashMap<String, Tensor>();
        parameters.forEach((name, weight) -> {
            if (weight.requiresGrad()) {
                trained.put(name, weight);
            }
        });
        return trained;
    }

    private static Tensor zerosLike(Tensor weight) {
        return Tensor.zeros(weight.dtype(), weight.shape()).to(weight.device()).unscoped();
    }
}
