package dev.weft.text;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/// The substrings of words that would save most if each were one token, by frequency × length (Kudo 2018, §3.2).
///
/// The suffixes of all words are sorted by their first `longest` characters, by prefix doubling (Manber and Myers 1993):
/// as many rounds as `longest` has binary digits, each linear in the text. Neighbours that share a beginning are the
/// occurrences of a substring; of substrings with the same occurrences only the longest counts.
final class RepeatedSubstrings {
    /// A substring, by one place where it stands.
    ///
    /// @param score  how often it occurs × its length
    record Found(int start, int length, long score) {}

    private final int[] text;
    private final int[] wordAt;
    private final int[] wordEnds;
    private final long[] counts;
    private final int longest;

    /// `text[i]` is a character, a number from 0 up, in word `wordAt[i]`; word `w` ends before `wordEnds[w]` and occurs
    /// `counts[w]` times.
    RepeatedSubstrings(int[] text, int[] wordAt, int[] wordEnds, long[] counts, int longest) {
        this.text = text;
        this.wordAt = wordAt;
        this.wordEnds = wordEnds;
        this.counts = counts;
        this.longest = longest;
    }

    private int end(int i) {
        return wordEnds[wordAt[i]];
    }

    private int lengthAt(int start) {
        return Math.min(longest, end(start) - start);
    }

    /// At most `limit` substrings of two characters or more that occur at least twice, best first; of equals, the first
    /// in the order of the alphabet.
    List<Found> best(int limit) {
        int[] suffixes = sortedSuffixes();
        // Ordered worst first, so that the head is who leaves.
        record Candidate(Found found, int order) {}
        var best = new PriorityQueue<Candidate>(Comparator.comparingLong((Candidate c) -> c.found.score)
                .thenComparing(c -> c.order, Comparator.reverseOrder()));
        // The substrings that are open at a suffix, each a beginning of the next: length and weight so far.
        int[] lengths = new int[longest + 2];
        long[] sums = new long[longest + 2];
        int open = 0;
        int order = 0;
        for (int i = 0; i < suffixes.length; i++) {
            int suffix = suffixes[i];
            int length = lengthAt(suffix);
            if (open == 0 || lengths[open - 1] < length) {
                lengths[open] = length;
                sums[open++] = 0;
            }
            sums[open - 1] += counts[wordAt[suffix]];
            int shared = i + 1 < suffixes.length ? shared(suffix, suffixes[i + 1]) : 0;
            while (open > 0 && lengths[open - 1] > shared) {
                open--;
                long sum = sums[open];
                if (lengths[open] > 1 && sum > 1) {
                    var found = new Found(suffix, lengths[open], sum * lengths[open]);
                    if (best.size() < limit || found.score > best.element().found.score) {
                        best.add(new Candidate(found, order++));
                        if (best.size() > limit) {
                            best.remove();
                        }
                    }
                }
                if (open > 0 && lengths[open - 1] >= shared) {
                    sums[open - 1] += sum;
                } else if (shared > 0) {
                    lengths[open] = shared;
                    sums[open++] = sum;
                }
            }
        }
        return best.stream().sorted(
                Comparator.comparingLong((Candidate c) -> -c.found.score).thenComparingInt(Candidate::order))
                .map(Candidate::found).toList();
    }

    private int shared(int a, int b) {
        int limit = Math.min(lengthAt(a), lengthAt(b));
        int shared = 0;
        while (shared < limit && text[a + shared] == text[b + shared]) {
            shared++;
        }
        return shared;
    }

    private int[] sortedSuffixes() {
        int n = text.length;
        int[] ranks = text.clone();
        int kinds = Arrays.stream(text).max().orElse(-1) + 1;
        int[] order = new int[n];
        for (int i = 0; i < n; i++) {
            order[i] = i;
        }
        int[] sorted = new int[n];
        byRank(order, ranks, kinds, sorted);
        int[] next = order;
        for (int h = 1; h < longest && kinds < n; h *= 2) {
            // By the second half first: what ends before it, then in the order that second halves have already.
            int at = 0;
            for (int i = 0; i < n; i++) {
                if (end(i) - i <= h) {
                    next[at++] = i;
                }
            }
            for (int suffix : sorted) {
                int i = suffix - h;
                if (i >= 0 && end(i) - i > h) {
                    next[at++] = i;
                }
            }
            byRank(next, ranks, kinds, sorted);
            int[] finer = next;
            kinds = 0;
            for (int i = 0; i < n; i++) {
                boolean differs = i == 0 || ranks[sorted[i]] != ranks[sorted[i - 1]]
                        || second(ranks, sorted[i], h) != second(ranks, sorted[i - 1], h);
                kinds += differs ? 1 : 0;
                finer[sorted[i]] = kinds - 1;
            }
            next = ranks;
            ranks = finer;
        }
        return sorted;
    }

    private int second(int[] ranks, int suffix, int h) {
        return end(suffix) - suffix <= h ? -1 : ranks[suffix + h];
    }

    /// Sorts by rank, leaving equals in their order.
    private static void byRank(int[] suffixes, int[] ranks, int kinds, int[] sorted) {
        int[] places = new int[kinds + 1];
        for (int rank : ranks) {
            places[rank + 1]++;
        }
        for (int i = 0; i < kinds; i++) {
            places[i + 1] += places[i];
        }
        for (int suffix : suffixes) {
            sorted[places[ranks[suffix]]++] = suffix;
        }
    }
}
