package dev.weft.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.recipe.Recipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SearchTest {
    @Test
    void one_of_nine_trials_comes_to_its_end(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("corpus.txt"), "the cat sat on the mat.\n".repeat(80));
        Recipe recipe = Recipe.defaults().preset("tiny").with("data.folder", folder.toString())
                .with("data.train", "corpus.txt").with("data.cache", folder.resolve("cache").toString())
                .with("tokenizer.from", "char").with("data.max_length", 8).with("train.batch", 2)
                .with("train.steps", 9).with("train.threads", 1);

        assertThat(Search.best(recipe, folder.resolve("search")).ranked()).hasSize(9)
                .filteredOn(trial -> trial.step() == 9).hasSize(1);
    }
}
