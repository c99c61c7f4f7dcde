package dev.weft.data;

import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.SplittableRandom;
import java.util.function.LongUnaryOperator;

/// Batches of windows of a long text, for models that predict the next token.
///
/// @param batch windows in a batch
/// @param seq   tokens in a window
public record TokenWindows(Tokens tokens, int batch, int seq) {
    public TokenWindows {
        if (batch < 1 || seq < 1) {
            throw new IllegalArgumentException(
                    "batch and seq must be 1 or more, found %d and %d".formatted(batch, seq));
        }
    }

    /// Windows that begin anywhere, each place equally likely: a function of the seed, the step and the micro-batch, so
    /// that a run that resumes at a step goes on with the same batches, without replay or stored state.
    ///
    /// @throws IllegalArgumentException if the text is shorter than a window
    public TokenBatch random(long seed, long step, int microBatch) {
        long starts = tokens.count() - seq;
        if (starts < 1) {
            throw new IllegalArgumentException(("The text has %d tokens, but a window needs %d: seq %d and the token "
                    + "after it; choose a shorter seq or give more text").formatted(tokens.count(), seq + 1L, seq));
        }
        var random = new SplittableRandom(Randomness.mix(seed, step, microBatch));
        return windows(batch, seq, row -> random.nextLong(starts));
    }

    /// Every target once, in the order of the text: full batches, what is left of full windows, then the rest in one
    /// shorter window. Each batch is born in the scope that is open when it is asked for.
    ///
    /// @throws IllegalArgumentException if there are fewer than two tokens
    public Iterable<TokenBatch> sequential() {
        long targets = tokens.count() - 1;
        if (targets < 1) {
            throw new IllegalArgumentException(
                    "The text has %d tokens; to predict one, two are needed".formatted(tokens.count()));
        }
        return () -> new Iterator<>() {
            private long at;

            @Override
            public boolean hasNext() {
                return at < targets;
            }

            @Override
            public TokenBatch next() {
                if (!hasNext()) {
                    throw new NoSuchElementException("the text is over");
                }
                int length = (int) Math.min(seq, targets - at);
                int rows = (int) Math.min(batch, (targets - at) / length);
                long from = at;
                at += (long) rows * length;
                return windows(rows, length, row -> from + row * length);
            }
        };
    }

    private TokenBatch windows(int rows, int length, LongUnaryOperator start) {
        int[] window = new int[length + 1];
        long[] inputs = new long[Math.multiplyExact(rows, length)];
        long[] targets = new long[inputs.length];
        for (int row = 0; row < rows; row++) {
            tokens.read(start.applyAsLong(row), window);
            for (int i = 0; i < length; i++) {
                inputs[row * length + i] = window[i];
                targets[row * length + i] = window[i + 1];
            }
        }
        return new TokenBatch(Tensor.of(inputs, rows, length), Tensor.of(targets, rows, length), inputs.length);
    }
}
