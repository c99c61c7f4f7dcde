package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Real processes over files, killed at random moments and started again: what they write is what one wrote that nobody
/// disturbed.
class KilledAnswersTest {
    private static final Path MODELS = Path.of("../run/src/test/resources/pipelines");
    private static final int KILLS = 4;

    @TempDir
    Path folder;

    private Path texts(int count) throws IOException {
        return Files.write(folder.resolve("texts.txt"),
                IntStream.range(0, count).mapToObj(i -> i % 1000 == 999 ? "" : "the river runs ".repeat(i % 9 + 1) + i)
                        .toList());
    }

    @ParameterizedTest
    @CsvSource({"text-classification, text-classification-single-label, out.jsonl", "embeddings, embeddings, out.npy"})
    void a_run_killed_again_and_again_writes_what_one_writes_that_was_not(String task, String model, String name)
            throws Exception {
        Path texts = texts(20_000);
        Path whole = folder.resolve("whole-" + name);
        Path killed = folder.resolve(name);
        // A status of 2: some lines are empty.
        assertThat(answer(task, model, texts, whole).waitFor()).isEqualTo(2);

        var random = new Random(5);
        Process process = answer(task, model, texts, killed);
        int kills = 0;
        for (int kill = 0; kill < KILLS; kill++) {
            waitForProgress(killed, process);
            if (process.waitFor(random.nextInt(300), TimeUnit.MILLISECONDS)) {
                break;
            }
            kills++;
            if (kill % 2 == 0) {
                process.destroyForcibly().waitFor();
            } else {
                process.destroy();
                process.waitFor();
            }
            assertThat(killed.resolveSibling(name + ".part")).exists();
            assertThat(killed).doesNotExist();
            process = answer(task, model, texts, killed);
        }
        assertThat(kills).isPositive();
        assertThat(process.waitFor()).isEqualTo(2);
        assertThat(Files.mismatch(killed, whole)).isEqualTo(-1);
        assertThat(folder.toFile().list()).containsExactlyInAnyOrder("texts.txt", "whole-" + name, name);
    }

    private static void waitForProgress(Path out, Process process) throws IOException, InterruptedException {
        Path progress = out.resolveSibling(out.getFileName() + ".progress");
        byte[] before = Files.exists(progress) ? Files.readAllBytes(progress) : new byte[0];
        while (process.isAlive() && Files.exists(progress) ? same(progress, before) : process.isAlive()) {
            process.waitFor(10, TimeUnit.MILLISECONDS);
        }
    }

    private static boolean same(Path progress, byte[] before) throws IOException {
        return Arrays.equals(Files.readAllBytes(progress), before);
    }

    @Test
    void whoever_reads_one_answer_and_goes_ends_the_run_quietly() throws Exception {
        Path error = folder.resolve("error.txt");
        Process process = java("run", "text-classification", MODELS.resolve("text-classification-single-label")
                .toString(), texts(900).toString(), texts(900).toString(), texts(900).toString(), "--json")
                .redirectError(error.toFile()).start();
        try (var reader = new BufferedReader(
                new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            assertThat(reader.readLine()).contains("the river runs 0");
        }
        assertThat(process.waitFor()).isZero();
        assertThat(error).isEmptyFile();
    }

    @Test
    void a_run_that_is_asked_to_end_says_how_to_go_on() throws Exception {
        Path out = folder.resolve("out.jsonl");
        Process process = java("run", "text-classification",
                MODELS.resolve("text-classification-single-label").toString(), texts(40_000).toString(), "--out",
                out.toString()).redirectError(folder.resolve("error.txt").toFile()).start();
        waitForProgress(out, process);
        process.destroy();
        assertThat(process.waitFor()).isNotZero();
        assertThat(Files.readString(folder.resolve("error.txt")))
                .containsPattern("stopped behind [\\d,]+ texts; the same command goes on from there");
    }

    private static Process answer(String task, String model, Path texts, Path out) throws IOException {
        return java("run", task, MODELS.resolve(model).toString(), texts.toString(), "--out", out.toString())
                .redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
    }

    private static ProcessBuilder java(String... arguments) {
        var command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx256m",
                        "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"),
                        "dev.weft.cli.Weft"));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command);
    }
}
