package dev.weft.eval;

import java.util.Map;

/// One way to tell how good answers are, fed example by example: a stream of any size in parts of any size.
///
/// It holds counts and sums; [Regression], [RocAuc] and [AnswerScore] also keep a few numbers per example, since ranks
/// and thresholds need them all. Not for several threads at once.
///
/// @param <P> what a model says of one example
/// @param <E> what was expected
public interface Metric<P, E> {
    /// One more example.
    ///
    /// @throws IllegalArgumentException if a number is not finite or the two do not fit each other; the message says
    ///                                  which example it was
    void add(P predicted, E expected);

    /// What came out, by the names the field writes (`f1`, `bleu`), the usual one first. NaN where a value is undefined,
    /// as a correlation with a constant is.
    ///
    /// @throws IllegalArgumentException if there was no example
    Map<String, Double> values();

    /// What another must know to get the same numbers; empty where the name says it all.
    default String signature() {
        return "";
    }
}
