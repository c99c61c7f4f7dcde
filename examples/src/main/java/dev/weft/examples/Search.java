package dev.weft.examples;

import dev.weft.recipe.Recipe;
import dev.weft.recipe.RecipeSearch;
import dev.weft.recipe.SearchPlan;
import dev.weft.recipe.SearchTable;
import java.nio.file.Path;
import java.util.List;

/// Looks for the learning rate and the optimizer that suit a recipe: `Search recipe.yaml runs/search`.
public final class Search {
    private Search() {}

    public static void main(String[] args) {
        best(Recipe.read(Path.of(args[0])), Path.of(args[1]));
    }

    static SearchTable best(Recipe recipe, Path out) {
        SearchPlan plan = SearchPlan.defaults().withMethod(SearchPlan.Method.HALVING).withTrials(9)
                .over("train.learning_rate", "1e-4..1e-1 log").over("train.optimizer", List.of("adamw", "lion"));
        try (var search = RecipeSearch.start(recipe, plan, out,
                (trial, done, all) -> System.out.println(trial.name()))) {
            SearchTable table = search.run();
            System.out.print(table.text());
            return table;
        }
    }
}
