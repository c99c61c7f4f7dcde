package dev.weft.text;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// Counts GPT-2's words in texts, several texts at a time; holds no more texts than there are threads to read them.
final class WordCounts implements AutoCloseable {
    private final int threads;
    private final ExecutorService workers;
    private final Deque<Future<Map<String, long[]>>> underWay = new ArrayDeque<>();
    private final Map<String, long[]> counts = new HashMap<>();

    WordCounts(int threads) {
        this.threads = threads;
        workers = Executors.newFixedThreadPool(threads);
    }

    void add(String text) {
        if (underWay.size() > threads) {
            collect();
        }
        underWay.add(workers.submit(() -> count(text)));
    }

    /// Words and how often they occurred (`[0]`).
    Map<String, long[]> result() {
        while (!underWay.isEmpty()) {
            collect();
        }
        return counts;
    }

    private void collect() {
        try {
            underWay.remove().get().forEach((word, count) -> counts.merge(word, count, (sum, more) -> {
                sum[0] += more[0];
                return sum;
            }));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while counting words", e);
        } catch (ExecutionException e) {
            throw new IllegalStateException("counting words failed: " + e.getCause(), e.getCause());
        }
    }

    private static Map<String, long[]> count(String raw) {
        String text = Utf8.wellFormed(raw);
        var counts = new HashMap<String, long[]>();
        for (int from = 0; from < text.length();) {
            int to = Gpt2Words.end(text, from, text.length());
            counts.computeIfAbsent(text.substring(from, to), word -> new long[1])[0]++;
            from = to;
        }
        return counts;
    }

    @Override
    public void close() {
        workers.shutdownNow();
    }
}
