package dev.weft.train;

/// A run cannot go on; the message says at which step, why, and where its last good state is.
public final class TrainingFailed extends RuntimeException {
    private static final long serialVersionUID = 1L;

    TrainingFailed(String message) {
        super(message);
    }
}
