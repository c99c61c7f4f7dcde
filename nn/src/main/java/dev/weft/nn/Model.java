package dev.weft.nn;

import dev.weft.tensor.Tensor;
import java.util.Map;

/// Something with weights. It keeps nothing else, so one can serve many calls at once.
public interface Model extends AutoCloseable {
    /// Every weight once, by its name in the checkpoint.
    Map<String, Tensor> parameters();

    /// Numbers in all weights together; tied ones count once.
    default long parameterCount() {
        return parameters().values().stream().mapToLong(Tensor::count).sum();
    }

    /// Marks all weights as trained or frozen.
    default void requiresGrad(boolean trained) {
        parameters().values().forEach(weight -> weight.requiresGrad(trained));
    }

    /// @throws IllegalStateException if it was closed
    default void requireOpen() {
        if (parameters().values().stream().limit(1).anyMatch(Tensor::isClosed)) {
            throw new IllegalStateException(
                    "The model is closed, with the generator, pipeline or chat that it was opened for; open it anew, and close it after the last use");
        }
    }

    @Override
    default void close() {
        parameters().values().forEach(Tensor::close);
    }
}
