package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.models.Gpt2;
import dev.weft.models.heads.HeadSpec;
import dev.weft.models.Models;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VoiceTest {
    /// A model whose notes say that its head is new.
    private static void write(Path folder) {
        Gpt2.Config config = Gpt2.Config.tiny();
        try (var model = Models.create(config, 1)) {
            Models.save(folder, config.toJson(), model);
        }
    }

    @Test
    void the_version_is_that_of_the_build() {
        assertThat(Ran.weft("--version").out().strip()).isEqualTo("weft " + dev.weft.tensor.Weft.version())
                .matches("weft \\d+\\.\\d+\\.\\d+(-SNAPSHOT)?");
    }

    @Test
    void what_the_library_logs_is_one_plain_line(@TempDir Path folder) {
        write(folder);
        System.Logger logger = System.getLogger("dev.weft.models.VoiceTest");
        Voice.tellsNotes();
        Ran ran = Ran.with(() -> {
            try (var model = Models.load(folder, HeadSpec.tokenClassification(List.of("a", "b")))) {
                assertThat(model.notes()).isNotEmpty();
            }
            logger.log(System.Logger.Level.INFO, "unseen");
        });
        assertThat(ran.err().lines()).isNotEmpty().allMatch(line -> line.startsWith("note: " + folder))
                .doesNotHaveDuplicates();
        assertThat(ran.err()).doesNotContain("WARNING", "dev.weft", "lambda", "unseen");
    }

    @Test
    void a_command_that_shows_notes_says_them_once(@TempDir Path folder) {
        write(folder);
        Ran ran = Ran.weft("info", folder.toString());
        assertThat(ran.status()).as(ran.err()).isZero();
        assertThat(ran.err()).doesNotContain("note:");
    }
}
