package dev.weft.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/// The merging half of byte-pair training, incremental: a merge visits only the places where its pair stands, and
/// corrects the counts of the neighbouring pairs there.
///
/// All words lie in one array of symbols, linked left and right, with a gap between words.
final class MergeLearner {
    private static final int NONE = -1;

    /// A pair in the queue, with the count it had then. Counts only fall later on, so a stale entry is put back with its
    /// true count when it reaches the top.
    private record Candidate(long count, long pair, int index) implements Comparable<Candidate> {
        @Override
        public int compareTo(Candidate other) {
            // Ids are not negative, so the packed pair orders by the left id, then the right one.
            return count != other.count ? Long.compare(other.count, count) : Long.compare(pair, other.pair);
        }
    }

    private final Vocabulary vocabulary;
    private final int[] symbols;
    private final int[] next;
    private final int[] previous;
    private final int[] wordAt;
    private final long[] wordCounts;

    private final PairTable indexOfPair = new PairTable(1 << 14);
    // By the index of a pair: the pair, its count, and the places where it stands or stood.
    private long[] pairs = new long[1 << 14];
    private long[] pairCounts = new long[1 << 14];
    private final List<IntList> places = new ArrayList<>();
    private final PriorityQueue<Candidate> queue = new PriorityQueue<>();

    /// `words` are plain text; `vocabulary` holds the bytes already.
    MergeLearner(Vocabulary vocabulary, Map<String, long[]> words) {
        this.vocabulary = vocabulary;
        int[] idOfChar = new int[1 << 9];
        for (char c : ByteAlphabet.sorted()) {
            idOfChar[c] = vocabulary.idOrNone(String.valueOf(c));
        }
        var all = new IntList(1 << 16);
        var word = new IntList(1 << 16);
        wordCounts = new long[words.size()];
        int number = 0;
        for (Map.Entry<String, long[]> entry : words.entrySet()) {
            String bytes = ByteAlphabet.encode(entry.getKey(), 0, entry.getKey().length());
            for (int i = 0; i < bytes.length(); i++) {
                all.add(idOfChar[bytes.charAt(i)]);
                word.add(number);
            }
            wordCounts[number++] = entry.getValue()[0];
        }
        symbols = all.toArray();
        wordAt = word.toArray();
        next = new int[symbols.length];
        previous = new int[symbols.length];
        for (int i = 0; i < symbols.length; i++) {
            previous[i] = i > 0 && wordAt[i - 1] == wordAt[i] ? i - 1 : NONE;
            next[i] = i + 1 < symbols.length && wordAt[i + 1] == wordAt[i] ? i + 1 : NONE;
        }
    }

    Bpe.Merges learn(int vocabSize, long minFrequency) {
        for (int at = 0; at < symbols.length; at++) {
            if (next[at] != NONE) {
                count(symbols[at], symbols[next[at]], wordCounts[wordAt[at]], at);
            }
        }
        offerFrom(0);
        var left = new IntList(vocabSize);
        var right = new IntList(vocabSize);
        var merged = new IntList(vocabSize);
        while (vocabulary.size() < vocabSize && !queue.isEmpty()) {
            Candidate best = queue.remove();
            long count = pairCounts[best.index];
            if (count != best.count) {
                queue.add(new Candidate(count, best.pair, best.index));
                continue;
            }
            if (count < minFrequency) {
                break;
            }
            int first = (int) (best.pair >>> 32);
            int second = (int) best.pair;
            int id = vocabulary.add(vocabulary.token(first) + vocabulary.token(second));
            left.add(first);
            right.add(second);
            merged.add(id);
            int known = places.size();
            merge(first, second, id, best.index);
            offerFrom(known);
        }
        return new Bpe.Merges(left.toArray(), right.toArray(), merged.toArray());
    }

    private void merge(int first, int second, int id, int index) {
        IntList list = places.get(index);
        places.set(index, new IntList(0));
        // From left to right, so that in "aaa" the first two are the pair.
        Arrays.sort(list.values, 0, list.size);
        for (int i = 0; i < list.size; i++) {
            int at = list.values[i];
            int gone = next[at];
            if (symbols[at] != first || gone == NONE || symbols[gone] != second) {
                continue;
            }
            long weight = wordCounts[wordAt[at]];
            int before = previous[at];
            int after = next[gone];
            symbols[at] = id;
            symbols[gone] = NONE;
            next[at] = after;
            if (before != NONE) {
                count(symbols[before], first, -weight, NONE);
                count(symbols[before], id, weight, before);
            }
            if (after != NONE) {
                previous[after] = at;
                count(second, symbols[after], -weight, NONE);
                count(id, symbols[after], weight, at);
            }
        }
    }

    /// Adds to the count of a pair, and remembers the place where it stands now (or [#NONE]).
    private void count(int first, int second, long weight, int place) {
        int index = indexOfPair.find(first, second);
        if (index < 0) {
            index = places.size();
            indexOfPair.put(PairTable.pair(first, second), index);
            places.add(new IntList(0));
            if (index == pairs.length) {
                pairs = Arrays.copyOf(pairs, index * 2);
                pairCounts = Arrays.copyOf(pairCounts, index * 2);
            }
            pairs[index] = PairTable.pair(first, second);
        }
        pairCounts[index] += weight;
        if (place != NONE) {
            places.get(index).add(place);
        }
    }

    /// Puts the pairs into the queue that were first seen since there were `known`.
    private void offerFrom(int known) {
        for (int index = known; index < places.size(); index++) {
            if (pairCounts[index] > 0) {
                queue.add(new Candidate(pairCounts[index], pairs[index], index));
            }
        }
    }
}
