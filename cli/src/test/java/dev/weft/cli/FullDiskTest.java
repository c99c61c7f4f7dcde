package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.train.RunFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A disk that fills while a run writes to it: a small file system in memory, which takes a user who may mount one.
class FullDiskTest {
    @TempDir
    Path root;

    private Path disk;

    @BeforeEach
    void mount() throws Exception {
        TrainingFaultsTest.write(root);
        disk = Files.createDirectory(root.resolve("disk"));
        Assumptions.assumeTrue(done("mount", "-t", "tmpfs", "-o", "size=16m", "none", disk.toString()),
                "No file system can be mounted here, so none can be filled");
    }

    @AfterEach
    void unmount() throws Exception {
        done("umount", disk.toString());
    }

    private static boolean done(String... command) throws InterruptedException {
        try {
            return new ProcessBuilder(command).redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    private Ran train(Path out, String... more) {
        var command = new ArrayList<>(
                List.of("train", "--recipe", root.resolve("tiny.yaml").toString(), "--out", out.toString()));
        command.addAll(List.of(more));
        return Ran.weft(command.toArray(String[]::new));
    }

    /// Leaves so many bytes free.
    private Path fill(long free) throws IOException {
        long usable = Files.getFileStore(disk).getUsableSpace();
        return Files.write(disk.resolve("filler"), new byte[(int) (usable - free)]);
    }

    private List<Path> unfinished(Path run) throws IOException {
        try (Stream<Path> all = Files.walk(run)) {
            return all.filter(each -> each.getFileName().toString().matches("\\..*(\\.tmp|unfinished.*)")).toList();
        }
    }

    private void goesOnToTheSameLosses(Path run, Path filler, String... more) throws IOException {
        Files.delete(filler);
        Ran on = Ran.weft("train", "--resume", run.toString());
        assertThat(on.status()).as(on.err()).isZero();
        Path whole = root.resolve("whole");
        assertThat(train(whole, more).status()).isZero();
        assertThat(KilledRunTest.losses(run)).isEqualTo(KilledRunTest.losses(whole));
        assertThat(Files.mismatch(run.resolve("model.safetensors"), whole.resolve("model.safetensors"))).isEqualTo(-1);
    }

    @Test
    void a_checkpoint_that_does_not_fit_leaves_the_last_good_one() throws IOException {
        Path run = disk.resolve("run");
        Path filler = fill(900_000);
        Ran ran = train(run, "--steps", "12", "--checkpoint-every", "1", "--evaluate-every", "6");
        assertThat(ran.status()).isEqualTo(1);
        assertThat(ran.refusal()).contains("The checkpoint at step ", "No space left on device",
                "The last good one is ");
        Path last = RunFolder.latestIn(run).orElseThrow();
        assertThat(ran.refusal()).contains(last.toString());
        assertThat(last.resolve("optimizer.safetensors")).isRegularFile();
        assertThat(unfinished(run)).isEmpty();
        goesOnToTheSameLosses(run, filler, "--steps", "12", "--checkpoint-every", "1", "--evaluate-every", "6");
    }

    @Test
    void a_log_that_does_not_fit_is_told_and_its_last_line_comes_again() throws IOException {
        Path run = disk.resolve("run");
        Path filler = fill(100_000);
        String[] more = {"--steps", "400", "--checkpoint-every", "0", "--evaluate-every", "0"};
        Ran ran = train(run, more);
        assertThat(ran.status()).isEqualTo(1);
        assertThat(ran.refusal()).contains("cannot be written: No space left on device", "go on with --resume");
        goesOnToTheSameLosses(run, filler, more);
    }

    @Test
    void a_cache_that_does_not_fit_leaves_nothing_behind() throws IOException {
        Path filler = fill(0);
        Path out = root.resolve("run");
        String cache = disk.resolve("cache").toString();
        Ran ran = train(out, "--cache", cache);
        assertThat(ran.status()).isEqualTo(1);
        assertThat(ran.refusal()).contains("the cache cannot be written: No space left on device",
                "make room, or choose another folder with --cache");
        assertThat(unfinished(disk)).isEmpty();
        assertThat(out.resolve("recipe.yaml")).doesNotExist();
        Files.delete(filler);
        Ran again = train(out, "--cache", cache);
        assertThat(again.status()).as(again.err()).isZero();
    }
}
