package dev.weft.run;

import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A guess at the ids that follow on a text, for a model to check; see [AssistedDecoding].
interface Draft extends AutoCloseable {
    /// @param ids           what may follow
    /// @param probabilities with which each was drawn, `[ids, vocab]` of the caller's scope; null where chance played no
    ///                      part
    record Guess(int[] ids, @Nullable Tensor probabilities) {
        static final Guess NONE = new Guess(new int[0], null);
    }

    /// @param most ids at the most
    Guess guess(Sequences text, int most);

    /// Told after each guess how many of its ids were right.
    default void learn(int guessed, int right) {}

    @Override
    default void close() {}

    /// Prompt look-up: what followed on the text's last ids where they stood before, as many of these as possible; or
    /// where they stand in what is answered (Saxena 2023).
    static Draft lookup(Generation options, List<int[]> answered) {
        return (text, most) -> {
            int[] row = text.row(0);
            Generation.Assistance how = options.assistance();
            int count = Math.min(most, how.promptLookupNumTokens());
            for (int size = Math.min(how.maxMatchingNgramSize(), row.length - 1); size > 0; size--) {
                for (int[] place : answered.isEmpty() ? List.of(row) : List.of(row, answered.getFirst())) {
                    for (int end = size; end < place.length; end++) {
                        if (Arrays.equals(place, end - size, end, row, row.length - size, row.length)) {
                            return new Guess(Arrays.copyOfRange(place, end, Math.min(place.length, end + count)), null);
                        }
                    }
                }
            }
            return Guess.NONE;
        };
    }

    /// A smaller model of the same vocabulary, which chooses as the large one does, by the same steps.
    final class OfModel implements Draft {
        private final CachedPasses passes;
        private final int room;
        private final Generation options;
        private final List<ScoreStep> steps;
        private final Randomness randomness;
        private int count;
        private boolean begun;
        /// What its cache holds: of which a guess that was wrong is to be forgotten.
        private int[] held = new int[0];

        /// @param passes   closed with this
        /// @param room     ids that the model has positions for
        OfModel(CachedPasses passes, int room, Generation options, List<ScoreStep> steps, Randomness randomness) {
            this.passes = passes;
            this.room = room;
            this.options = options;
            this.steps = steps;
            this.randomness = randomness;
            count = options.assistance().numAssistantTokens();
        }

        @Override
        public Guess guess(Sequences text, int most) {
            int length = text.length();
            int some = Math.min(Math.min(most, count), room - length);
            if (some <= 0) {
                return Guess.NONE;
            }
            int[] ids = new int[some];
            Tensor[] drawn = new Tensor[some];
            int made = 0;
            boolean goesOn = true;
            while (goesOn) {
                Tensor scores = ScoreStep.all(steps, text, scores(text));
                NextIds.Chosen chosen = SingleChoice.choose(scores, options.samples(), randomness);
                ids[made] = chosen.ids()[0];
                drawn[made++] = scores.softmax(-1);
                text.append(chosen.ids());
                goesOn = made < some && !options.limits().endIds().contains(ids[made - 1])
                        && Math.exp(chosen.logProbabilities()[0]) >= options.assistance()
                                .assistantConfidenceThreshold();
            }
            text.truncate(length);
            return new Guess(Arrays.copyOf(ids, made),
                    options.samples() ? Tensor.cat(List.of(Arrays.copyOf(drawn, made)), 0) : null);
        }

        /// The scores of what follows on the text, of which the cache may hold a beginning.
        private Tensor scores(Sequences text) {
            if (!begun) {
                begun = true;
                passes.begin();
            }
            int[] row = text.row(0);
            int common = Arrays.mismatch(held, row);
            int kept = Math.min(common < 0 ? held.length : common, Math.min(passes.held(), row.length - 1));
            kept = Math.max(kept, text.promptLength());
            passes.truncate(kept);
            held = row;
            int fresh = row.length - kept;
            return passes.next(text, fresh).select(1, fresh - 1);
        }

        @Override
        public void learn(int guessed, int right) {
            if (options.assistance().numAssistantTokensSchedule() == Generation.Schedule.HEURISTIC) {
                count = right == guessed ? count + 2 : Math.max(1, count - 1);
            }
        }

        @Override
        public void close() {
            passes.close();
        }
    }
}
