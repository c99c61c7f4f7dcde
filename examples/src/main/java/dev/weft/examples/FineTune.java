package dev.weft.examples;

import dev.weft.data.Rows;
import dev.weft.recipe.Assessment;
import dev.weft.recipe.Recipe;
import dev.weft.recipe.RecipeRun;
import dev.weft.recipe.RunListener;
import dev.weft.run.Tokenizers;
import dev.weft.models.Models;
import java.nio.file.Path;

/// Trains a model further for a task, and says how good it is.
public final class FineTune {
    private FineTune() {}

    /// `FineTune models/bert train.tsv test.tsv runs/mine`: tables with the columns `text` and `label`.
    public static void main(String... args) {
        train(args[0], args[1], Path.of(args[3]));
        System.out.print(score(Path.of(args[3]), args[2]));
    }

    static void train(String model, String rows, Path out) {
        Recipe recipe = Recipe.defaults().preset("finetune").with("task", "text-classification")
                .with("model.from", model).with("data.train", rows).with("train.epochs", 2);
        try (var run = RecipeRun.start(recipe, out, RunListener.SILENT)) {
            System.out.println(run.plan().example()); // [CLS] what a film ! [SEP] → «good»
            run.run();
        }
    }

    static String score(Path run, String rows) {
        try (var model = Models.load(run)) {
            var tokenizer = Tokenizers.load(run);
            Recipe recipe = Recipe.read(run.resolve(Recipe.FILE));
            return Assessment.of(model, tokenizer, Rows.of(rows), recipe.assessment(model, tokenizer)).report().table();
        }
    }

    /// A recipe in a file, followed with other settings.
    static void follow(Path file, Path out) {
        Recipe recipe = Recipe.read(file).with("train.steps", 4000);
        try (var run = RecipeRun.start(recipe, out, RunListener.SILENT)) {
            run.run();
        }
    }
}
