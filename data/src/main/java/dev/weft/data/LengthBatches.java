package dev.weft.data;

import dev.weft.tensor.Randomness;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;

/// Which examples make a batch: those of about one length together, so that little of it is padding, under a budget of
/// tokens. In each epoch every example comes once, in an order that depends on the seed and the epoch only.
///
/// The examples of an epoch are shuffled and cut into pools of some fifty batches; a pool is sorted by length and cut into
/// batches; the batches of all pools are shuffled.
public final class LengthBatches {
    private static final int POOL_BATCHES = 50;

    private final int poolBatches;
    private final int[] lengths;
    private final long maxTokens;
    private final int maxRows;
    private final long seed;
    private final Epochs<int[]> epochs = new Epochs<>(this::epoch);

    /// @param lengths   tokens of each example
    /// @param maxTokens of a batch, padding included: rows · longest
    /// @param maxRows   examples in a batch at most
    /// @throws IllegalArgumentException if there are no examples, or one is longer than a batch
    public LengthBatches(int[] lengths, long maxTokens, int maxRows, long seed) {
        this(lengths, maxTokens, maxRows, seed, POOL_BATCHES);
    }

    /// The same with pools of another size: of one batch each, examples of all lengths stand together, which costs padding;
    /// where length says much of what an example is about, a step is then less one-sided.
    public LengthBatches(int[] lengths, long maxTokens, int maxRows, long seed, int poolBatches) {
        this.poolBatches = poolBatches;
        this.lengths = lengths.clone();
        this.maxTokens = maxTokens;
        this.maxRows = maxRows;
        this.seed = seed;
        if (lengths.length == 0 || maxRows < 1) {
            throw new IllegalArgumentException("Needed are at least one example and one row, found %d and %d".formatted(
                    lengths.length, maxRows));
        }
        for (int i = 0; i < lengths.length; i++) {
            if (lengths[i] > maxTokens) {
                throw new IllegalArgumentException(
                        "Example %d has %d tokens, a batch has room for %d; cut it or make batches larger".formatted(i,
                                lengths[i], maxTokens));
            }
        }
    }

    /// The batches of an epoch, as numbers of examples. Epochs are counted from 0.
    public List<int[]> epoch(long epoch) {
        var random = new SplittableRandom(Randomness.mix(seed, epoch));
        Integer[] order = new Integer[lengths.length];
        Arrays.setAll(order, i -> i);
        shuffle(Arrays.asList(order), random);
        double mean = Math.max(1, Arrays.stream(lengths).average().orElseThrow());
        int pool = (int) Math.min(order.length, poolBatches * Math.max(1, Math.min(maxRows, maxTokens / mean)));
        var batches = new ArrayList<int[]>();
        for (int from = 0; from < order.length; from += pool) {
            int to = Math.min(order.length, from + pool);
            Arrays.sort(order, from, to, Comparator.comparingInt(i -> lengths[i]));
            int start = from;
            for (int i = from; i < to; i++) {
                // Sorted, so the last one is the longest.
                if (i - start == maxRows || (long) lengths[order[i]] * (i - start + 1) > maxTokens) {
                    batches.add(numbers(order, start, i));
                    start = i;
                }
            }
            batches.add(numbers(order, start, to));
        }
        shuffle(batches, random);
        return List.copyOf(batches);
    }

    private static int[] numbers(Integer[] order, int from, int to) {
        return Arrays.stream(order, from, to).mapToInt(Integer::intValue).toArray();
    }

    /// Fisher and Yates.
    private static <T> void shuffle(List<T> list, SplittableRandom random) {
        for (int i = list.size() - 1; i > 0; i--) {
            int other = random.nextInt(i + 1);
            T held = list.get(i);
            list.set(i, list.get(other));
            list.set(other, held);
        }
    }

    /// The batch of a step, one epoch after the other: so that a run that resumes at a step goes on with the same batches.
    public int[] at(long step) {
        return epochs.at(step).clone();
    }

    /// How many batches an epoch has.
    public long steps(long epoch) {
        return epochs.steps(epoch);
    }
}
