package dev.weft.nn;

import dev.weft.tensor.Autocast;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// What becomes of a block's activations between its forward and its backward pass.
public enum Activations {
    /// Kept as autograd needs them.
    KEPT {
        @Override
        Tensor run(UnaryOperator<Tensor> block, Tensor hidden, Dropout dropout) {
            return TensorScope.tidy(() -> block.apply(hidden));
        }
    },
    /// Dropped, and computed a second time going backward: memory for one block instead of all, for a third more work
    /// (Chen et al. 2016, <https://arxiv.org/abs/1604.06174>).
    RECOMPUTED {
        @Override
        Tensor run(UnaryOperator<Tensor> block, Tensor hidden, Dropout dropout) {
            if (!Gradients.recording()) {
                return KEPT.run(block, hidden, dropout);
            }
            // Without a trained input the graph would not reach the weights inside.
            Tensor entry = hidden.requiresGrad() ? hidden : hidden.detach().requiresGrad(true);
            return Gradients.apply(new Again(block, dropout, dropout.position(), Autocast.current(hidden.device())),
                    entry);
        }
    };

    abstract Tensor run(UnaryOperator<Tensor> block, Tensor hidden, Dropout dropout);

    /// A block whose backward pass runs it again, with the same dropout and precision.
    private record Again(UnaryOperator<Tensor> block, Dropout dropout, long position, Autocast.Setting precision)
            implements
                Gradients.Function {
        @Override
        public Tensor forward(List<Tensor> inputs, List<Tensor> saved) {
            return block.apply(inputs.getFirst());
        }

        @Override
        public List<@Nullable Tensor> backward(Tensor gradient, List<Tensor> inputs, List<Tensor> saved) {
            long after = dropout.position();
            dropout.rewind(position);
            Tensor entry = inputs.getFirst().detach().requiresGrad(true);
            try (var on = Gradients.on()) {
                Tensor result;
                try (var again = precision.open()) {
                    result = block.apply(entry);
                }
                Gradients.backward(result, gradient);
            }
            dropout.rewind(after);
            return Arrays.asList(entry.grad());
        }
    }
}
