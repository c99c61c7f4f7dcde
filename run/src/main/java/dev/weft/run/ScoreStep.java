package dev.weft.run;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Set;

/// Changes the scores of the next token of one row, in place: −∞ forbids an id. One's own step is one lambda.
///
/// Steps run in the order of the reference: penalties and prohibitions first, then what narrows sampling.
@FunctionalInterface
public interface ScoreStep {
    /// @param history what the row holds so far
    /// @param scores  one for each id of the vocabulary: logits, or log probabilities in beam search
    void apply(TokenHistory history, float[] scores);

    /// Scores divided by `temperature`.
    static ScoreStep temperature(double temperature) {
        return (history, scores) -> {
            for (int id = 0; id < scores.length; id++) {
                scores[id] = (float) (scores[id] / temperature);
            }
        };
    }

    /// Only the `k` best, and what equals the last of them.
    static ScoreStep topK(int k) {
        return (history, scores) -> {
            if (k < scores.length) {
                float[] sorted = scores.clone();
                Arrays.sort(sorted);
                float least = sorted[sorted.length - k];
                forbid(scores, id -> scores[id] < least);
            }
        };
    }

    /// Only the smallest set of best ids whose probabilities reach `p` together; one at least.
    /// Holtzman et al. 2020, <https://arxiv.org/abs/1904.09751>.
    static ScoreStep topP(double p) {
        return (history, scores) -> {
            double[] probabilities = softmax(scores);
            Integer[] order = new Integer[scores.length];
            Arrays.setAll(order, id -> id);
            Arrays.sort(order, (a, b) -> Double.compare(probabilities[b], probabilities[a]));
            double before = 0;
            for (int rank = 0; rank < order.length; rank++) {
                if (rank > 0 && before >= p) {
                    scores[order[rank]] = Float.NEGATIVE_INFINITY;
                }
                before += probabilities[order[rank]];
            }
        };
    }

    /// Only ids at least `p` times as probable as the best. Nguyen et al. 2024, <https://arxiv.org/abs/2407.01082>.
    static ScoreStep minP(double p) {
        return (history, scores) -> {
            double[] probabilities = softmax(scores);
            double least = p * Arrays.stream(probabilities).max().orElse(0);
            forbid(scores, id -> probabilities[id] < least);
        };
    }

    /// Makes ids that already stand in the row less likely: a positive score is divided by `penalty`, a negative one
    /// multiplied. Keskar et al. 2019 (CTRL), §4.1, <https://arxiv.org/abs/1909.05858>.
    static ScoreStep repetitionPenalty(double penalty) {
        return (history, scores) -> {
            var seen = new BitSet();
            for (int i = 0; i < history.length(); i++) {
                int id = history.at(i);
                if (!seen.get(id)) {
                    seen.set(id);
                    scores[id] = (float) (scores[id] < 0 ? scores[id] * penalty : scores[id] / penalty);
                }
            }
        };
    }

    /// No run of `size` ids comes twice.
    static ScoreStep noRepeatNgram(int size) {
        return (history, scores) -> {
            int last = history.length() - size + 1;
            for (int start = 0; start < last; start++) {
                boolean same = true;
                for (int i = 0; same && i < size - 1; i++) {
                    same = history.at(start + i) == history.at(last + i);
                }
                if (same) {
                    scores[history.at(start + size - 1)] = Float.NEGATIVE_INFINITY;
                }
            }
        };
    }

    /// No end before the row holds `length` ids, its prompt and padding included.
    static ScoreStep minLength(int length, int padding, Set<Integer> endIds) {
        return (history, scores) -> {
            if (history.length() + padding < length) {
                endIds.forEach(id -> scores[id] = Float.NEGATIVE_INFINITY);
            }
        };
    }

    /// No end before `count` ids are generated.
    static ScoreStep minNewTokens(int count, Set<Integer> endIds) {
        return (history, scores) -> {
            if (history.generated() < count) {
                endIds.forEach(id -> scores[id] = Float.NEGATIVE_INFINITY);
            }
        };
    }

    /// Never these ids.
    static ScoreStep suppress(Set<Integer> ids) {
        return (history, scores) -> ids.forEach(id -> scores[id] = Float.NEGATIVE_INFINITY);
    }

    /// Probabilities of scores, in float64.
    static double[] softmax(float[] scores) {
        double highest = Double.NEGATIVE_INFINITY;
        for (float score : scores) {
            highest = Math.max(highest, score);
        }
        double[] probabilities = new double[scores.length];
        double sum = 0;
        for (int id = 0; id < scores.length; id++) {
            probabilities[id] = Math.exp(scores[id] - highest);
            sum += probabilities[id];
        }
        for (int id = 0; id < scores.length; id++) {
            probabilities[id] /= sum;
        }
        return probabilities;
    }

    private static void forbid(float[] scores, java.util.function.IntPredicate forbidden) {
        for (int id = 0; id < scores.length; id++) {
            if (forbidden.test(id)) {
                scores[id] = Float.NEGATIVE_INFINITY;
            }
        }
    }
}
