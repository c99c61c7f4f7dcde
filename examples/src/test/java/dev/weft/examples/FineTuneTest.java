package dev.weft.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.recipe.Recipe;
import dev.weft.recipe.RecipeRun;
import dev.weft.recipe.RunListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FineTuneTest {
    @Test
    void a_model_is_trained_further_and_scored(@TempDir Path folder) throws IOException {
        Path rows = folder.resolve("rows.csv");
        Files.writeString(rows, "text,label\n" + String.join("", IntStream.range(0, 60)
                .mapToObj(i -> "film %d was %s\n".formatted(i, i % 2 == 0 ? "good,yes" : "dull,no")).toList()));
        Path recipe = folder.resolve("base.yaml");
        Files.writeString(recipe, """
                task: fill-mask
                model: {config: {model_type: bert}, layers: 1, hidden: 32, heads: 2}
                tokenizer: {from: wordpiece, vocab_size: 100}
                data: {folder: '%s', train: rows.csv, max_length: 512, cache: '%s'}
                train: {steps: 2, batch: 8, threads: 1}
                """.formatted(folder, folder.resolve("cache")));

        try (var run = RecipeRun.start(Recipe.read(recipe), folder.resolve("base"), RunListener.SILENT)) {
            run.run();
        }
        FineTune.train(folder.resolve("base").toString(), rows.toString(), folder.resolve("tuned"));

        assertThat(FineTune.score(folder.resolve("tuned"), rows.toString())).contains("accuracy");
    }
}
