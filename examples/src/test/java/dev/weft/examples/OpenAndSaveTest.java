package dev.weft.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.models.Models;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OpenAndSaveTest {
    private static final Path CASES = Path.of(System.getProperty("weft.root")).resolve("cli/src/test/resources/cases");

    @TempDir
    Path out;

    @Test
    void a_folder_opens_and_is_handed_back_with_the_head_it_has_or_another() {
        OpenAndSave.asItIs(CASES.resolve("albert-masked-lm"), out.resolve("same"));
        OpenAndSave.newHead(out.resolve("same"), List.of("O", "person", "place"), out.resolve("names"));

        try (var model = Models.load(out.resolve("names"))) {
            assertThat(model.notes()).isEmpty();
            assertThat(model.context().labels()).isEqualTo(3);
        }
    }
}
