package dev.weft.nn;

import dev.weft.tensor.Tensor;
import java.util.function.UnaryOperator;

/// What an encoder made of its input, for a decoder's cross attention.
///
/// @param hidden `[batch, keySeq, encoderHidden]`
/// @param mask   which of its positions are real
public record Encoded(Tensor hidden, AttentionMask mask) {
    /// The same of other tensors, such as these in other rows.
    public Encoded map(UnaryOperator<Tensor> change) {
        return new Encoded(change.apply(hidden), mask.map(change));
    }
}
