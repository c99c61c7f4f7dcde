package dev.weft.data;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongFunction;

/// One epoch after the other as a function of the step: what is planned for an epoch depends on its number alone, so that a
/// run that resumes at a step goes on with the same.
///
/// @param <T> what a step takes
public final class Epochs<T> {
    private final LongFunction<List<T>> plan;
    /// Of each epoch that was planned so far, the step after its last one.
    private final List<Long> ends = new ArrayList<>();
    private int currentEpoch = -1;
    private List<T> current = List.of();

    /// @param plan the steps of an epoch, counted from 0; one step at least
    public Epochs(LongFunction<List<T>> plan) {
        this.plan = plan;
    }

    /// What a step takes.
    public synchronized T at(long step) {
        if (step < 0) {
            throw new IllegalArgumentException("steps are counted from 0, found " + step);
        }
        int epoch = 0;
        while (epoch == ends.size() || ends.get(epoch) <= step) {
            if (epoch == ends.size()) {
                plan(epoch);
                ends.add((epoch == 0 ? 0 : ends.getLast()) + current.size());
            } else {
                epoch++;
            }
        }
        plan(epoch);
        return current.get((int) (step - (epoch == 0 ? 0 : ends.get(epoch - 1))));
    }

    /// How many steps an epoch has.
    public synchronized long steps(long epoch) {
        plan((int) epoch);
        return current.size();
    }

    private void plan(int epoch) {
        if (epoch != currentEpoch) {
            current = plan.apply(epoch);
            currentEpoch = epoch;
        }
    }
}
