package dev.weft.train;

import dev.weft.nn.ForwardPass;
import dev.weft.nn.Loss;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.TensorScope;

/// What training minimises.
///
/// @param <B> a batch
@FunctionalInterface
public interface Objective<B> {
    /// The loss of a batch, as sums that can be added up over parts of a step.
    Loss loss(B batch, ForwardPass pass);

    /// What each term of the loss sums over. Where a step has several parts this has to be known before the first goes
    /// backward; an objective whose batch does not say computes the loss for it.
    default long[] counts(B batch) {
        try (var scope = TensorScope.open(); var off = Gradients.off()) {
            return loss(batch, ForwardPass.plain()).counts();
        }
    }
}
