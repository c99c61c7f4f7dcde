package dev.weft.run;

import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

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

    /// These one after the other.
    static Tensor all(List<ScoreStep> steps, Sequences ids, Tensor scores) {
        Tensor changed = scores;
        for (ScoreStep step : steps) {
            changed = step.apply(ids, changed);
        }
        return changed;
    }

    /// Below 1 the likely becomes likelier, above 1 all become alike (Ackley, Hinton & Sejnowski 1985).
    static ScoreStep temperature(double temperature) {
        return (ids, scores) -> scores.div(temperature);
    }

    /// Only the `k` best, and what is as good as the last of them (Fan et al. 2018).
    static ScoreStep topK(int k) {
        return (ids, scores) -> {
            return scores.maskedFill(scores.lt(worstOf(scores, k)), NEVER);
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

    /// Only what is about as surprising as the average, so many of them that their probabilities reach `p` together
    /// (Meister et al. 2022).
    ///
    /// @param atLeast this many stay in any case
    static ScoreStep typicalP(double p, int atLeast) {
        return (ids, scores) -> {
            Tensor logs = scores.logSoftmax(-1);
            // What is ruled out, at −∞, adds nothing to the entropy.
            Tensor entropy = entropy(scores, logs);
            Tensor.Ranked nearest = logs.neg().sub(entropy).abs().sort(-1, false);
            Tensor together = scores.gather(-1, nearest.indices()).softmax(-1).cumsum(-1);
            long vocab = scores.size(-1);
            Tensor last = together.narrow(-1, 0, vocab - 1).lt(p).to(DType.INT64).sum(-1, true);
            Tensor gone = nearest.values().gather(-1, last).lt(nearest.values())
                    .and(Tensor.arange(0, vocab).ge(atLeast).to(scores.device()));
            return scores.maskedFill(gone.scatter(-1, nearest.indices(), gone), NEVER);
        };
    }

    /// Only what is at least so probable (Hewitt et al. 2022, §4.1).
    ///
    /// @param atLeast this many stay in any case
    static ScoreStep epsilonCutoff(double epsilon, int atLeast) {
        return (ids, scores) -> scores.maskedFill(
                scores.softmax(-1).lt(epsilon).and(scores.lt(worstOf(scores, atLeast))), NEVER);
    }

    /// Only what is at least as probable as `epsilon`, or as √epsilon · exp(−entropy) where that is less: a bound that
    /// falls where much is possible (Hewitt et al. 2022, §4.2).
    ///
    /// @param atLeast this many stay in any case
    static ScoreStep etaCutoff(double epsilon, int atLeast) {
        return (ids, scores) -> {
            Tensor logs = scores.logSoftmax(-1);
            Tensor falling = entropy(scores, logs).neg().exp().mul(Math.sqrt(epsilon));
            Tensor bound = Tensor.where(falling.lt(epsilon), falling, falling.zerosLike().add(epsilon));
            return scores.maskedFill(logs.exp().lt(bound).and(scores.lt(worstOf(scores, atLeast))), NEVER);
        };
    }

    /// Of the 100 best as many, from the best on, as have together no more than the share `h` of their entropy (Potraghloo
    /// et al. 2025).
    ///
    /// @param atLeast this many stay in any case
    static ScoreStep topH(double h, int atLeast) {
        return (ids, scores) -> {
            int best = (int) Math.min(100, scores.size(-1));
            Tensor.Ranked ranked = scores.topK(best, -1);
            Tensor logs = ranked.values().logSoftmax(-1);
            Tensor parts = logs.exp().mul(logs).maskedFill(ranked.values().eq(NEVER), 0).neg();
            Tensor gone = parts.cumsum(-1).le(parts.sum(-1, true).mul(h)).not()
                    .and(Tensor.arange(0, best).ge(atLeast).to(scores.device()));
            Tensor all = Tensor.full(1, DType.BOOL, scores.shape()).to(scores.device());
            return scores.maskedFill(all.scatter(-1, ranked.indices(), gone), NEVER);
        };
    }

    private static Tensor entropy(Tensor scores, Tensor logs) {
        return logs.exp().mul(logs).maskedFill(scores.eq(NEVER), 0).sum(-1, true).neg();
    }

    private static Tensor worstOf(Tensor scores, int best) {
        int kept = (int) Math.min(best, scores.size(-1));
        return scores.topK(kept, -1).values().narrow(-1, kept - 1, 1);
    }

    /// What stands there already becomes less likely: positive scores are divided by `penalty`, negative ones multiplied
    /// (Keskar et al. 2019, §4.1).
    static ScoreStep repetitionPenalty(double penalty) {
        return (ids, scores) -> penalised(scores, ids.tensor(), penalty);
    }

    /// The same for ids of the text that is answered; above 1 they become likelier, as the reference has it.
    ///
    /// @param source the ids that each row answers to, cycled through where there are more rows
    static ScoreStep encoderRepetitionPenalty(double penalty, int[][] source) {
        return (ids, scores) -> {
            int[] flat = IntStream.range(0, ids.rows()).flatMap(row -> IntStream.of(answered(source, ids, row)))
                    .toArray();
            return penalised(scores, Tensor.of(flat, ids.rows(), source[0].length), 1 / penalty);
        };
    }

    private static Tensor penalised(Tensor scores, Tensor ids, double penalty) {
        Tensor seen = ids.to(scores.device()).to(DType.INT64);
        Tensor old = scores.gather(-1, seen);
        return scores.scatter(-1, seen, Tensor.where(old.lt(0), old.mul(penalty), old.div(penalty)));
    }

    /// What a row answers to: several rows may answer to one text.
    private static int[] answered(int[][] source, Sequences ids, int row) {
        return source[row / (ids.rows() / source.length)];
    }

    /// What was generated already loses `presence`, and `frequency` as often as it was.
    static ScoreStep presenceAndFrequency(double presence, double frequency) {
        return (ids, scores) -> {
            if (ids.newTokens() == 0) {
                return scores;
            }
            int vocab = (int) scores.size(1);
            float[] counts = new float[ids.rows() * vocab];
            for (int row = 0; row < ids.rows(); row++) {
                for (int i = ids.promptLength(); i < ids.length(); i++) {
                    counts[row * vocab + ids.id(row, i)]++;
                }
            }
            Tensor here = Tensor.of(counts, ids.rows(), vocab).to(scores.device());
            return scores.sub(here.mul(frequency)).sub(here.gt(0).to(scores.dtype()).mul(presence));
        };
    }

    /// No sequence of `size` ids twice in a row (Paulus et al. 2017, §2.5).
    static ScoreStep noRepeatNgrams(int size) {
        return (ids, scores) -> {
            var banned = new ArrayList<Collection<Integer>>();
            for (int row = 0; row < ids.rows(); row++) {
                banned.add(followers(ids.row(row), ids.row(row), size - 1));
            }
            return without(scores, banned);
        };
    }

    /// No sequence of `size` ids that stands in the text that is answered.
    static ScoreStep encoderNoRepeatNgrams(int size, int[][] source) {
        return (ids, scores) -> {
            var banned = new ArrayList<Collection<Integer>>();
            for (int row = 0; row < ids.rows(); row++) {
                banned.add(ids.length() < size - 1
                        ? List.of()
                        : followers(answered(source, ids, row), ids.row(row), size - 1));
            }
            return without(scores, banned);
        };
    }

    /// What follows in `text` on what `row` ends with, `context` ids long.
    private static Set<Integer> followers(int[] text, int[] row, int context) {
        var followers = new HashSet<Integer>();
        for (int end = context; end < text.length; end++) {
            if (Arrays.equals(text, end - context, end, row, row.length - context, row.length)) {
                followers.add(text[end]);
            }
        }
        return followers;
    }

    /// End ids become likelier with each id that is generated beyond `start`: by |score| · (factorⁿ − 1).
    static ScoreStep lengthDecay(int start, double factor, List<Integer> endIds) {
        return (ids, scores) -> {
            int beyond = ids.newTokens() - start;
            if (beyond <= 0) {
                return scores;
            }
            Tensor ends = columns(endIds, scores);
            Tensor old = scores.gather(-1, ends);
            return scores.scatter(-1, ends, old.add(old.abs().mul(Math.pow(factor, beyond) - 1)));
        };
    }

    private static Tensor columns(List<Integer> ids, Tensor scores) {
        return Tensor.of(ids.stream().mapToLong(id -> id).toArray(), 1, ids.size()).to(scores.device())
                .expand(scores.size(0), ids.size());
    }

    /// Adds to the score of what would complete a sequence.
    static ScoreStep sequenceBias(List<Generation.Bias> biases) {
        return (ids, scores) -> {
            int vocab = (int) scores.size(1);
            float[] added = new float[ids.rows() * vocab];
            for (int row = 0; row < ids.rows(); row++) {
                int[] text = ids.row(row);
                for (Generation.Bias each : biases) {
                    if (each.ids().size() == 1 || begins(text, each.ids())) {
                        added[row * vocab + each.ids().getLast()] += (float) each.bias();
                    }
                }
            }
            return scores.add(Tensor.of(added, ids.rows(), vocab).to(scores.device()));
        };
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

    /// What is no number becomes 0, what is infinite the largest or smallest number.
    static ScoreStep removeInvalidValues() {
        return (ids, scores) -> Tensor
                .where(scores.eq(scores), scores, scores.zerosLike().maskedFill(scores.eq(scores).not(), 0))
                .maskedFill(scores.eq(Double.POSITIVE_INFINITY), Float.MAX_VALUE)
                .maskedFill(scores.eq(NEVER), -Float.MAX_VALUE);
    }

    /// Log probabilities.
    static ScoreStep renormalize() {
        return (ids, scores) -> scores.logSoftmax(-1);
    }

    /// All steps that the settings ask for, in the order of the reference: what forbids and penalises, then `own`, then,
    /// when sampling, what shapes the distribution.
    ///
    /// @param source the ids that are answered: encoded ones, or those of the prompts
    static List<ScoreStep> of(Generation options, Prompts prompts, int[][] source, List<ScoreStep> own) {
        return of(options, prompts, source, own, List.of());
    }

    /// @param diverse between groups of beams, if there are any
    static List<ScoreStep> of(Generation options, Prompts prompts, int[][] source, List<ScoreStep> own,
            List<ScoreStep> diverse) {
        var steps = new ArrayList<ScoreStep>();
        penalties(options, source, diverse, steps);
        limits(options, prompts, steps);
        steps.addAll(own);
        if (options.samples()) {
            sampling(options, steps);
        }
        if (options.scores().renormalizeLogits()) {
            steps.add(renormalize());
        }
        return List.copyOf(steps);
    }

    private static void penalties(Generation options, int[][] source, List<ScoreStep> diverse,
            List<ScoreStep> steps) {
        Generation.Penalties penalties = options.penalties();
        Generation.Words words = options.words();
        if (!words.sequenceBias().isEmpty()) {
            steps.add(sequenceBias(words.sequenceBias()));
        }
        steps.addAll(diverse);
        if (penalties.encoderRepetitionPenalty() != 1) {
            steps.add(encoderRepetitionPenalty(penalties.encoderRepetitionPenalty(), source));
        }
        if (penalties.repetitionPenalty() != 1) {
            steps.add(repetitionPenalty(penalties.repetitionPenalty()));
        }
        if (penalties.presencePenalty() != 0 || penalties.frequencyPenalty() != 0) {
            steps.add(presenceAndFrequency(penalties.presencePenalty(), penalties.frequencyPenalty()));
        }
        if (penalties.noRepeatNgramSize() > 0) {
            steps.add(noRepeatNgrams(penalties.noRepeatNgramSize()));
        }
        if (penalties.encoderNoRepeatNgramSize() > 0) {
            steps.add(encoderNoRepeatNgrams(penalties.encoderNoRepeatNgramSize(), source));
        }
        List<Integer> ends = options.limits().endIds();
        List<List<Integer>> bad = words.badWordsIds().stream()
                .filter(word -> word.size() > 1 || !ends.contains(word.getFirst())).toList();
        if (!bad.isEmpty()) {
            steps.add(badWords(bad));
        }
    }

    private static void limits(Generation options, Prompts prompts, List<ScoreStep> steps) {
        Generation.Limits limits = options.limits();
        if (!limits.endIds().isEmpty()) {
            switch (limits.shortest()) {
                case Generation.Bound.NewTokens(int count) when count > 0 ->
                    steps.add(minNewTokens(count, limits.endIds()));
                case Generation.Bound.Total(int length) when length > 0 ->
                    steps.add(minLength(length, limits.endIds()));
                case Generation.Bound none -> {
                }
            }
        }
        Generation.Forced forced = options.forced();
        if (forced.first().isPresent()) {
            steps.add(forcedAt(1, List.of(forced.first().getAsInt())));
        }
        if (!forced.last().isEmpty()) {
            int longest = prompts.length() + limits.longest().newTokens(prompts.length());
            steps.add(forcedAt(longest - 1, forced.last()));
        }
        if (options.scores().removeInvalidValues()) {
            steps.add(removeInvalidValues());
        }
        if (limits.decay().factor() != 1 && !limits.endIds().isEmpty()) {
            steps.add(lengthDecay(limits.decay().start(), limits.decay().factor(), limits.endIds()));
        }
        if (!options.words().suppressTokens().isEmpty()) {
            steps.add(suppress(options.words().suppressTokens()));
        }
        if (!options.words().beginSuppressTokens().isEmpty()) {
            // Not in place of an id that is forced to be the first.
            steps.add(suppressAtBegin(options.words().beginSuppressTokens(),
                    prompts.length() == 1 && forced.first().isPresent() ? 1 : 0));
        }
    }

    private static void sampling(Generation options, List<ScoreStep> steps) {
        Sampling sampling = options.sampling();
        // Beams need a way to go on beside each end.
        int atLeast = options.beams().numBeams() > 1 ? Math.max(1, options.limits().endIds().size()) + 1 : 1;
        if (sampling.temperature() != 1) {
            steps.add(temperature(sampling.temperature()));
        }
        if (sampling.topH() < 1) {
            steps.add(topH(sampling.topH(), atLeast));
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
        if (sampling.typicalP() < 1) {
            steps.add(typicalP(sampling.typicalP(), atLeast));
        }
        if (sampling.epsilonCutoff() > 0) {
            steps.add(epsilonCutoff(sampling.epsilonCutoff(), atLeast));
        }
        if (sampling.etaCutoff() > 0) {
            steps.add(etaCutoff(sampling.etaCutoff(), atLeast));
        }
    }
}
