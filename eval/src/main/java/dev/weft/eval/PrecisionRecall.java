package dev.weft.eval;

import java.util.Collection;
import java.util.function.ToDoubleFunction;

/// How many of those found are right (precision), how many of those to be found were (recall), and their harmonic mean.
///
/// Matches scikit-learn's `precision_recall_fscore_support`.
///
/// @param support how many there were to be found
public record PrecisionRecall(double precision, double recall, double f1, long support) {

    /// How the labels make one number.
    public enum Average {
        /// All hits and misses in one pot: frequent labels count more.
        MICRO,
        /// The plain mean over labels: rare ones count as much.
        MACRO,
        /// The mean over labels, each by how often it was expected.
        WEIGHTED
    }

    /// One label: how often it was said rightly, said, and expected.
    public record Counts(long hits, long predicted, long expected) {
        public Counts plus(Counts other) {
            return new Counts(hits + other.hits, predicted + other.predicted, expected + other.expected);
        }

        /// @param zeroDivision what nothing in nothing is: 0, or 1
        public PrecisionRecall score(double zeroDivision) {
            return new PrecisionRecall(ratio(hits, predicted, zeroDivision), ratio(hits, expected, zeroDivision),
                    ratio(2 * hits, predicted + expected, zeroDivision), expected);
        }
    }

    /// The mean over labels. Without labels it is all zero.
    ///
    /// @param zeroDivision what nothing in nothing is: 0, or 1
    public static PrecisionRecall of(Collection<Counts> labels, Average average, double zeroDivision) {
        Counts all = labels.stream().reduce(new Counts(0, 0, 0), Counts::plus);
        boolean byCount = average == Average.WEIGHTED && all.expected > 0;
        return average == Average.MICRO
                ? all.score(zeroDivision)
                : new PrecisionRecall(mean(labels, zeroDivision, byCount, PrecisionRecall::precision),
                        mean(labels, zeroDivision, byCount, PrecisionRecall::recall),
                        mean(labels, zeroDivision, byCount, PrecisionRecall::f1), all.expected);
    }

    private static double mean(Collection<Counts> labels, double zeroDivision, boolean byCount,
            ToDoubleFunction<PrecisionRecall> part) {
        double sum = 0;
        double weights = 0;
        for (Counts label : labels) {
            double weight = byCount ? label.expected : 1;
            sum += weight * part.applyAsDouble(label.score(zeroDivision));
            weights += weight;
        }
        return weights == 0 ? 0 : sum / weights;
    }

    static double ratio(double part, double whole, double zeroDivision) {
        return whole == 0 ? zeroDivision : part / whole;
    }

    static double checkedZeroDivision(double zeroDivision) {
        if (zeroDivision != 0 && zeroDivision != 1) {
            throw new IllegalArgumentException("zeroDivision must be 0 or 1, found " + zeroDivision);
        }
        return zeroDivision;
    }
}
