package dev.weft.recipe;

import dev.weft.nn.Loss;
import java.util.Arrays;
import java.util.stream.IntStream;

/// Losses of batches on their way to that of the whole.
final class LossSum {
    private double[] sums = {};
    private long[] counts = {};
    private double[] weights = {};

    void add(Loss loss) {
        int terms = loss.terms().size();
        sums = Arrays.copyOf(sums, terms);
        counts = Arrays.copyOf(counts, terms);
        weights = loss.terms().stream().mapToDouble(Loss.Term::weight).toArray();
        for (int i = 0; i < terms; i++) {
            sums[i] += loss.terms().get(i).sum().item();
            counts[i] += loss.terms().get(i).count();
        }
    }

    /// Terms of which there was nothing count as 0.
    double mean() {
        return IntStream.range(0, sums.length).filter(i -> counts[i] > 0)
                .mapToDouble(i -> weights[i] * sums[i] / counts[i]).sum();
    }
}
