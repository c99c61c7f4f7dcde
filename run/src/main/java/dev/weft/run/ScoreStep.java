package dev.weft.run;

import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// One change of the scores before the next id is chosen. A list of these is what makes one way of sampling another.
///
/// ```java
/// ScoreStep noDigits = (ids, scores) -> scores.maskedFill(digits, Double.NEGATIVE_INFINITY);
/// ```
/// The formulas are those of the Python library's `generate`. Its rows are padded on the left, and there, too, the
/// padding counts as text.
@FunctionalInterface
public interface ScoreStep {
    double NEVER = Double.NEGATIVE_INFINITY;

    /// @param ids    what stands there already
    /// @param scores `[rows, vocab]` in float32: logits, or in beam search log probabilities
    /// @return       `[rows, vocab]`; −∞ rules an id out
    Tensor apply(Sequences ids, Tensor scores);

    /// Below 1 the likely becomes likelier, above 1 all become alike (Ackley, Hinton & Sejnowski 1985).
    static ScoreStep temperature(double temperature) {
        return (ids, scores) -> scores.div(temperature);
    }

    /// Only the `k` best, and what is as good as the last of them (Fan et al. 2018).
    static ScoreStep topK(int k) {
        return (ids, scores) -> {
            int kept = (int) Math.min(k, scores.size(-1));
            Tensor worst = scores.topK(kept, -1).values().narrow(-1, kept - 1, 1);
            return scores.maskedFill(scores.lt(worst), NEVER);
        };
    }

    /// Only the fewest best whose probabilities reach `p` together (Holtzman et al. 2019).
    ///
    /// @param atLeast this many stay in any case
    static ScoreStep topP(double p, int atLeast) {
        return (ids, scores) -> {
            Tensor.Ranked ascending = scores.sort(-1, false);
            Tensor rest = ascending.values().softmax(-1).cumsum(-1);
            long vocab = scores.size(-1);
            Tensor mayGo = Tensor.arange(0, vocab).lt(vocab - atLeast).to(scores.device());
            Tensor gone = rest.gt(1 - p).not().and(mayGo);
            return scores.maskedFill(gone.scatter(-1, ascending.indices(), gone), NEVER);
        };
    }

    /// Only what is at least `share` times as probable as the best (Nguyen et al. 2024).
    ///
    /// @param atLeast this many stay in any case
    static ScoreStep minP(double share, int atLeast) {
        return (ids, scores) -> {
            Tensor probabilities = scores.softmax(-1);
            Tensor gone = probabilities.lt(probabilities.max(-1, true).mul(share));
            Tensor best = probabilities.topK((int) Math.min(atLeast, scores.size(-1)), -1).indices();
            Tensor stay = Tensor.zeros(DType.BOOL, best.shape()).to(scores.device());
            return scores.maskedFill(gone.scatter(-1, best, stay), NEVER);
        };
    }

    /// What stands there already becomes less likely: positive scores are divided by `penalty`, negative ones multiplied
    /// (Keskar et al. 2019, §4.1).
    static ScoreStep repetitionPenalty(double penalty) {
        return (ids, scores) -> {
            Tensor seen = ids.tensor().to(scores.device());
            Tensor old = scores.gather(-1, seen);
            return scores.scatter(-1, seen, Tensor.where(old.lt(0), old.mul(penalty), old.div(penalty)));
        };
    }

    /// No sequence of `size` ids twice in a row (Paulus et al. 2017, §2.5).
    static ScoreStep noRepeatNgrams(int size) {
        return (ids, scores) -> {
            var banned = new ArrayList<Collection<Integer>>();
            for (int row = 0; row < ids.rows(); row++) {
                banned.add(followers(ids.row(row), size - 1));
            }
            return without(scores, banned);
        };
    }

    /// What followed earlier on what the row ends with, `context` ids long.
    private static Set<Integer> followers(int[] row, int context) {
        var followers = new HashSet<Integer>();
        for (int end = context; end < row.length; end++) {
            if (Arrays.equals(row, end - context, end, row, row.length - context, row.length)) {
                followers.add(row[end]);
            }
        }
        return followers;
    }

    /// No end before the row, prompt included, is `length` ids long.
    static ScoreStep minLength(int length, List<Integer> endIds) {
        return (ids, scores) -> ids.length() < length ? suppress(endIds).apply(ids, scores) : scores;
    }

    /// No end before `count` ids are generated.
    static ScoreStep minNewTokens(int count, List<Integer> endIds) {
        return (ids, scores) -> ids.newTokens() < count ? suppress(endIds).apply(ids, scores) : scores;
    }

    /// Never these ids.
    static ScoreStep suppress(List<Integer> never) {
        return (ids, scores) -> {
            var banned = new ArrayList<Collection<Integer>>();
            for (int row = 0; row < ids.rows(); row++) {
                banned.add(never);
            }
            return without(scores, banned);
        };
    }

    /// Not these ids as the next when so many are generated.
    static ScoreStep suppressAtBegin(List<Integer> notFirst, int generated) {
        return (ids, scores) -> ids.newTokens() == generated ? suppress(notFirst).apply(ids, scores) : scores;
    }

    /// One of these ids, and no other, when the row, prompt included, is `length` ids long.
    static ScoreStep forcedAt(int length, List<Integer> allowed) {
        return (ids, scores) -> {
            if (ids.length() != length) {
                return scores;
            }
            long vocab = scores.size(-1);
            Tensor row = Tensor.full(NEVER, scores.dtype(), vocab);
            allowed.forEach(id -> row.narrow(0, id, 1).fillInPlace(0));
            return row.to(scores.device()).unsqueeze(0).expand(scores.size(0), vocab);
        };
    }

    /// Never these words, each one or more ids.
    static ScoreStep badWords(List<List<Integer>> words) {
        return (ids, scores) -> {
            var banned = new ArrayList<Collection<Integer>>();
            for (int row = 0; row < ids.rows(); row++) {
                int[] text = ids.row(row);
                banned.add(words.stream().filter(word -> word.size() == 1 || begins(text, word)).map(List::getLast)
                        .toList());
            }
            return without(scores, banned);
        };
    }

    /// Whether the text ends with all of the word but its last id. As in the reference, a word is looked for only once
    /// the text is as long as it.
    private static boolean begins(int[] text, List<Integer> word) {
        int context = word.size() - 1;
        if (text.length < word.size()) {
            return false;
        }
        for (int i = 0; i < context; i++) {
            if (text[text.length - context + i] != word.get(i)) {
                return false;
            }
        }
        return true;
    }

    /// The scores with −∞ at the ids banned in each row.
    private static Tensor without(Tensor scores, List<Collection<Integer>> banned) {
        int rows = banned.size();
        int most = banned.stream().mapToInt(Collection::size).max().orElse(0);
        if (most == 0) {
            return scores;
        }
        // A rectangle: short rows repeat an id of their own, and empty ones write the score of id 0 back.
        long[] index = new long[rows * most];
        boolean[] ban = new boolean[rows * most];
        for (int row = 0; row < rows; row++) {
            int column = 0;
            for (int id : banned.get(row)) {
                Arrays.fill(index, row * most + column++, (row + 1) * most, id);
            }
            Arrays.fill(ban, row * most, (row + 1) * most, column > 0);
        }
        Tensor places = Tensor.of(index, rows, most).to(scores.device());
        Tensor changed = scores.gather(-1, places).maskedFill(Tensor.of(ban, rows, most).to(scores.device()), NEVER);
        return scores.scatter(-1, places, changed);
    }

    /// All steps that the settings ask for, in the order of the reference: what forbids and penalises, then `own`, then,
    /// when sampling, what shapes the distribution.
    static List<ScoreStep> of(Generation options, Prompts prompts, List<ScoreStep> own) {
        var steps = new ArrayList<ScoreStep>();
        Generation.Penalties penalties = options.penalties();
        List<Integer> ends = options.limits().endIds();
        if (penalties.repetitionPenalty() != 1) {
            steps.add(repetitionPenalty(penalties.repetitionPenalty()));
        }
        if (penalties.noRepeatNgramSize() > 0) {
            steps.add(noRepeatNgrams(penalties.noRepeatNgramSize()));
        }
        List<List<Integer>> words = penalties.badWordsIds().stream()
                .filter(word -> word.size() > 1 || !ends.contains(word.getFirst())).toList();
        if (!words.isEmpty()) {
            steps.add(badWords(words));
        }
        if (!ends.isEmpty()) {
            switch (options.limits().shortest()) {
                case Generation.Bound.NewTokens(int count) when count > 0 -> steps.add(minNewTokens(count, ends));
                case Generation.Bound.Total(int length) when length > 0 -> steps.add(minLength(length, ends));
                case Generation.Bound none -> {
                }
            }
        }
        Generation.Forced forced = options.forced();
        if (forced.first().isPresent()) {
            steps.add(forcedAt(1, List.of(forced.first().getAsInt())));
        }
        if (!forced.last().isEmpty()) {
            int longest = prompts.length() + options.limits().longest().newTokens(prompts.length());
            steps.add(forcedAt(longest - 1, forced.last()));
        }
        if (!penalties.suppressTokens().isEmpty()) {
            steps.add(suppress(penalties.suppressTokens()));
        }
        if (!penalties.beginSuppressTokens().isEmpty()) {
            // Not in place of an id that is forced to be the first.
            steps.add(suppressAtBegin(penalties.beginSuppressTokens(),
                    prompts.length() == 1 && forced.first().isPresent() ? 1 : 0));
        }
        steps.addAll(own);
        Generation.Sampling sampling = options.sampling();
        if (options.samples()) {
            // Beams need a way to go on beside each end.
            int atLeast = options.beams().numBeams() > 1 ? Math.max(1, ends.size()) + 1 : 1;
            if (sampling.temperature() != 1) {
                steps.add(temperature(sampling.temperature()));
            }
            if (sampling.topK() > 0) {
                steps.add(topK(Math.max(sampling.topK(), atLeast)));
            }
            if (sampling.topP() < 1) {
                steps.add(topP(sampling.topP(), atLeast));
            }
            if (sampling.minP() > 0) {
                steps.add(minP(sampling.minP(), atLeast));
            }
        }
        return List.copyOf(steps);
    }
}
