package dev.weft.train;

/// The batches of a run, as a function of the step: a run that resumes needs no replay.
///
/// @param <B> a batch
@FunctionalInterface
public interface Batches<B> {
    /// @param step  counted from 0
    /// @param micro which part of the step's batch, counted from 0
    B batch(long step, int micro);

    /// How many parts the step has where `wanted` are wanted: fewer where there is not enough for all.
    default int parts(long step, int wanted) {
        return wanted;
    }
}
