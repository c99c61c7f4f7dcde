package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Real processes, killed at random moments and started again: the losses are those of a run that nobody disturbed.
class KilledRunTest {
    private static final int KILLS = 3;

    @Test
    void a_run_killed_again_and_again_ends_with_the_losses_of_one_that_was_not(@TempDir Path root) throws Exception {
        Path text = Files.writeString(root.resolve("corpus.txt"),
                "the cat sat on the mat. the dog sat on the log.\n".repeat(40));
        Path whole = root.resolve("whole");
        Path killed = root.resolve("killed");
        String[] more = {"--steps", "400", "--checkpoint-every", "7", "--dropout", "0.1", "--micro-batches", "2"};
        assertThat(start(CommandsTest.train(text, whole, more)).waitFor()).isZero();

        var random = new Random(11);
        Process process = start(CommandsTest.train(text, killed, more));
        for (int kill = 0; kill < KILLS; kill++) {
            waitForCheckpoint(killed, process);
            process.waitFor(random.nextInt(600), TimeUnit.MILLISECONDS);
            process.destroyForcibly().waitFor();
            process = start("train", "--resume", killed.toString());
        }
        // The last one is asked to end, and ends in good order.
        waitForCheckpoint(killed, process);
        process.destroy();
        process.waitFor();
        assertThat(start("train", "--resume", killed.toString()).waitFor()).isZero();
        assertThat(losses(killed)).hasSize(losses(whole).size()).isEqualTo(losses(whole));
        assertThat(Files.mismatch(killed.resolve("model.safetensors"), whole.resolve("model.safetensors")))
                .isEqualTo(-1);
    }

    private static void waitForCheckpoint(Path run, Process process) throws IOException, InterruptedException {
        while (process.isAlive() && dev.weft.train.RunFolder.latestIn(run).isEmpty()) {
            process.waitFor(20, TimeUnit.MILLISECONDS);
        }
        process.waitFor(1500, TimeUnit.MILLISECONDS);
    }

    /// What a run logged, but for its speed.
    static List<String> losses(Path run) throws IOException {
        return Files.readAllLines(run.resolve("metrics.jsonl")).stream()
                .map(line -> line.replaceAll(",\"tokens_per_second\":[^}]*", "")).toList();
    }

    private static Process start(String... arguments) throws IOException {
        var command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx256m",
                        "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"),
                        "dev.weft.cli.Weft"));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(new File("/dev/null")).start();
    }
}
