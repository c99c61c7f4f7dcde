package dev.weft.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {
    @TempDir
    Path folder;

    @Test
    void a_file_is_written_and_replaced_without_leaving_anything_beside_it() throws IOException {
        Path file = folder.resolve("deep/config.json");
        AtomicFile.write(file, "old");
        AtomicFile.write(file, "ü");
        assertThat(Files.readString(file)).isEqualTo("ü");
        assertThat(names(file.getParent())).containsExactly("config.json");
    }

    @Test
    void a_staged_file_shows_only_when_committed() throws IOException {
        Path file = folder.resolve("state");
        AtomicFile.write(file, "old");
        try (var staged = AtomicFile.stage(file, 3, channel -> AtomicFile.writeFully(channel, "new".getBytes()))) {
            assertThat(Files.readString(file)).isEqualTo("old");
            staged.commit();
            assertThat(Files.readString(file)).isEqualTo("new");
        }
        AtomicFile.stage(file, 5, channel -> AtomicFile.writeFully(channel, "never".getBytes())).close();
        assertThat(Files.readString(file)).isEqualTo("new");
        assertThat(names(folder)).containsExactly("state");
    }

    @Test
    void a_disk_that_gets_full_leaves_the_old_file_and_says_how_much_was_needed() throws IOException {
        Path full = Path.of("/dev/full");
        Assumptions.assumeTrue(Files.isWritable(full), "this system has no /dev/full");
        Path file = folder.resolve("state");
        AtomicFile.write(file, "old");
        assertThatThrownBy(() -> AtomicFile.write(file, 1234, channel -> {
            AtomicFile.writeFully(channel, new byte[500]);
            try (var device = Files.newByteChannel(full, StandardOpenOption.WRITE)) {
                AtomicFile.writeFully(device, new byte[500]);
            }
        })).isInstanceOf(UncheckedIOException.class)
                .hasMessageMatching(".*/state: cannot be written: .+; it needs 1234 bytes, \\d+ are free\\."
                        + " What was there before is unchanged");
        assertThat(Files.readString(file)).isEqualTo("old");
        assertThat(names(folder)).containsExactly("state");
    }

    @Test
    void a_name_that_cannot_be_written_is_told_in_one_line() throws IOException {
        Path blocked = Files.writeString(folder.resolve("file"), "x").resolve("inside");
        assertThatThrownBy(() -> AtomicFile.write(blocked, "y")).isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("file/inside: cannot be written: ")
                .hasMessageNotContaining("\n");
    }

    static Stream<String> names(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList().stream();
        }
    }
}
