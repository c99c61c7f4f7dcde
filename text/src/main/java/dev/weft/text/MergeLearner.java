package dev.weft.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.PriorityQueue;

/// The merging half of byte-pair training, incremental: a merge visits only the places where its pair stands, and
/// corrects the counts of the neighbouring pairs there.
///
/// All words lie in one array of symbols, linked left and right, with a gap between words.
final class MergeLearner {
    private static final int NONE = -1;

    /// A pair in the queue, with the count it had then. When a count grows, the pair is put in again; when it falls, it is
    /// put back with its true count once it reaches the top.
    private record Candidate(long count, long pair, int index) implements Comparable<Candidate> {
        @Override
        public int compareTo(Candidate other) {
            // Ids are not negative, so the packed pair orders by the left id, then the right one.
            return count != other.count ? Long.compare(other.count, count) : Long.compare(pair, other.pair);
        }
    }

    /// How tokens are written, and how long they may become.
    ///
    /// @param continuingPrefix  begins each token that does not begin its word, as `##`; may be empty
    /// @param endOfWordSuffix   ends each token that ends its word, as `</w>`; may be empty
    /// @param maxTokenLength    what is learned has fewer characters, pairs of two characters excepted
    record Spelling(String continuingPrefix, String endOfWordSuffix, int maxTokenLength) {
        static final Spelling PLAIN = new Spelling("", "", Integer.MAX_VALUE);

        String character(int codePoint, boolean first, boolean last) {
            return (first ? "" : continuingPrefix) + Character.toString(codePoint) + (last ? endOfWordSuffix : "");
        }

        String merged(String left, String right) {
            return left + (right.startsWith(continuingPrefix) ? right.substring(continuingPrefix.length()) : right);
        }
    }

    private final Vocabulary vocabulary;
    private final Spelling spelling;
    private final int[] symbols;
    private final int[] next;
    private final int[] previous;
    private final int[] wordAt;
    private final long[] wordCounts;
    /// By token id: its characters, prefix and suffix not counted.
    private final IntList lengths = new IntList(1 << 12);

    private final PairTable indexOfPair = new PairTable(1 << 14);
    // By the index of a pair: the pair, its count, and the places where it stands or stood.
    private long[] pairs = new long[1 << 14];
    private long[] pairCounts = new long[1 << 14];
    private final List<IntList> places = new ArrayList<>();
    private final PriorityQueue<Candidate> queue = new PriorityQueue<>();
    /// Pairs whose count has grown since they were last put into the queue, some of them more than once.
    private final IntList grown = new IntList(1 << 10);

    /// Characters outside `alphabet` (sorted) are left out of the words. What a prefix or suffix makes of characters is
    /// added to the vocabulary, in the order of Unicode, however the words lie.
    MergeLearner(Vocabulary vocabulary, WordCounts words, int[] alphabet, Spelling spelling) {
        this.vocabulary = vocabulary;
        this.spelling = spelling;
        wordCounts = words.counts();
        var all = new IntList(1 << 16);
        var word = new IntList(1 << 16);
        for (int number = 0; number < wordCounts.length; number++) {
            String text = words.words()[number];
            for (int at = 0; at < text.length();) {
                int c = text.codePointAt(at);
                int end = at + Character.charCount(c);
                int index = Arrays.binarySearch(alphabet, c);
                if (index >= 0) {
                    all.add(4 * index + (at == 0 ? 0 : 1) + (end == text.length() ? 2 : 0));
                    word.add(number);
                }
                at = end;
            }
        }
        symbols = all.toArray();
        wordAt = word.toArray();
        int[] ids = new int[4 * alphabet.length];
        for (int symbol : symbols) {
            ids[symbol] = 1;
        }
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] != 0) {
                ids[i] = vocabulary.add(spelling.character(alphabet[i >> 2], (i & 1) == 0, (i & 2) != 0));
            }
        }
        next = new int[symbols.length];
        previous = new int[symbols.length];
        for (int i = 0; i < symbols.length; i++) {
            symbols[i] = ids[symbols[i]];
            previous[i] = i > 0 && wordAt[i - 1] == wordAt[i] ? i - 1 : NONE;
            next[i] = i + 1 < symbols.length && wordAt[i + 1] == wordAt[i] ? i + 1 : NONE;
        }
        for (int id = 0; id < vocabulary.size(); id++) {
            lengths.add(1);
        }
    }

    /// Learns until the vocabulary has `vocabSize` entries or no pair occurs `minFrequency` times.
    Bpe.Merges learn(int vocabSize, long minFrequency, TrainingProgress progress) {
        for (int at = 0; at < symbols.length; at++) {
            if (next[at] != NONE) {
                count(symbols[at], symbols[next[at]], wordCounts[wordAt[at]], at);
            }
        }
        offerGrown();
        var left = new IntList(vocabSize);
        var right = new IntList(vocabSize);
        var merged = new IntList(vocabSize);
        while (vocabulary.size() < vocabSize && !queue.isEmpty()) {
            Candidate best = queue.remove();
            long count = pairCounts[best.index];
            if (count != best.count) {
                offer(best.index);
                continue;
            }
            if (count < minFrequency) {
                break;
            }
            if ((merged.size & 0xFF) == 0) {
                progress.at("merging", vocabulary.size(), vocabSize);
            }
            int first = (int) (best.pair >>> 32);
            int second = (int) best.pair;
            int id = vocabulary.add(spelling.merged(vocabulary.token(first), vocabulary.token(second)));
            if (id == lengths.size) {
                lengths.add(lengths.values[first] + lengths.values[second]);
            }
            left.add(first);
            right.add(second);
            merged.add(id);
            merge(first, second, id, best.index);
            offerGrown();
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
            pairCounts[index] -= weight;
            if (before != NONE) {
                uncount(symbols[before], first, weight);
                countMerged(symbols[before], id, weight, before);
            }
            if (after != NONE) {
                previous[after] = at;
                uncount(second, symbols[after], weight);
                countMerged(id, symbols[after], weight, at);
            }
        }
    }

    private void countMerged(int first, int second, long weight, int place) {
        if (lengths.values[first] + lengths.values[second] < spelling.maxTokenLength) {
            count(first, second, weight, place);
        }
    }

    private void uncount(int first, int second, long weight) {
        int index = indexOfPair.find(first, second);
        if (index >= 0) { // a pair too long to be merged was never counted
            pairCounts[index] -= weight;
        }
    }

    /// Adds to the count of a pair, and remembers the place where it stands now.
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
        places.get(index).add(place);
        grown.add(index);
    }

    private void offerGrown() {
        Arrays.sort(grown.values, 0, grown.size);
        for (int i = 0; i < grown.size; i++) {
            if (i == 0 || grown.values[i] != grown.values[i - 1]) {
                offer(grown.values[i]);
            }
        }
        grown.size = 0;
    }

    private void offer(int index) {
        if (pairCounts[index] > 0) {
            queue.add(new Candidate(pairCounts[index], pairs[index], index));
        }
    }
}
