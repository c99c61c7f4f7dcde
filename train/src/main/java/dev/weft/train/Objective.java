package dev.weft.train;

import dev.weft.nn.ForwardPass;

/// What training minimises.
///
/// @param <B> a batch
@FunctionalInterface
public interface Objective<B> {
    Loss loss(B batch, ForwardPass pass);
}
