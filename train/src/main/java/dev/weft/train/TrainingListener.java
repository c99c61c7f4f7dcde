package dev.weft.train;

/// Is told how a run goes: a progress bar, a log, a test.
public interface TrainingListener {
    /// Nobody listens.
    TrainingListener SILENT = new TrainingListener() {};

    /// One update.
    ///
    /// @param step         updates so far, this one included
    /// @param loss         mean over the step's tokens
    /// @param gradientNorm before clipping
    /// @param tokens       that the model read, padding left out: of classifiers too, whose labels are fewer
    record Step(long step, long steps, double loss, double learningRate, double gradientNorm, long tokens,
            double tokensPerSecond) {}

    /// @param best whether none before was better
    record Evaluation(long step, Validation found, boolean best) {}

    /// A run begins or goes on after `step` updates.
    default void started(long step, long steps) {}

    /// An update was made.
    default void step(Step step) {}

    /// The model was judged.
    default void evaluated(Evaluation evaluation) {}

    /// A checkpoint was written after so many updates.
    default void saved(long step) {}
}
