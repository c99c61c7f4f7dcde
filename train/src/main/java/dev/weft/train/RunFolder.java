package dev.weft.train;

import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.Safetensors;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/// A run on disk, held by one trainer at a time.
///
/// ```
/// config.json, model.safetensors, tokenizer.json   the best model so far, readable by everything
/// recipe.yaml, training.json                       how it was started, where by a recipe
/// metrics.jsonl, loss.svg, events.out.tfevents.*   how it went
/// checkpoints/step-00000500/                       a model folder, and what resuming needs
/// ```
/// A checkpoint appears under its name only when it is whole, so that a kill at any moment leaves the last good one.
public final class RunFolder implements AutoCloseable {
    private static final String LOCK = ".lock";
    private static final String CHECKPOINTS = "checkpoints";
    private static final String STEP = "step-";
    private static final String UNFINISHED = ".unfinished-";
    private static final String OPTIMIZER = "optimizer.safetensors";
    private static final String PROGRESS = "trainer.json";

    private final Path path;
    private final FileChannel lockFile;

    /// Where a run stands.
    ///
    /// @param step           updates done
    /// @param best           the best evaluation's main value so far, NaN before the first
    /// @param sinceBest      evaluations since then
    /// @param dataFingerprint of what it is trained on
    public record Progress(long step, double best, int sinceBest, long tokens, String dataFingerprint) {
        ObjectNode toJson() {
            ObjectNode json = Json.object().put("step", step).put("since_best", sinceBest).put("tokens", tokens)
                    .put("data", dataFingerprint);
            return Double.isNaN(best) ? json : json.put("best", best);
        }

        static Progress fromJson(Json json) {
            return new Progress(json.node().get("step").asLong(),
                    json.number("best", Double.NaN), json.integer("since_best"),
                    json.node().get("tokens").asLong(), json.text("data"));
        }
    }

    private RunFolder(Path path, FileChannel lockFile) {
        this.path = path;
        this.lockFile = lockFile;
    }

    /// Makes the folder if need be, and locks it until closed or until the process ends.
    ///
    /// @throws IllegalArgumentException if another trainer holds it
    public static RunFolder open(Path path) {
        try {
            Files.createDirectories(path.resolve(CHECKPOINTS));
            var folder = new RunFolder(path, locked(path));
            folder.removeUnfinished();
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException("The run folder " + path + " cannot be used: " + e.getMessage(), e);
        }
    }

    /// Locks a folder until the channel is closed or the process ends.
    ///
    /// @throws IllegalArgumentException if another trainer holds it
    public static FileChannel locked(Path folder) throws IOException {
        var channel = FileChannel.open(folder.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        if (lock(channel) == null) {
            channel.close();
            throw new IllegalArgumentException("Another trainer is at work in " + folder
                    + "; wait for it, stop it, or train into another folder with --out");
        }
        return channel;
    }

    private static @Nullable FileLock lock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null;
        }
    }

    /// Where it lies.
    public Path path() {
        return path;
    }

    /// The newest whole checkpoint.
    public Optional<Path> latest() {
        List<Path> all = checkpoints();
        return all.isEmpty() ? Optional.empty() : Optional.of(all.getLast());
    }

    /// The newest whole checkpoint of a run that may be in use.
    public static Optional<Path> latestIn(Path run) {
        List<Path> all = checkpoints(run);
        return all.isEmpty() ? Optional.empty() : Optional.of(all.getLast());
    }

    /// How many whole checkpoints there are.
    public int count() {
        return checkpoints().size();
    }

    private List<Path> checkpoints() {
        return checkpoints(path);
    }

    /// The whole checkpoints of a run, oldest first.
    static List<Path> checkpoints(Path run) {
        Path folder = run.resolve(CHECKPOINTS);
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.filter(entry -> entry.getFileName().toString().startsWith(STEP)).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(folder + " cannot be read: " + e.getMessage(), e);
        }
    }

    /// Where the checkpoint in `folder` stands.
    public static Progress progress(Path checkpoint) {
        return Progress.fromJson(Json.read(checkpoint.resolve(PROGRESS)));
    }

    /// Whether a file of a checkpoint is what resuming needs, and no part of the model.
    static boolean ownFile(Path file) {
        return List.of(OPTIMIZER, PROGRESS).contains(file.getFileName().toString());
    }

    /// Fills the optimizer from the checkpoint in `folder`.
    static void restore(Path checkpoint, Optimizer optimizer) {
        try (var scope = TensorScope.open(); var file = Safetensors.open(checkpoint.resolve(OPTIMIZER))) {
            var stored = new LinkedHashMap<String, Tensor>();
            file.names().forEach(name -> stored.put(name, file.tensor(name)));
            optimizer.restore(stored);
        }
    }

    /// Writes a checkpoint and removes all but the newest `keep`.
    Path save(Progress progress, ModelWriter model, Map<String, Tensor> optimizer, int keep) {
        Path whole = path.resolve(CHECKPOINTS).resolve("%s%08d".formatted(STEP, progress.step()));
        Path unfinished = whole.resolveSibling(UNFINISHED + progress.step());
        try {
            delete(unfinished);
            Files.createDirectories(unfinished);
            model.save(unfinished);
            Safetensors.write(unfinished.resolve(OPTIMIZER), optimizer, Map.of());
            Json.write(unfinished.resolve(PROGRESS), progress.toJson());
            delete(whole);
            move(unfinished, whole);
            List<Path> all = checkpoints();
            for (Path old : all.subList(0, Math.max(0, all.size() - keep))) {
                // Renamed first: a folder half deleted must not be taken for a checkpoint.
                Path gone = old.resolveSibling(UNFINISHED + old.getFileName());
                move(old, gone);
                delete(gone);
            }
            return whole;
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "The checkpoint at step %d could not be written to %s: %s; the last good one is %s"
                            .formatted(progress.step(), whole, e.getMessage(),
                                    latest().map(Path::toString).orElse("none")),
                    e);
        } catch (RuntimeException e) {
            deleteQuietly(unfinished);
            throw new IllegalStateException(
                    "The checkpoint at step %d could not be written: %s The last good one is %s."
                            .formatted(progress.step(), e.getMessage(), latest().map(Path::toString).orElse("none")),
                    e);
        }
    }

    private static void move(Path from, Path to) throws IOException {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(from, to);
        }
    }

    private void removeUnfinished() throws IOException {
        try (Stream<Path> entries = Files.list(path.resolve(CHECKPOINTS))) {
            for (Path entry : entries.filter(each -> each.getFileName().toString().startsWith(UNFINISHED)).toList()) {
                delete(entry);
            }
        }
    }

    private static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        var entries = new ArrayList<Path>();
        try (Stream<Path> walk = Files.walk(folder)) {
            walk.sorted(Comparator.reverseOrder()).forEach(entries::add);
        }
        for (Path entry : entries) {
            Files.delete(entry);
        }
    }

    private static void deleteQuietly(Path folder) {
        try {
            delete(folder);
        } catch (IOException e) {
            // It is cleared away when the folder is opened next.
            assert folder != null;
        }
    }

    /// Closes the folder of a run that never began, and removes what [#open] made: a refusal leaves nothing behind. A folder
    /// that holds anything else stays.
    public void discard() {
        close();
        for (Path made : List.of(path.resolve(LOCK), path.resolve(CHECKPOINTS), path)) {
            try {
                Files.deleteIfExists(made);
            } catch (IOException e) {
                return; // something lies in it
            }
        }
    }

    @Override
    public void close() {
        try {
            lockFile.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
