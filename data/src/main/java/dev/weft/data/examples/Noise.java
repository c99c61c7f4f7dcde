package dev.weft.data.examples;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/// Ways to spoil a text that BART learns to restore: Lewis et al. 2020, §2.2, <https://arxiv.org/abs/1910.13461>.
public sealed interface Noise {
    /// Each token becomes the mask with probability `share`.
    record Masking(double share, int maskId) implements Noise {}

    /// Each token goes with probability `share`; where is for the model to find. One token always stays.
    record Deletion(double share) implements Noise {}

    /// Spans whose lengths are drawn from a Poisson distribution of this mean (BART: 3), `share` of the tokens in all
    /// (BART: 0.3), are each replaced by one mask; a span of length 0 is a mask put in.
    record Infilling(double share, double mean, int maskId) implements Noise {}

    /// Sentences in any order.
    ///
    /// @param ends ids that end a sentence
    record Permutation(List<Integer> ends) implements Noise {}

    /// The text begins at a token drawn evenly, and what stood before it follows its end.
    record Rotation() implements Noise {}

    /// @param ids without what begins and ends a text
    default int[] apply(int[] ids, RandomGenerator random) {
        if (ids.length == 0) {
            return ids;
        }
        return switch (this) {
            case Masking(double share, int maskId) ->
                Arrays.stream(ids).map(id -> random.nextDouble() < share ? maskId : id).toArray();
            case Deletion(double share) -> {
                int[] left = Arrays.stream(ids).filter(id -> random.nextDouble() >= share).toArray();
                yield left.length > 0 ? left : new int[]{ids[random.nextInt(ids.length)]};
            }
            case Infilling(double share, double mean, int maskId) -> infilled(ids, share, mean, maskId, random);
            case Permutation(List<Integer> ends) -> permuted(ids, ends, random);
            case Rotation() -> {
                int start = random.nextInt(ids.length);
                yield IntStream.range(0, ids.length).map(i -> ids[(start + i) % ids.length]).toArray();
            }
        };
    }

    /// The example of a text, spoiled in several ways one after the other: `input_ids` and, as `labels`, the text itself, both
    /// between `beginId` and `endId`.
    static Map<String, int[]> example(int[] ids, List<Noise> ways, int beginId, int endId, RandomGenerator random) {
        int[] spoiled = ids;
        for (Noise way : ways) {
            spoiled = way.apply(spoiled, random);
        }
        return Map.of("input_ids", between(beginId, spoiled, endId), "labels", between(beginId, ids, endId));
    }

    private static int[] between(int first, int[] ids, int last) {
        return IntStream.concat(IntStream.concat(IntStream.of(first), Arrays.stream(ids)), IntStream.of(last))
                .toArray();
    }

    private static int[] infilled(int[] ids, double share, double mean, int maskId, RandomGenerator random) {
        int goal = (int) Math.ceil(share * ids.length);
        var pieces = new ArrayList<Integer>();
        int gone = 0;
        while (gone < goal) {
            int span = Math.min(poisson(mean, random), goal - gone);
            pieces.add(span);
            gone += span;
        }
        // Spans and the tokens that stay (−1) in any order: every arrangement is equally likely.
        pieces.addAll(Collections.nCopies(ids.length - gone, -1));
        shuffle(pieces, random);
        var filled = new int[pieces.size()];
        int at = 0;
        for (int i = 0; i < filled.length; i++) {
            int piece = pieces.get(i);
            filled[i] = piece < 0 ? ids[at] : maskId;
            at += piece < 0 ? 1 : piece;
        }
        return filled;
    }

    /// Knuth 1969, volume 2, §3.4.1: right for small means.
    private static int poisson(double mean, RandomGenerator random) {
        double limit = Math.exp(-mean);
        double product = random.nextDouble();
        int count = 0;
        while (product > limit) {
            product *= random.nextDouble();
            count++;
        }
        return count;
    }

    private static int[] permuted(int[] ids, List<Integer> ends, RandomGenerator random) {
        var sentences = new ArrayList<int[]>();
        int from = 0;
        for (int i = 0; i < ids.length; i++) {
            if (ends.contains(ids[i]) || i + 1 == ids.length) {
                sentences.add(Arrays.copyOfRange(ids, from, i + 1));
                from = i + 1;
            }
        }
        shuffle(sentences, random);
        return sentences.stream().flatMapToInt(Arrays::stream).toArray();
    }

    private static <T> void shuffle(List<T> list, RandomGenerator random) {
        Collections.shuffle(list, Random.from(random));
    }
}
