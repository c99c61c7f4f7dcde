package dev.weft.recipe;

import dev.weft.train.TrainingListener;
import java.util.List;

/// A listener that also hears of the work before the first step.
public interface RunListener extends TrainingListener {
    /// Nobody listens.
    RunListener SILENT = new RunListener() {};

    /// What a run is about to do.
    ///
    /// @param parameters     numbers in all weights
    /// @param trained        those of them that are trained
    /// @param examples       that there are, or tokens of a long text
    /// @param example        one as the model sees it, what it is to learn marked with « »
    /// @param secondsPerStep as the first one took, in a rehearsal
    /// @param memoryBytes    that the process took at the most in it, 0 where the system does not tell
    /// @param notes          what the user should know of model and data
    /// @param rowsLeftOut    since they are not as the task needs them
    record Plan(String task, long parameters, long trained, long examples, String example, long steps,
            double secondsPerStep, long memoryBytes, String precision, String device, List<String> notes,
            long rowsLeftOut) {}

    /// Goes on with what comes before the first step.
    ///
    /// @param what  is done
    /// @param total 0 where nobody knows
    default void working(String what, long done, long total) {}

    default void planned(Plan plan) {}
}
