package dev.weft.data.examples;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;

/// Pairs of texts for the question whether the second follows the first: Devlin et al. 2019, §3.1 and appendix A.2, built as
/// the authors' published code does.
///
/// A pair is `[CLS] first [SEP] second [SEP]`. Half of the seconds follow in the document; the others begin somewhere in
/// another document. Sentences that a stranger displaced begin the next pair.
///
/// @param length     tokens of a pair at the most, the three special ones included
/// @param shortShare pairs made shorter than that, at random: 0.1
public record NextSentence(int clsId, int sepId, int length, double shortShare) {
    /// Label of a second text that follows.
    public static final int FOLLOWS = 0;
    /// Label of one that does not.
    public static final int STRANGER = 1;

    public NextSentence {
        if (length < 5) {
            throw new IllegalArgumentException("A pair needs 5 tokens or more, found a length of " + length);
        }
    }

    /// The pairs of one document.
    ///
    /// @param documents each a list of sentences in ids, none of them empty
    /// @param index     which of them
    /// @return of each pair `input_ids`, `token_type_ids` and `next_sentence_label [1]`
    /// @throws IllegalArgumentException if there is no other document to take strangers from
    public List<Map<String, int[]>> pairs(List<List<int[]>> documents, int index, RandomGenerator random) {
        if (documents.size() < 2) {
            throw new IllegalArgumentException(
                    "Next sentences need two documents or more, found " + documents.size());
        }
        List<int[]> document = documents.get(index);
        int room = length - 3;
        int goal = goal(room, random);
        var pairs = new ArrayList<Map<String, int[]>>();
        int from = 0;
        int tokens = 0;
        for (int at = 0; at < document.size(); at++) {
            tokens += document.get(at).length;
            if (at + 1 < document.size() && tokens < goal) {
                continue;
            }
            int end = at + 1;
            int split = end - from < 2 ? end : from + 1 + random.nextInt(end - from - 1);
            int[] first = joined(document.subList(from, split));
            boolean stranger = split == end || random.nextBoolean();
            int[] second = stranger
                    ? stranger(documents, index, goal - first.length, random)
                    : joined(document.subList(split, end));
            pairs.add(pair(first, second, room, stranger, random));
            at = stranger ? split - 1 : at;
            from = at + 1;
            tokens = 0;
            goal = goal(room, random);
        }
        return pairs;
    }

    private int goal(int room, RandomGenerator random) {
        return random.nextDouble() < shortShare ? 2 + random.nextInt(room - 1) : room;
    }

    private static int[] stranger(List<List<int[]>> documents, int own, int goal, RandomGenerator random) {
        int other = random.nextInt(documents.size() - 1);
        List<int[]> document = documents.get(other < own ? other : other + 1);
        int start = random.nextInt(document.size());
        int end = start;
        int tokens = 0;
        do {
            tokens += document.get(end++).length;
        } while (end < document.size() && tokens < goal);
        return joined(document.subList(start, end));
    }

    /// Cuts the longer one, at its beginning or its end, until both have room.
    private Map<String, int[]> pair(int[] first, int[] second, int room, boolean stranger, RandomGenerator random) {
        int[][] bounds = {{0, first.length}, {0, second.length}};
        while (bounds[0][1] - bounds[0][0] + bounds[1][1] - bounds[1][0] > room) {
            int[] longer = bounds[0][1] - bounds[0][0] > bounds[1][1] - bounds[1][0] ? bounds[0] : bounds[1];
            if (random.nextBoolean()) {
                longer[0]++;
            } else {
                longer[1]--;
            }
        }
        int[] one = Arrays.copyOfRange(first, bounds[0][0], bounds[0][1]);
        int[] two = Arrays.copyOfRange(second, bounds[1][0], bounds[1][1]);
        int[] ids = joined(List.of(new int[]{clsId}, one, new int[]{sepId}, two, new int[]{sepId}));
        int[] types = new int[ids.length];
        Arrays.fill(types, one.length + 2, ids.length, 1);
        return Map.of("input_ids", ids, "token_type_ids", types, "next_sentence_label",
                new int[]{stranger ? STRANGER : FOLLOWS});
    }

    private static int[] joined(List<int[]> parts) {
        return parts.stream().flatMapToInt(Arrays::stream).toArray();
    }
}
