package org.example;

import dev.weft.recipe.Recipe;
import dev.weft.recipe.RecipeRun;
import dev.weft.recipe.RunListener;
import dev.weft.run.pipeline.Classification;
import dev.weft.run.pipeline.Pipelines;
import java.nio.file.Path;
import java.util.List;

/// What a service does with Weft: it fine-tunes a model on rows of its own and asks it.
final class Moods {
    private Moods() {}

    static void fineTune(String model, String rows, Path out) {
        Recipe recipe = Recipe.defaults().preset("finetune").with("task", "text-classification")
                .with("model.from", model).with("data.train", rows).with("data.dev_share", 0)
                .with("train.epochs", 40).with("train.learning_rate", 0.003);
        try (var run = RecipeRun.start(recipe, out, RunListener.SILENT)) {
            run.run();
        }
    }

    static List<String> classify(Path model, List<String> texts) {
        try (var classifier = Pipelines.textClassification(model)) {
            return classifier.classify(texts).stream().map(Classification::label).toList();
        }
    }
}
