package dev.weft.run;

import dev.weft.nn.LanguageModel;
import dev.weft.tensor.Device;
import dev.weft.tensor.Randomness;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/// Texts being continued one token after the other, greedily or by sampling. Close it when done.
public final class Decoding implements AutoCloseable {
    private final Decoder decoder;
    private final Generation options;
    private final List<int[]> prompts;
    private final List<Row> rows = new ArrayList<>();
    private final int room;
    private final boolean limitedByContext;
    private int made;

    /// Why a row ended.
    public enum Finish {
        /// One of the end ids.
        END_ID,
        /// As many tokens as were allowed.
        LENGTH,
        /// A stop string.
        STOP_STRING,
        /// The model has no more positions.
        CONTEXT_FULL
    }

    private static final class Row {
        private final TokenHistory history;
        private final List<ScoreStep> steps;
        private final SplittableRandom random;
        private @Nullable Finish finish;

        Row(TokenHistory history, List<ScoreStep> steps, SplittableRandom random) {
            this.history = history;
            this.steps = steps;
            this.random = random;
        }
    }

    /// @param prompts token ids, of any lengths
    /// @throws IllegalArgumentException if a prompt is empty, longer than the model's context, or has an unknown id
    public Decoding(LanguageModel model, Device device, List<int[]> prompts, Generation options) {
        this.prompts = prompts;
        this.options = options;
        decoder = new Decoder(model, device, prompts);
        for (int row = 0; row < prompts.size(); row++) {
            rows.add(new Row(new TokenHistory(prompts.get(row)), options.steps(decoder.padding(row)),
                    new SplittableRandom(Randomness.mix(options.sampling().seed(), row))));
        }
        int wanted = options.room(decoder.width());
        // The last token needs no position: nothing comes after it.
        room = Math.min(wanted, decoder.room() + 1);
        limitedByContext = room < wanted;
    }

    /// Whether some row still goes on.
    public boolean active() {
        return made < room && rows.stream().anyMatch(row -> row.finish == null);
    }

    /// The next id of each row; a row that has ended gives the pad id.
    public int[] next() {
        float[][] scores = made == 0 ? decoder.prompt(prompts) : decoder.next(last());
        int[] chosen = new int[rows.size()];
        made++;
        for (int i = 0; i < chosen.length; i++) {
            Row row = rows.get(i);
            if (row.finish != null) {
                chosen[i] = options.ends().padId();
                continue;
            }
            float[] mine = scores[i];
            row.steps.forEach(step -> step.apply(row.history, mine));
            chosen[i] = options.sampling().on() ? draw(mine, row.random) : best(mine);
            row.history.add(chosen[i]);
            if (options.ends().ids().contains(chosen[i])) {
                row.finish = Finish.END_ID;
            } else if (made == room) {
                row.finish = limitedByContext ? Finish.CONTEXT_FULL : Finish.LENGTH;
            }
        }
        return chosen;
    }

    private int[] last() {
        return rows.stream().mapToInt(row -> row.finish == null
                ? row.history.at(row.history.length() - 1)
                : options.ends().padId()).map(id -> Math.max(0, id)).toArray();
    }

    /// Ends a row from outside.
    public void stop(int row) {
        rows.get(row).finish = Finish.STOP_STRING;
    }

    /// What a row has been given so far, its end id included.
    public int[] continuation(int row) {
        return rows.get(row).history.continuation();
    }

    /// Why a row ended, or null while it goes on.
    public @Nullable Finish finish(int row) {
        return rows.get(row).finish;
    }

    static int best(float[] scores) {
        int best = 0;
        for (int id = 1; id < scores.length; id++) {
            if (scores[id] > scores[best]) {
                best = id;
            }
        }
        return best;
    }

    private static int draw(float[] scores, SplittableRandom random) {
        double[] probabilities = ScoreStep.softmax(scores);
        double left = random.nextDouble() * Arrays.stream(probabilities).sum();
        int last = best(scores);
        for (int id = 0; id < probabilities.length; id++) {
            if (probabilities[id] > 0) {
                left -= probabilities[id];
                last = id;
                if (left < 0) {
                    return id;
                }
            }
        }
        return last;
    }

    @Override
    public void close() {
        decoder.close();
    }
}
