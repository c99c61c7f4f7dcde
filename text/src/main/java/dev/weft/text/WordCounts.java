package dev.weft.text;

import java.io.Reader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// The different words of a text and how often each occurs, in the order of their spelling.
///
/// Memory is bounded by the distinct words, not by the text. Where a text has no words (a long line without spaces),
/// stretches of it count as words, and of these a sample is kept that fits into [#LONG_WORDS]: those with the smallest
/// hashes, so that the choice depends neither on the order of the texts nor on the threads.
///
/// @param words   different, sorted, in the characters that the model sees
/// @param counts  one for each word
record WordCounts(String[] words, long[] counts) {
    /// Text counted by one thread at a time, in UTF-16 units.
    private static final int PIECE = 1 << 18;
    /// Longer words are cut, in UTF-16 units.
    private static final int LONGEST = 1 << 12;
    /// A word of more units is long.
    private static final int LONG = 1 << 6;
    /// How many units all long words together may have.
    private static final int LONG_WORDS = 1 << 22;

    /// Counts the words that `pipeline` cuts a corpus into.
    ///
    /// @throws IllegalArgumentException if there is none
    static WordCounts of(Corpus corpus, TrainingPipeline pipeline, int threads, TrainingProgress progress) {
        try (var counting = new Counting(pipeline, threads, progress)) {
            corpus.forEach(counting::add);
            WordCounts result = counting.result();
            if (result.words.length == 0) {
                throw new IllegalArgumentException(
                        "there is no word in the text: it is empty, and nothing can be learned from it");
            }
            return result;
        }
    }

    /// The characters of the words in the order of Unicode: the `limit` most frequent ones, of equals those with the
    /// smaller code point, and among them all of `initial` whether they occur or not.
    int[] alphabet(String initial, int limit) {
        long[] found = new long[Character.MAX_CODE_POINT + 1];
        for (int i = 0; i < words.length; i++) {
            for (int at = 0; at < words[i].length();) {
                int c = words[i].codePointAt(at);
                found[c] += counts[i];
                at += Character.charCount(c);
            }
        }
        initial.codePoints().forEach(c -> found[c] = Long.MAX_VALUE);
        return IntStream.range(0, found.length).filter(c -> found[c] > 0).boxed()
                .sorted(Comparator.comparing((Integer c) -> -found[c])).limit(limit).mapToInt(Integer::intValue)
                .sorted()
                .toArray();
    }

    /// Several pieces of text at a time.
    private static final class Counting implements AutoCloseable {
        private final TrainingPipeline pipeline;
        private final TrainingProgress progress;
        private final InOrder<Map<String, long[]>> workers;
        private final Map<String, long[]> counts = new HashMap<>();
        private List<String> batch = new ArrayList<>();
        private int batchLength;
        private long read;
        private long longUnits;
        // A long word is kept if these bits of its hash are zero.
        private int sampled;

        Counting(TrainingPipeline pipeline, int threads, TrainingProgress progress) {
            this.pipeline = pipeline;
            this.progress = progress;
            workers = new InOrder<>(threads, found -> found.forEach(this::add));
        }

        void add(Reader text) {
            new TextPieces(text, PIECE, 4 * PIECE, pipeline.cuts()).forEachRemaining(piece -> {
                batch.add(piece);
                batchLength += piece.length();
                if (batchLength >= PIECE) {
                    submit();
                }
            });
        }

        private void submit() {
            read += batchLength;
            progress.at("counting words", read, 0);
            List<String> texts = batch;
            workers.submit(() -> count(texts));
            batch = new ArrayList<>();
            batchLength = 0;
        }

        WordCounts result() {
            submit();
            workers.finish();
            record Count(String word, long count) {}
            Count[] sorted = counts.entrySet().stream()
                    .map(entry -> new Count(pipeline.spelled(entry.getKey()), entry.getValue()[0]))
                    .sorted(Comparator.comparing(Count::word)).toArray(Count[]::new);
            return new WordCounts(Arrays.stream(sorted).map(Count::word).toArray(String[]::new),
                    Arrays.stream(sorted).mapToLong(Count::count).toArray());
        }

        private Map<String, long[]> count(List<String> texts) {
            var found = new HashMap<String, long[]>();
            for (String text : texts) {
                pipeline.words(Utf8.wellFormed(text), word -> {
                    for (int from = 0; from < word.length();) {
                        int to = Math.min(word.length(), from + LONGEST);
                        if (to < word.length() && Character.isLowSurrogate(word.charAt(to))) {
                            to--;
                        }
                        found.computeIfAbsent(word.substring(from, to), absent -> new long[1])[0]++;
                        from = to;
                    }
                });
            }
            return found;
        }

        private void add(String word, long[] count) {
            boolean isLong = word.length() > LONG;
            if (isLong && (hash(word) & sampled) != 0) {
                return;
            }
            long[] sum = counts.putIfAbsent(word, count);
            if (sum != null) {
                sum[0] += count[0];
                return;
            }
            longUnits += isLong ? word.length() : 0;
            while (longUnits > LONG_WORDS) {
                sampled = sampled << 1 | 1;
                counts.keySet().removeIf(known -> {
                    boolean dropped = known.length() > LONG && (hash(known) & sampled) != 0;
                    longUnits -= dropped ? known.length() : 0;
                    return dropped;
                });
            }
        }

        /// [String#hashCode] with its bits mixed, so that any of them can be looked at alone.
        private static int hash(String word) {
            int hash = word.hashCode();
            hash = (hash ^ hash >>> 16) * 0x85EBCA6B;
            hash = (hash ^ hash >>> 13) * 0xC2B2AE35;
            return hash ^ hash >>> 16;
        }

        @Override
        public void close() {
            workers.close();
        }
    }
}
