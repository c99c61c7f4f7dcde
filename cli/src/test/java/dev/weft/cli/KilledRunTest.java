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
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Real processes, killed at random moments and started again: the losses are those of a run that nobody disturbed.
class KilledRunTest {
    private static final int KILLS = 3;

    @Test
    void a_run_killed_again_and_again_ends_with_the_losses_of_one_that_was_not(@TempDir Path root) throws Exception {
        Path text = Files.writeString(root.resolve("corpus.txt"),
                "the cat sat on the mat. the dog sat on the log.\n".repeat(40));
        String[] more = {"--steps", "400", "--checkpoint-every", "7", "--dropout", "0.1", "--micro-batches", "2"};
        killed(root, "model.safetensors", out -> CommandsTest.train(text, out, more));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "classifier | train --set model.config.hidden_dropout_prob=0.1 --micro-batches 2 | model.safetensors",
            "translation | train --task translation --train left.txt --dev right.txt --train-target right.txt --dev-target left.txt --set evaluate.rows=4 --set model.config.model_type=marian --tokenizer marian --languages en,de --vocab-size 70 --label-smoothing 0.1 | model.safetensors",
            "adapter | finetune BASE --lora rank=2,dropout=0.1,targets=query --set model.layers=null --set model.hidden=null --set model.heads=null --set tokenizer.from=null | adapter_model.safetensors"})
    void a_recipe_killed_again_and_again_ends_with_the_losses_of_one_that_was_not(String name, String options,
            String weights, @TempDir Path root) throws Exception {
        TrainingFaultsTest.write(root);
        String recipe = root.resolve("tiny.yaml").toString();
        Path base = root.resolve("base");
        if (options.contains("BASE")) {
            assertThat(start("train", "--recipe", recipe, "--out", base.toString()).waitFor()).isZero();
        }
        killed(root, weights, out -> {
            var command = new ArrayList<>(
                    List.of(options.replace("BASE", base.toString()).strip().split(" ")));
            // So often that a kill may well come in the middle of a checkpoint.
            command.addAll(List.of("--recipe", recipe, "--out", out.toString(), "--steps", "240",
                    "--checkpoint-every", "3", "--evaluate-every", "40", "--set", "checkpoints.keep=2"));
            return command.toArray(String[]::new);
        });
    }

    private static void killed(Path root, String weights, Function<Path, String[]> command) throws Exception {
        Path whole = root.resolve("whole");
        Path killed = root.resolve("killed");
        assertThat(start(command.apply(whole)).waitFor()).isZero();

        var random = new Random(11);
        Process process = start(command.apply(killed));
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
        assertThat(Files.mismatch(killed.resolve(weights), whole.resolve(weights))).isEqualTo(-1);
    }

    @Test
    void whoever_stops_a_run_is_told_where_it_stands_and_how_to_go_on(@TempDir Path root) throws Exception {
        TrainingFaultsTest.write(root);
        for (int i = 0; i < 4; i++) {
            Path run = root.resolve("run" + i);
            Path said = root.resolve("said" + i);
            Process process = new ProcessBuilder(command("train", "--recipe", root.resolve("tiny.yaml").toString(),
                    "--out", run.toString(), "--steps", "1000000")).redirectErrorStream(true)
                    .redirectOutput(said.toFile()).start();
            waitForCheckpoint(run, process);
            // As Ctrl-C and as a service manager do it.
            new ProcessBuilder("kill", i % 2 == 0 ? "-INT" : "-TERM", Long.toString(process.pid())).start().waitFor();
            // A build that was itself started to ignore SIGINT (nohup in a script) hands that on.
            boolean ended = process.waitFor(2, TimeUnit.MINUTES);
            process.destroyForcibly();
            assertThat(ended).as("ended by the signal within two minutes").isTrue();
            assertThat(said).content().contains("stopped at step ", "go on with: weft train --resume " + run)
                    .doesNotContain("SIG").doesNotContain("terminate");
        }
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

    private static List<String> command(String... arguments) {
        var command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx256m",
                        "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"),
                        "dev.weft.cli.Weft"));
        command.addAll(List.of(arguments));
        return command;
    }

    private static Process start(String... arguments) throws IOException {
        return new ProcessBuilder(command(arguments)).redirectErrorStream(true).redirectOutput(new File("/dev/null"))
                .start();
    }
}
