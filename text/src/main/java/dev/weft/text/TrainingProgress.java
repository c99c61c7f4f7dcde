package dev.weft.text;

import java.util.concurrent.CancellationException;

/// Hears how training a tokenizer goes on, in the thread that trains.
@FunctionalInterface
public interface TrainingProgress {
    /// Nobody listens.
    TrainingProgress NONE = (step, done, total) -> {};

    /// @param step   what is being done
    /// @param done   how much of it
    /// @param total  how much there is to do, 0 if that is not known
    void at(String step, long done, long total);

    /// The same, but throws a [CancellationException] once the training thread has been interrupted.
    default TrainingProgress interruptible() {
        return (step, done, total) -> {
            if (Thread.currentThread().isInterrupted()) {
                throw new CancellationException("training the tokenizer was interrupted while " + step);
            }
            at(step, done, total);
        };
    }
}
