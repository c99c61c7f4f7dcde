package dev.weft.run;

import dev.weft.tensor.Device;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// One pass, one id: the best, or one that is drawn.
final class SingleChoice implements NextIds {
    private final CachedPasses passes;
    private final @Nullable Guidance guidance;
    private final List<ScoreStep> steps;
    private final boolean samples;
    private final Randomness randomness;

    /// @param passes closed with this, and so is `guidance`
    SingleChoice(CachedPasses passes, @Nullable Guidance guidance, Generation options, List<ScoreStep> steps) {
        this.passes = passes;
        this.guidance = guidance;
        this.steps = steps;
        samples = options.samples();
        randomness = Randomness.seeded(options.sampling().seed());
    }

    @Override
    public Chosen next(Sequences soFar) {
        try (var off = Gradients.off(); var scope = TensorScope.open()) {
            if (!passes.turnsByTheLongest()) {
                passes.leaveEnded(soFar);
            }
            return choose(soFar, soFar.newTokens() == 0 ? passes.begin() : passes.next(soFar));
        }
    }

    /// @param scores of all rows, or of those whose text is not over, `[rows, vocab]`
    Chosen choose(Sequences soFar, Tensor scores) {
        Tensor guided = guidance == null ? scores : guidance.apply(soFar, scores);
        if (scores.size(0) == soFar.rows()) {
            return choose(ScoreStep.all(steps, soFar, guided), samples, randomness);
        }
        // For each row where its scores are; for those that are over any, since nobody looks at what comes of them.
        int[] places = new int[soFar.rows()];
        int going = 0;
        for (int row = 0; row < places.length; row++) {
            places[row] = soFar.ended(row) ? 0 : going++;
        }
        if (steps.isEmpty() && !samples) {
            Chosen few = choose(guided, false, randomness);
            float[] logs = new float[places.length];
            for (int row = 0; row < logs.length; row++) {
                logs[row] = few.logProbabilities()[places[row]];
            }
            return new Chosen(IntStream.of(places).map(place -> few.ids()[place]).toArray(), logs);
        }
        // A step counts on all rows, and chance draws for all, so that no row's text depends on when others end.
        Tensor all = guided.indexSelect(0, Tensor.of(places, places.length).to(guided.device()));
        return choose(ScoreStep.all(steps, soFar, all), samples, randomness);
    }

    /// @param scores `[rows, vocab]` after all steps
    static Chosen choose(Tensor scores, boolean samples, Randomness randomness) {
        Tensor logs = scores.logSoftmax(-1);
        Tensor ids = samples
                ? randomness.multinomial(logs.exp().to(Device.CPU)).to(logs.device())
                : scores.argmax(-1).unsqueeze(-1);
        return new Chosen(ids.toInts(), logs.gather(-1, ids).toFloats());
    }

    @Override
    public void close() {
        passes.close();
        if (guidance != null) {
            guidance.close();
        }
        randomness.close();
    }
}
