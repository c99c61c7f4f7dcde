package dev.weft.run;

import dev.weft.tensor.Device;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/// Speculative decoding (Leviathan et al. 2023): something quick guesses a few ids, and the model checks them all in one
/// pass. The text is the one that the model alone would give, save where two ids are equally good but for rounding; when
/// it is drawn, it is of the same distribution.
///
/// One prompt at a time. The first id is the model's own; then, each time when all ids that are known to be right have
/// been handed out, there is a guess and a pass.
final class AssistedDecoding implements NextIds {
    /// Ids guessed in one go at the most: a cache with a window cannot be cut back much farther.
    private static final int MOST = 48;

    private record Right(int id, float logProbability) {}

    private final CachedPasses passes;
    private final Draft draft;
    private final Generation options;
    private final List<ScoreStep> steps;
    private final int room;
    private final long turning;
    private final Randomness randomness;
    private final Queue<Right> right = new ArrayDeque<>();
    private @Nullable Sequences text;

    /// @param passes  closed with this, as are `draft` and `randomness`
    /// @param room       new ids at the most
    /// @param turning    a text that grows longer is computed anew: no guess goes beyond
    AssistedDecoding(CachedPasses passes, Draft draft, Generation options, List<ScoreStep> steps, int room,
            long turning,
            Randomness randomness) {
        this.passes = passes;
        this.draft = draft;
        this.options = options;
        this.steps = steps;
        this.room = room;
        this.turning = turning;
        this.randomness = randomness;
    }

    @Override
    public Chosen next(Sequences soFar) {
        text = soFar;
        if (right.isEmpty()) {
            try (var off = Gradients.off(); var scope = TensorScope.open()) {
                if (soFar.newTokens() == 0) {
                    add(SingleChoice.choose(ScoreStep.all(steps, soFar, passes.begin()), options.samples(),
                            randomness));
                } else {
                    guessAndCheck(soFar);
                }
            }
        }
        Right next = right.remove();
        return new Chosen(new int[]{next.id()}, new float[]{next.logProbability()});
    }

    private void add(Chosen chosen) {
        right.add(new Right(chosen.ids()[0], chosen.logProbabilities()[0]));
    }

    private void guessAndCheck(Sequences text) {
        int length = text.length();
        // Beside what is guessed, one more id comes of the pass.
        long most = Math.min(MOST, room - text.newTokens() - 1);
        Draft.Guess guess = draft.guess(text, (int) Math.min(most, length > turning ? most : turning - length));
        int guessed = guess.ids().length;
        for (int id : guess.ids()) {
            text.append(new int[]{id});
        }
        // [guessed + 1, vocab]
        Tensor scores = passes.next(text, guessed + 1).select(0, 0);
        text.truncate(length);
        int accepted = 0;
        for (boolean goesOn = true; goesOn;) {
            Tensor here = ScoreStep.all(steps, text, scores.narrow(0, accepted, 1));
            Chosen chosen = accepted < guessed && guess.probabilities() != null
                    ? acceptOrReplace(here, guess.ids()[accepted], guess.probabilities().narrow(0, accepted, 1))
                    : SingleChoice.choose(here, options.samples(), randomness);
            add(chosen);
            int id = chosen.ids()[0];
            goesOn = accepted < guessed && id == guess.ids()[accepted] && !options.limits().endIds().contains(id);
            if (goesOn) {
                text.append(chosen.ids());
                accepted++;
            }
        }
        text.truncate(length);
        // All but the last id that is known now.
        passes.truncate(length + right.size() - 1);
        draft.learn(guessed, accepted);
    }

    /// The guess x with the probability min(1, p(x) / q(x)), else one drawn by max(0, p − q): together by p. (Ibid., §2.3.)
    private Chosen acceptOrReplace(Tensor scores, int id, Tensor drawn) {
        Tensor logs = scores.logSoftmax(-1);
        Tensor probabilities = logs.exp();
        Tensor place = Tensor.of(new int[]{id}, 1, 1).to(logs.device());
        double p = probabilities.gather(-1, place).item();
        double q = drawn.gather(-1, place).item();
        if (randomness.uniform(0, 1, 1).item() * q < p) {
            return new Chosen(new int[]{id}, logs.gather(-1, place).toFloats());
        }
        Tensor rest = probabilities.sub(drawn).clampMin(0);
        Tensor replaced = randomness.multinomial(rest.to(Device.CPU)).to(logs.device());
        return new Chosen(replaced.toInts(), logs.gather(-1, replaced).toFloats());
    }

    @Override
    public void close() {
        // Who looks into the cache afterwards must not find ids that nobody asked for.
        if (text != null && passes.held() > text.length()) {
            passes.truncate(text.length());
        }
        passes.close();
        draft.close();
        randomness.close();
    }
}
