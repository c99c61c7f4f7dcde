package dev.weft.run;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/// One id for each row, again and again, until all rows have ended.
final class TokenLoop implements AutoCloseable {
    private final Prompts prompts;
    private final Generation options;
    private final Stop stop;
    private final TokenBudget budget;
    private final NextIds choice;
    private final Sequences sequences;
    private final @Nullable Finish[] finished;
    private final int[] lengths;
    private int[] latest = new int[0];
    private boolean closed;

    /// @param choice closed with this
    TokenLoop(Prompts prompts, Generation options, TokenBudget budget, Stop stop, NextIds choice) {
        this.prompts = prompts;
        this.options = options;
        this.budget = budget;
        this.stop = stop;
        this.choice = choice;
        int copies = options.numReturnSequences();
        int rows = prompts.rows() * copies;
        int[][] begin = new int[rows][];
        Arrays.setAll(begin, row -> prompts.ids()[row / copies]);
        sequences = new Sequences(begin);
        finished = new Finish[rows];
        lengths = new int[rows];
    }

    boolean done() {
        return closed || over();
    }

    /// Whether all rows have ended.
    boolean over() {
        return Arrays.stream(finished).allMatch(Objects::nonNull);
    }

    /// Makes the next id of each unfinished row and tells `listener`.
    ///
    /// @throws CancellationException if the thread was interrupted; then this is closed
    void step(TokenListener listener) {
        if (Thread.currentThread().isInterrupted()) {
            close();
            throw interrupted(sequences.newTokens());
        }
        accept(choice.next(sequences), listener);
    }

    /// The next id of each unfinished row; tells `listener`.
    void accept(NextIds.Chosen chosen, TokenListener listener) {
        boolean[] open = new boolean[finished.length];
        latest = chosen.ids();
        for (int row = 0; row < finished.length; row++) {
            open[row] = finished[row] == null;
            if (!open[row]) {
                latest[row] = options.limits().padId();
            }
        }
        sequences.append(latest, chosen.logProbabilities());
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

    /// Its flag stays set, for those who wait for the thread.
    static CancellationException interrupted(int newTokens) {
        return new CancellationException(
                "The generation was given up after %d new ids, since its thread was interrupted".formatted(newTokens));
    }

    private @Nullable Finish finish(int row) {
        int prompt = row / options.numReturnSequences();
        if (options.limits().endIds().contains(latest[row])) {
            return Finish.END_ID;
        }
        if (stop != Stop.NEVER && stop.reached(sequences.row(row), sequences.promptLength())) {
            return Finish.STOP_STRING;
        }
        return sequences.newTokens() == budget.of(prompt) ? budget.finish(prompt) : null;
    }

    /// Ends all that goes on.
    void stop() {
        for (int row = 0; row < finished.length; row++) {
            if (finished[row] == null) {
                finished[row] = Finish.STOPPED;
                sequences.end(row);
            }
        }
    }

    Sequences sequences() {
        return sequences;
    }

    /// Why a row ended; null as long as it has not.
    @Nullable
    Finish finished(int row) {
        return finished[row];
    }

    float[] logProbabilities(int row) {
        return sequences.logProbabilities(row);
    }

    int latest(int row) {
        return latest[row];
    }

    Generated result() {
        var texts = new ArrayList<Generated.Text>();
        for (int row = 0; row < finished.length; row++) {
            texts.add(new Generated.Text(row / options.numReturnSequences(),
                    Arrays.copyOf(sequences.generated(row), lengths[row]),
                    Arrays.copyOf(sequences.logProbabilities(row), lengths[row]),
                    Objects.requireNonNull(finished[row]), Double.NaN));
        }
        return new Generated(prompts, List.copyOf(texts));
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            choice.close();
        }
    }
}
