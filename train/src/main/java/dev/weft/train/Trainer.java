package dev.weft.train;

import dev.weft.nn.Dropout;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Loss;
import dev.weft.nn.Model;
import dev.weft.tensor.Autocast;
import dev.weft.tensor.DType;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import dev.weft.tensor.Updates;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The training loop.
///
/// Everything that a step depends on is a function of its number: the batch, the learning rate, dropout. So a run that
/// stopped, or was killed, goes on from its last checkpoint and on a CPU gives the same losses to the last bit as one that
/// was not (with the same number of threads).
///
/// @param <B> a batch
public final class Trainer<B> {
    /// What is trained, on what, by what.
    ///
    /// @param evaluation      judges the model as it is, or null
    /// @param writer          writes the model where it is wanted
    /// @param dataFingerprint stands for the data and how it is cut into batches; resuming with another is refused
    public record Task<B>(Model model, Objective<B> objective, Batches<B> batches, Optimizer optimizer,
            Schedule schedule,
            @Nullable Supplier<Validation> evaluation, ModelWriter writer, String dataFingerprint) {}

    /// Why a run ended.
    public enum End {
        /// All steps are done.
        COMPLETED,
        /// No evaluation was better for as long as the patience lasted.
        EARLY,
        /// Somebody called [Trainer#stop], or it was to go no further.
        STOPPED
    }

    /// @param best the best evaluation's main value; NaN if there was none
    public record Result(End end, long step, double lastLoss, double best) {}

    private final Task<B> task;
    private final Settings settings;
    private final List<Tensor> trained;
    private volatile boolean stopping;

    public Trainer(Task<B> task, Settings settings) {
        this.task = task;
        this.settings = settings;
        trained = task.model().parameters().values().stream().filter(Tensor::requiresGrad).toList();
    }

    /// Asks a running loop to write a checkpoint and return after the step at hand; from any thread.
    public void stop() {
        stopping = true;
    }

    /// Trains from the folder's last checkpoint, or from the beginning, to the end.
    ///
    /// The caller has loaded the model from that checkpoint; this restores the rest.
    ///
    /// @throws TrainingFailed           if a loss or a gradient is not finite
    /// @throws IllegalArgumentException if the checkpoint was trained on other data
    public Result run(RunFolder folder, TrainingListener listener) {
        return run(folder, listener, settings.steps());
    }

    /// The same as far as step `until`, where the model is judged and kept as at the end. The schedule stays that of all steps:
    /// when the run goes on, it is as one that never paused.
    public Result run(RunFolder folder, TrainingListener listener, long until) {
        try {
            return new Loop(folder, listener, Math.min(until, settings.steps())).run();
        } catch (IOException e) {
            throw new UncheckedIOException("The run in " + folder.path() + " stopped: " + e.getMessage(), e);
        }
    }

    /// One update, without a folder: gradients of all parts of the batch, clipping, the optimizer.
    ///
    /// @throws IllegalArgumentException if nothing in the batch counts
    public TrainingListener.Step step(long step) {
        double rate = task.schedule().rate(step);
        long start = System.nanoTime();
        try (var scope = TensorScope.open()) {
            var batches = new ArrayList<B>();
            int parts = task.batches().parts(step, settings.microBatches());
            for (int micro = 0; micro < parts; micro++) {
                batches.add(task.batches().batch(step, micro));
            }
            // The parts are divided by the counts of the whole, which have to be known before the first goes backward.
            long[] counts = batches.size() == 1 ? new long[0] : counts(batches);
            double loss = 0;
            for (int micro = 0; micro < batches.size(); micro++) {
                try (var part = TensorScope.open()) {
                    Loss sums = loss(batches.get(micro), step, micro);
                    counts = batches.size() == 1 ? sums.counts() : counts;
                    Tensor share = sums.mean(anything(counts, step));
                    loss += share.item();
                    // Nothing good comes back from a loss that is no number.
                    if (Double.isFinite(loss)) {
                        share.backward();
                    }
                }
            }
            double norm = clip(loss, step, rate);
            task.optimizer().step(rate);
            trained.forEach(Tensor::clearGrad);
            double seconds = (System.nanoTime() - start) / 1e9;
            long tokens = batches.stream().mapToLong(Trainer::tokens).sum();
            tokens = tokens > 0 ? tokens : counts[0];
            return new TrainingListener.Step(step + 1, settings.steps(), loss, rate, norm, tokens, tokens / seconds);
        }
    }

    /// How many tokens of a batch in the names of the Python library the model reads, padding left out; 0 for other batches,
    /// whose labels are their tokens.
    private static long tokens(Object batch) {
        long tokens = 0;
        if (batch instanceof Map<?, ?> parts) {
            for (Map.Entry<?, ?> part : parts.entrySet()) {
                String name = String.valueOf(part.getKey());
                if (name.matches(".*(input_ids|inputs_embeds)") && part.getValue() instanceof Tensor text) {
                    long[] shape = name.endsWith("ids") ? text.shape() : Arrays.copyOf(text.shape(), 2);
                    Object mask = parts.get(name.replaceFirst("(input_ids|inputs_embeds)$", "attention_mask"));
                    tokens += mask instanceof Tensor known && Arrays.equals(known.shape(), shape)
                            ? Math.round(known.to(DType.FLOAT32).sum().item())
                            : Arrays.stream(shape).reduce(1, Math::multiplyExact);
                }
            }
        }
        return tokens;
    }

    /// The first step's gradients computed and thrown away: how long a step takes, and that it fits into memory, before
    /// anything changes.
    ///
    /// @return seconds
    /// @throws TrainingFailed           if the loss is not finite, naming a weight that is not
    /// @throws IllegalArgumentException if nothing in the batch counts
    public double rehearse() {
        long start = System.nanoTime();
        try (var scope = TensorScope.open()) {
            int parts = task.batches().parts(0, settings.microBatches());
            long[] counts = {};
            for (int micro = 0; micro < parts; micro++) {
                try (var part = TensorScope.open()) {
                    Loss loss = loss(task.batches().batch(0, micro), 0, micro);
                    if (!loss.terms().stream().allMatch(term -> Double.isFinite(term.sum().item()))) {
                        throw new TrainingFailed("Before anything is learned, the loss of the first batch is no finite "
                                + "number. " + suspect());
                    }
                    counts = counts.length == 0 ? loss.counts() : sum(counts, loss.counts());
                    loss.mean().backward();
                }
            }
            anything(counts, 0);
        } finally {
            trained.forEach(Tensor::clearGrad);
        }
        return (System.nanoTime() - start) / 1e9;
    }

    /// Where a loss that is no number came from.
    private String suspect() {
        try (var scope = TensorScope.open(); var off = Gradients.off()) {
            return task.model().parameters().entrySet().stream()
                    .filter(each -> !each.getValue().isFinite()).findFirst()
                    .map(each -> "The weight " + each.getKey()
                            + " of the model holds NaN or infinity; start from another model")
                    .orElse("All weights are finite: look at the numbers in the data, or choose --precision float32");
        }
    }

    /// The evaluation of the model as it is.
    ///
    /// @throws IllegalStateException if the task has none
    public Validation judge() {
        Supplier<Validation> evaluation = task.evaluation();
        if (evaluation == null) {
            throw new IllegalStateException("This run has nothing to evaluate on");
        }
        try (var scope = TensorScope.open();
                var off = Gradients.off();
                var mixed = Autocast.open(settings.device(), settings.precision())) {
            return evaluation.get();
        }
    }

    private long[] counts(List<B> batches) {
        return batches.stream().map(task.objective()::counts).reduce(Trainer::sum).orElseThrow();
    }

    private static long[] sum(long[] sum, long[] part) {
        Arrays.setAll(sum, i -> sum[i] + part[i]);
        return sum;
    }

    private static long[] anything(long[] counts, long step) {
        if (Arrays.stream(counts).allMatch(count -> count == 0)) {
            throw new IllegalArgumentException(
                    ("In the batch of step %d there is nothing to learn: every label is -100. "
                            + "Look at what is masked, and whether the texts are cut before what is trained")
                            .formatted(step + 1));
        }
        return counts;
    }

    private Loss loss(B batch, long step, int micro) {
        ForwardPass pass = ForwardPass.plain().withDropout(Dropout.on(settings.seed(), step, micro))
                .withActivations(settings.activations());
        try (var mixed = Autocast.open(settings.device(), settings.precision())) {
            return task.objective().loss(batch, pass);
        }
    }

    /// Cuts the gradients to the norm allowed, and gives the norm they had.
    private double clip(double loss, long step, double rate) {
        if (!Double.isFinite(loss)) {
            throw diverged("loss", loss, step, rate);
        }
        try (var scope = TensorScope.open(); var off = Gradients.off()) {
            List<Tensor> gradients = trained.stream().map(Tensor::grad).filter(java.util.Objects::nonNull).toList();
            double norm = Updates.globalNorm(gradients).item();
            if (!Double.isFinite(norm)) {
                throw diverged("gradient", norm, step, rate);
            }
            if (settings.clipNorm() > 0 && norm > settings.clipNorm()) {
                Updates.scale(gradients, Tensor.scalar(settings.clipNorm() / (norm + 1e-6)).to(settings.device()));
            }
            return norm;
        }
    }

    /// Refuses a folder that this cannot go on in, as [#run] would.
    ///
    /// @throws IllegalArgumentException if its last checkpoint was trained on other data
    public void requireSameData(RunFolder folder) {
        folder.latest().ifPresent(checkpoint -> progress(folder, checkpoint));
    }

    private RunFolder.Progress progress(RunFolder folder, Path checkpoint) {
        RunFolder.Progress stored = RunFolder.progress(checkpoint);
        if (!stored.dataFingerprint().equals(task.dataFingerprint())) {
            throw new IllegalArgumentException(("The run in %s was trained on other data (%s, now %s); "
                    + "give it the same text and tokenizer, or start a new run with --out")
                    .formatted(folder.path(), stored.dataFingerprint(), task.dataFingerprint()));
        }
        return stored;
    }

    private TrainingFailed diverged(String what, double value, long step, double rate) {
        trained.forEach(Tensor::clearGrad);
        return new TrainingFailed(
                "The %s became %s at step %d (learning rate %.3g)".formatted(what, value, step + 1, rate));
    }

    /// A run in its folder.
    private final class Loop {
        private final RunFolder folder;
        private final TrainingListener listener;
        private final long until;
        private RunFolder.Progress progress;

        Loop(RunFolder folder, TrainingListener listener, long until) {
            this.folder = folder;
            this.until = until;
            this.listener = listener;
            Optional<Path> checkpoint = folder.latest();
            progress = checkpoint.map(this::resumed)
                    .orElse(new RunFolder.Progress(0, Double.NaN, 0, 0, task.dataFingerprint()));
        }

        private RunFolder.Progress resumed(Path checkpoint) {
            RunFolder.Progress stored = progress(folder, checkpoint);
            RunFolder.restore(checkpoint, task.optimizer());
            return stored;
        }

        Result run() throws IOException {
            double last = Double.NaN;
            End end = End.COMPLETED;
            listener.started(progress.step(), settings.steps());
            try (var metrics = MetricsLog.open(folder.path(), progress.step());
                    var events = new EventFile(folder.path())) {
                while (progress.step() < until && end == End.COMPLETED) {
                    TrainingListener.Step done = guarded(progress.step());
                    last = done.loss();
                    progress = new RunFolder.Progress(done.step(), progress.best(), progress.sinceBest(),
                            progress.tokens() + done.tokens(), progress.dataFingerprint());
                    if (done.step() % settings.logEvery() == 0 || done.step() == settings.steps()) {
                        log(done, metrics, events);
                    }
                    listener.step(done);
                    if (due(settings.evaluateEvery())) {
                        task.optimizer().asUsed(() -> evaluate(metrics, events));
                    }
                    end = stopping
                            ? End.STOPPED
                            : settings.patience() > 0 && progress.sinceBest() >= settings.patience() ? End.EARLY : end;
                    if (due(settings.checkpointEvery()) || end != End.COMPLETED
                            || progress.step() == until) {
                        checkpoint();
                    }
                }
            }
            if (Double.isNaN(progress.best())) {
                task.optimizer().asUsed(() -> task.writer().save(folder.path()));
            }
            LossCurve.draw(folder.path());
            end = end == End.COMPLETED && progress.step() < settings.steps() ? End.STOPPED : end;
            return new Result(end, progress.step(), last, progress.best());
        }

        private TrainingListener.Step guarded(long step) {
            try {
                return Trainer.this.step(step);
            } catch (TrainingFailed e) {
                String kept = folder.latest()
                        .map(path -> "The last good checkpoint is " + path + "; go on from there")
                        .orElse("No checkpoint was written before it; begin again");
                throw new TrainingFailed("%s. %s with --resume %s and a lower --learning-rate".formatted(
                        e.getMessage(), kept, folder.path()));
            }
        }

        private void log(TrainingListener.Step done, MetricsLog metrics, EventFile events) {
            metrics.step(done);
            events.scalar("loss/train", done.step(), done.loss());
            events.scalar("learning_rate", done.step(), done.learningRate());
            events.scalar("gradient_norm", done.step(), done.gradientNorm());
            events.scalar("tokens_per_second", done.step(), done.tokensPerSecond());
        }

        /// At every `every`-th step, and at the last.
        private boolean due(long every) {
            return every > 0 && (progress.step() % every == 0 || progress.step() == until);
        }

        private void evaluate(MetricsLog metrics, EventFile events) {
            if (task.evaluation() == null) {
                return;
            }
            Validation found = judge();
            boolean best = found.betterThan(progress.best());
            progress = new RunFolder.Progress(progress.step(), best ? found.value() : progress.best(),
                    best ? 0 : progress.sinceBest() + 1, progress.tokens(), progress.dataFingerprint());
            var evaluated = new TrainingListener.Evaluation(progress.step(), found, best);
            metrics.evaluation(evaluated);
            found.values().forEach((name, value) -> events.scalar(name + "/validation", progress.step(), value));
            listener.evaluated(evaluated);
            if (best) {
                task.writer().save(folder.path());
            }
        }

        private void checkpoint() {
            folder.save(progress, task.writer(), task.optimizer().state(), settings.keepCheckpoints());
            listener.saved(progress.step());
        }
    }
}
