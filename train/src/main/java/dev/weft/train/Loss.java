package dev.weft.train;

import dev.weft.tensor.Tensor;

/// A loss as a sum and what it sums over, so that parts of a batch add up to the same as the whole: the trainer divides
/// once per step by the true count.
///
/// @param sum   `[]`
/// @param count tokens, or examples, that it sums over
public record Loss(Tensor sum, long count) {}
