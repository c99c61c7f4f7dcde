package dev.weft.train;

import dev.weft.checkpoint.ModelFolder;
import dev.weft.checkpoint.Safetensors;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/// One model whose weights are the means of a run's last checkpoints: “Attention Is All You Need”, §6.1, takes 5 to 20.
public final class CheckpointAverage {
    private static final long SHARD_BYTES = 5_000_000_000L;

    private CheckpointAverage() {}

    /// Writes the mean of the run's newest `count` checkpoints as a model folder; tokenizer and config are the newest one's.
    ///
    /// @throws IllegalArgumentException if the run has fewer, or they are not of one model
    public static void write(Path run, int count, Path out) {
        List<Path> all = RunFolder.checkpoints(run);
        if (count < 1 || all.size() < count) {
            throw new IllegalArgumentException(
                    "%s has %d checkpoints, %d cannot be averaged; keep more of them (keepCheckpoints)".formatted(run,
                            all.size(), count));
        }
        List<Path> last = all.subList(all.size() - count, all.size());
        ModelFolder newest = ModelFolder.open(last.getLast());
        try (var scope = TensorScope.open()) {
            var sums = new TreeMap<String, Tensor>();
            for (Path checkpoint : last) {
                add(checkpoint, sums, checkpoint.equals(last.getFirst()));
            }
            sums.replaceAll((name, sum) -> sum.dtype().isFloating() ? sum.mul(1.0 / count) : sum);
            copyRest(newest, out);
            ModelFolder.save(out, newest.config().node().deepCopy(), sums, SHARD_BYTES);
        } catch (IOException e) {
            throw new UncheckedIOException("The averaged model could not be written to " + out + ": " + e.getMessage(),
                    e);
        }
    }

    private static void add(Path checkpoint, Map<String, Tensor> sums, boolean first) {
        int found = 0;
        for (Path file : ModelFolder.open(checkpoint).weightFiles()) {
            try (var weights = Safetensors.open(file)) {
                for (String name : weights.names()) {
                    found++;
                    Tensor sum = sums.get(name);
                    try (var scope = TensorScope.open()) {
                        Tensor weight = weights.tensor(name);
                        if (first) {
                            sums.put(name, scope.keep(weight.copy()));
                        } else if (sum == null || !Arrays.equals(sum.shape(), weight.shape())) {
                            throw new IllegalArgumentException("%s: the weight %s is not in the checkpoints before it, "
                                    .formatted(checkpoint, name) + "or has another shape there");
                        } else if (sum.dtype().isFloating()) {
                            sum.addInPlace(weight);
                        }
                    }
                }
            }
        }
        if (found != sums.size()) {
            throw new IllegalArgumentException("%s holds %d weights, the checkpoints before it %d".formatted(checkpoint,
                    found, sums.size()));
        }
    }

    private static void copyRest(ModelFolder from, Path out) throws IOException {
        Files.createDirectories(out);
        Set<Path> weights = Set.copyOf(from.weightFiles());
        try (Stream<Path> files = Files.list(from.path())) {
            for (Path file : files.filter(each -> !weights.contains(each) && !RunFolder.ownFile(each)).toList()) {
                if (!file.getFileName().toString().endsWith(".safetensors.index.json")) {
                    Files.copy(file, out.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
                }
            }
        }
    }
}
