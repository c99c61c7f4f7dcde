package dev.weft.run;

import dev.weft.tensor.Device;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// One pass, one id: the best, or one that is drawn.
final class SingleChoice implements NextIds {
    private final Decoding decoding;
    private final @Nullable Guidance guidance;
    private final List<ScoreStep> steps;
    private final boolean samples;
    private final Randomness randomness;

    /// @param decoding closed with this, and so is `guidance`
    SingleChoice(Decoding decoding, @Nullable Guidance guidance, Generation options, List<ScoreStep> steps) {
        this.decoding = decoding;
        this.guidance = guidance;
        this.steps = steps;
        samples = options.samples();
        randomness = Randomness.seeded(options.sampling().seed());
    }

    @Override
    public Chosen next(Sequences soFar) {
        try (var off = Gradients.off(); var scope = TensorScope.open()) {
            Tensor scores = soFar.newTokens() == 0 ? decoding.begin() : decoding.next(soFar);
            Tensor guided = guidance == null ? scores : guidance.apply(soFar, scores);
            return choose(ScoreStep.all(steps, soFar, guided), samples, randomness);
        }
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
        decoding.close();
        if (guidance != null) {
            guidance.close();
        }
        randomness.close();
    }
}
