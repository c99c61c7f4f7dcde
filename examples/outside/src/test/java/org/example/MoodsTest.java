package org.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.weft.recipe.Recipe;
import dev.weft.recipe.RecipeRun;
import dev.weft.recipe.RunListener;
import dev.weft.tensor.Weft;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MoodsTest {
    private static final List<String> TEXTS = List.of("what a lovely film", "i liked it very much", "a joy to watch",
            "warm and funny", "she sings so well", "what a dull film", "i hated it very much", "a pain to watch",
            "cold and boring", "he sings so badly");

    @TempDir
    Path folder;

    @Test
    void a_model_is_fine_tuned_on_ten_rows_and_asked() throws IOException {
        var rows = new StringBuilder("text\tlabel\n");
        for (int i = 0; i < TEXTS.size(); i++) {
            rows.append(TEXTS.get(i)).append('\t').append(i < 5 ? "good" : "bad").append('\n');
        }
        Path table = Files.writeString(folder.resolve("rows.tsv"), rows);
        Path lines = Files.write(folder.resolve("lines.txt"), TEXTS);

        Moods.fineTune(pretrained(lines).toString(), table.toString(), folder.resolve("moods"));

        List<String> found = Moods.classify(folder.resolve("moods"), TEXTS);
        for (int i = 0; i < TEXTS.size(); i++) {
            assertEquals(i < 5 ? "good" : "bad", found.get(i), TEXTS.get(i));
        }
    }

    /// A small encoder that has filled masks in the same lines for a moment.
    private Path pretrained(Path lines) {
        Path out = folder.resolve("pretrained");
        Recipe recipe = Recipe.defaults().with("task", "fill-mask").with("model.config.model_type", "bert")
                .with("model.layers", 1).with("model.hidden", 32).with("model.heads", 2)
                .with("tokenizer.from", "wordpiece").with("tokenizer.vocab_size", 200)
                .with("data.train", lines.toString()).with("train.steps", 10).with("train.batch", 10);
        try (var run = RecipeRun.start(recipe, out, RunListener.SILENT)) {
            run.run();
        }
        return out;
    }

    @Test
    void a_folder_without_a_model_is_refused_in_one_line() {
        var refused = assertThrows(IllegalArgumentException.class, () -> Moods.classify(folder, List.of("a")));
        assertTrue(refused.getMessage().contains(folder.toString()), refused.getMessage());
    }

    @Test
    void the_version_is_known() {
        assertEquals(System.getProperty("weft.version", "0.1.0-SNAPSHOT"), Weft.version());
    }
}
