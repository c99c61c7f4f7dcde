package dev.weft.data;

import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/// Batches of whole short examples, such as the lines of a text, each beginning at position 0; shorter ones are filled up
/// and what fills them is no target.
///
/// @param examples ids of two tokens or more each, held in memory
public record TokenExamples(List<int[]> examples, int batch) {
    /// What a target that counts for nothing holds.
    public static final long IGNORED = -100;

    public TokenExamples {
        if (batch < 1 || examples.isEmpty()) {
            throw new IllegalArgumentException(
                    "Needed are a batch of 1 or more and at least one example, found %d and %d"
                            .formatted(batch, examples.size()));
        }
        for (int i = 0; i < examples.size(); i++) {
            if (examples.get(i).length < 2) {
                throw new IllegalArgumentException(
                        "Example %d has %d tokens; to predict one, two are needed".formatted(i + 1,
                                examples.get(i).length));
            }
        }
    }

    /// Tokens of the longest example.
    public int longest() {
        return examples.stream().mapToInt(ids -> ids.length).max().orElseThrow();
    }

    /// Examples drawn evenly: a function of the seed, the step and the micro-batch, as [TokenWindows#random] is.
    public TokenBatch random(long seed, long step, int microBatch) {
        var random = new SplittableRandom(Randomness.mix(seed, step, microBatch));
        int[][] rows = new int[batch][];
        Arrays.setAll(rows, row -> examples.get(random.nextInt(examples.size())));
        int width = Arrays.stream(rows).mapToInt(ids -> ids.length).max().orElseThrow() - 1;
        long[] inputs = new long[batch * width];
        long[] targets = new long[batch * width];
        Arrays.fill(targets, IGNORED);
        long counted = 0;
        for (int row = 0; row < batch; row++) {
            int[] ids = rows[row];
            for (int i = 0; i + 1 < ids.length; i++) {
                inputs[row * width + i] = ids[i];
                targets[row * width + i] = ids[i + 1];
            }
            counted += ids.length - 1;
        }
        return new TokenBatch(Tensor.of(inputs, batch, width), Tensor.of(targets, batch, width), counted);
    }
}
