package dev.weft.run;

import dev.weft.nn.LanguageModel;
import dev.weft.tensor.Device;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Greedy and sampled decoding: one id for each row, again and again. Native memory of a step is freed with the step.
final class TokenLoop implements AutoCloseable {
    private final Prompts prompts;
    private final Generation options;
    private final List<ScoreStep> steps;
    private final Stop stop;
    private final Room room;
    private final Decoding decoding;
    private final Randomness randomness;
    private final Sequences sequences;
    private final @Nullable Finish[] finished;
    private final int[] lengths;
    private int[] latest = new int[0];
    private boolean closed;

    TokenLoop(LanguageModel model, Map<String, Tensor> inputs, Prompts prompts, Generation options,
            List<ScoreStep> steps, Stop stop) {
        int copies = options.numReturnSequences();
        if (copies > 1 && !options.samples()) {
            throw new IllegalArgumentException(
                    "num_return_sequences is %d, but greedy decoding gives one text; sample, or use num_beams"
                            .formatted(copies));
        }
        this.prompts = prompts;
        this.options = options;
        this.steps = steps;
        this.stop = stop;
        room = Room.of(model, prompts, options);
        int rows = prompts.rows() * copies;
        int[][] begin = new int[rows][];
        Arrays.setAll(begin, row -> prompts.ids()[row / copies]);
        sequences = new Sequences(begin);
        finished = new Finish[rows];
        lengths = new int[rows];
        decoding = new Decoding(model, inputs, prompts, copies);
        randomness = Randomness.seeded(options.sampling().seed());
    }

    boolean done() {
        return closed || Arrays.stream(finished).allMatch(Objects::nonNull);
    }

    /// Makes the next id of each unfinished row and tells `listener`.
    void step(TokenListener listener) {
        boolean[] open = new boolean[finished.length];
        try (var off = Gradients.off(); var scope = TensorScope.open()) {
            Tensor scores = sequences.newTokens() == 0 ? decoding.begin() : decoding.next(sequences);
            for (ScoreStep step : steps) {
                scores = step.apply(sequences, scores);
            }
            latest = choose(scores);
        }
        for (int row = 0; row < finished.length; row++) {
            open[row] = finished[row] == null;
            if (!open[row]) {
                latest[row] = options.limits().padId();
            }
        }
        sequences.append(latest);
        for (int row = 0; row < finished.length; row++) {
            if (open[row]) {
                lengths[row] = sequences.newTokens();
                finished[row] = finish(row);
                if (finished[row] != null) {
                    sequences.end(row);
                }
            }
        }
        for (int row = 0; row < finished.length; row++) {
            if (open[row]) {
                listener.token(row, latest[row]);
            }
        }
    }

    private int[] choose(Tensor scores) {
        return options.samples()
                ? randomness.multinomial(scores.softmax(-1).to(Device.CPU)).toInts()
                : scores.argmax(-1).toInts();
    }

    private @Nullable Finish finish(int row) {
        int prompt = row / options.numReturnSequences();
        if (options.limits().endIds().contains(latest[row])) {
            return Finish.END_ID;
        }
        if (stop != Stop.NEVER && stop.reached(sequences.row(row), sequences.promptLength())) {
            return Finish.STOP_STRING;
        }
        return sequences.newTokens() == room.of(prompt) ? room.finish(prompt) : null;
    }

    /// Why a row ended; null as long as it has not.
    @Nullable
    Finish finished(int row) {
        return finished[row];
    }

    int latest(int row) {
        return latest[row];
    }

    Generated result() {
        var texts = new ArrayList<Generated.Text>();
        for (int row = 0; row < finished.length; row++) {
            texts.add(new Generated.Text(row / options.numReturnSequences(),
                    Arrays.copyOf(sequences.generated(row), lengths[row]), Objects.requireNonNull(finished[row]),
                    Double.NaN));
        }
        return new Generated(prompts, List.copyOf(texts));
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            decoding.close();
            randomness.close();
        }
    }
}
