package dev.weft.run;

import dev.weft.nn.ForwardPass;
import dev.weft.nn.KvCache;
import dev.weft.nn.LanguageModel;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Texts that are carried on together, one id each in a pass, and come and go on their own: each with its own settings,
/// chance, steps, stop and listener.
///
/// ```java
/// try (var batch = RunningBatch.of(model)) {
///     var ticket = batch.join(prompt, Generation.sampled(7), id -> show(id));
///     while (!batch.idle()) {
///         batch.step(); // others may join in between
///     }
///     Generated text = ticket.result();
/// }
/// ```
/// A text that is over costs nothing more, and its memory is given back. For models without encoder; the ids of a text are
/// those that it gets alone, within rounding, or with [#exact] to the last bit. Used by one thread at a time.
public final class RunningBatch implements AutoCloseable {
    /// One of the rows that go on.
    ///
    /// @param row which of the ticket's texts
    private record Row(Ticket ticket, int row) {}

    private final LanguageModel model;
    private final Generator plain;
    private final boolean exact;
    private final Device device;
    /// Of all rows that go on, in their order.
    private final KvCache cache = new KvCache();
    private final List<Row> rows = new ArrayList<>();
    private final List<Ticket> waiting = new ArrayList<>();
    private boolean closed;

    private RunningBatch(LanguageModel model, boolean exact) {
        model.requireOpen();
        this.model = model;
        this.exact = exact;
        plain = Generator.of(model);
        device = model.parameters().values().iterator().next().device();
    }

    /// All rows in one pass.
    public static RunningBatch of(LanguageModel model) {
        return new RunningBatch(model, false);
    }

    /// Each row in a pass of its own, so that it is computed as if it were alone: its numbers do not depend on the others by
    /// a single bit, for kernels add up otherwise where there are more rows. A step costs as much as its rows one by one.
    public static RunningBatch exact(LanguageModel model) {
        return new RunningBatch(model, true);
    }

    /// One text, or several of one prompt, in a [RunningBatch].
    public static final class Ticket {
        private final TokenLoop loop;
        private final SingleChoice choice;
        private final CachedPasses passes;
        private final TokenListener listener;
        private @Nullable RuntimeException failure;

        Ticket(TokenLoop loop, SingleChoice choice, CachedPasses passes, TokenListener listener) {
            this.loop = loop;
            this.choice = choice;
            this.passes = passes;
            this.listener = listener;
        }

        /// Whether no more ids come.
        public boolean done() {
            return loop.done();
        }

        /// What came of it, once it is [#done].
        ///
        /// @throws IllegalStateException if it goes on
        /// @throws RuntimeException what its listener, stop, constraint or one of its steps threw
        public Generated result() {
            if (failure != null) {
                throw failure;
            }
            if (!loop.over()) {
                throw new IllegalStateException("The text goes on; call step until it is done, or drop it");
            }
            return loop.result();
        }
    }

    /// One more text, whose prompt is run in the next step.
    ///
    /// @param listener told each id as it is made, the end id too
    /// @throws IllegalArgumentException if the prompt is empty or fills the model's context, an id is unknown, or the
    ///                                  settings ask for beams, contrastive search or guessed ids
    public Ticket join(int[] prompt, Generation options, IntConsumer listener) {
        return join(plain, prompt, options, (text, id) -> listener.accept(id));
    }

    /// The same with the steps, stop, constraint and prompt cache of a generator of this model. A
    /// [following][PromptCache#following] cache holds the prompt afterwards.
    ///
    /// @param listener told each id as it is made, and of which of the `num_return_sequences` texts
    public Ticket join(Generator generator, int[] prompt, Generation options, TokenListener listener) {
        requireOpen();
        Ticket ticket = generator.ticket(model, Prompts.of(List.of(prompt), options.limits().padId()), options,
                listener);
        waiting.add(ticket);
        return ticket;
    }

    /// Whether there is nothing to be carried on.
    public boolean idle() {
        return rows.isEmpty() && waiting.isEmpty();
    }

    /// Rows that the next step carries on; those of texts that wait for their first id do not count.
    public int rows() {
        return rows.size();
    }

    /// Bytes of native memory for keys and values, and whatever else the model keeps of the texts.
    public long bytes() {
        return cache.bytes();
    }

    /// The next id of each text. What a listener or a step of one's own throws ends its own text alone, whose
    /// [Ticket#result] throws it.
    ///
    /// @throws CancellationException if the thread is interrupted, which stays so; all texts can be carried on afterwards
    /// @throws RuntimeException if the model could not compute; then the batch is closed
    public void step() {
        requireOpen();
        if (Thread.currentThread().isInterrupted()) {
            throw new CancellationException("The step was given up, since its thread was interrupted");
        }
        model.requireOpen();
        try (var off = Gradients.off(); var scope = TensorScope.open()) {
            if (!rows.isEmpty()) {
                carryOn();
            }
        }
        List<Ticket> fresh = List.copyOf(waiting);
        waiting.clear();
        for (Ticket ticket : fresh) {
            try (var off = Gradients.off(); var scope = TensorScope.open()) {
                begin(ticket);
            }
        }
    }

    private void begin(Ticket ticket) {
        choose(ticket, ticket.passes::begin);
        if (ticket.done()) {
            return;
        }
        cache.join(ticket.passes.handOver());
        IntStream.range(0, ticket.loop.sequences().rows()).forEach(row -> rows.add(new Row(ticket, row)));
        dropEnded();
    }

    private void carryOn() {
        Tensor scores;
        try {
            scores = scores();
        } catch (RuntimeException e) {
            // Some layers have seen the new ids and others have not.
            close();
            throw e;
        }
        List<Row> scored = List.copyOf(rows);
        for (Ticket ticket : scored.stream().map(Row::ticket).distinct().toList()) {
            int[] own = IntStream.range(0, scored.size()).filter(i -> scored.get(i).ticket() == ticket).toArray();
            choose(ticket, () -> own.length == 1
                    ? scores.narrow(0, own[0], 1)
                    : scores.indexSelect(0, Tensor.of(own, own.length).to(device)));
        }
        dropEnded();
    }

    private interface Scores {
        /// Of the ticket's rows that go on, `[rows, vocab]`.
        Tensor compute();
    }

    private static void choose(Ticket ticket, Scores scores) {
        try {
            ticket.loop.accept(ticket.choice.choose(ticket.loop.sequences(), scores.compute()), ticket.listener);
        } catch (RuntimeException e) {
            ticket.failure = e;
            ticket.loop.stop();
        }
        if (ticket.loop.over()) {
            ticket.loop.close();
        }
    }

    /// What follows on the last id of each row, `[rows, vocab]`.
    private Tensor scores() {
        // A text that grows longer than this is computed anew, by itself.
        List<Row> turning = IntStream.range(0, rows.size())
                .filter(row -> cache.length(row) == model.recomputesBeyond()).mapToObj(rows::get).toList();
        if (!turning.isEmpty()) {
            leave(turning);
        }
        var parts = new ArrayList<Tensor>();
        if (!rows.isEmpty()) {
            parts.add(exact ? oneByOne() : together());
        }
        for (Row row : turning) {
            var anew = new KvCache();
            try {
                Sequences text = row.ticket().loop.sequences();
                parts.add(scores(text.row(row.row()), 1, ForwardPass.plain().withCache(anew)));
                cache.join(anew);
                rows.add(row);
            } finally {
                anew.close();
            }
        }
        return parts.size() == 1 ? parts.getFirst() : Tensor.cat(parts, 0);
    }

    private Tensor together() {
        return scores(rows.stream().mapToInt(RunningBatch::latest).toArray(), rows.size(), cache.next(1, device));
    }

    private Tensor oneByOne() {
        var parts = new ArrayList<Tensor>();
        for (int row = 0; row < rows.size(); row++) {
            parts.add(scores(new int[]{latest(rows.get(row))}, 1, ForwardPass.plain().withCache(cache.row(row))));
        }
        cache.advance(1);
        return Tensor.cat(parts, 0);
    }

    private static int latest(Row row) {
        Sequences text = row.ticket().loop.sequences();
        return text.id(row.row(), text.length() - 1);
    }

    private Tensor scores(int[] ids, int count, ForwardPass pass) {
        Tensor hidden = model.hidden(Tensor.of(ids, count, ids.length / count).to(device), pass);
        return model.score(hidden.narrow(1, hidden.size(1) - 1, 1)).to(DType.FLOAT32).select(1, 0);
    }

    /// A text leaves before it is over, with [Finish#STOPPED]; nothing happens to one that is.
    public void drop(Ticket ticket) {
        ticket.loop.stop();
        ticket.loop.close();
        waiting.remove(ticket);
        dropEnded();
    }

    private void dropEnded() {
        leave(rows.stream().filter(row -> row.ticket().loop.finished(row.row()) != null).toList());
    }

    private void leave(List<Row> gone) {
        if (gone.isEmpty()) {
            return;
        }
        try (var off = Gradients.off(); var scope = TensorScope.open()) {
            cache.drop(IntStream.range(0, rows.size()).filter(row -> gone.contains(rows.get(row))).toArray());
        }
        rows.removeAll(gone);
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("This batch was closed; make another");
        }
    }

    /// All texts end, with [Finish#STOPPED].
    @Override
    public void close() {
        closed = true;
        List.copyOf(waiting).forEach(this::drop);
        List.copyOf(rows).stream().map(Row::ticket).distinct().forEach(this::drop);
        cache.close();
    }
}
