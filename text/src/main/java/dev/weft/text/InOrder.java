package dev.weft.text;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;

/// Work done by several threads, whose results are taken one by one in the order the work was given: so that sums of
/// floating-point numbers do not depend on the number of threads. Holds little more results than there are threads.
final class InOrder<T> implements AutoCloseable {
    private final int threads;
    private final ExecutorService workers;
    private final Consumer<T> results;
    private final Deque<Future<T>> underWay = new ArrayDeque<>();

    InOrder(int threads, Consumer<T> results) {
        this.threads = threads;
        this.results = results;
        workers = Executors.newFixedThreadPool(threads, task -> {
            var thread = new Thread(task, "training a tokenizer");
            thread.setDaemon(true);
            return thread;
        });
    }

    void submit(Callable<T> work) {
        if (underWay.size() > threads) {
            collect();
        }
        underWay.add(workers.submit(work));
    }

    /// Waits for all that was given.
    void finish() {
        while (!underWay.isEmpty()) {
            collect();
        }
    }

    private void collect() {
        try {
            results.accept(underWay.remove().get());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("training the tokenizer was interrupted");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new IllegalStateException("training the tokenizer failed: " + e.getCause(), e.getCause());
        }
    }

    @Override
    public void close() {
        workers.shutdownNow();
    }
}
