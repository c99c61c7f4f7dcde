package dev.weft.data;

import dev.weft.tensor.Tensor;

/// Windows of a text and what comes next in each place.
///
/// @param inputs  `[batch, seq]` ids in int64
/// @param targets `[batch, seq]` ids in int64: the inputs one place on
/// @param tokens  targets in it, batch · seq
public record TokenBatch(Tensor inputs, Tensor targets, long tokens) {}
