package dev.weft.cli;

import dev.weft.recipe.Recipe;
import dev.weft.recipe.RecipeSearch;
import dev.weft.recipe.SearchPlan;
import dev.weft.recipe.SearchTable;
import dev.weft.recipe.SearchTrial;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `weft search`: which values of a recipe's keys train the best model.
@Command(name = "search", mixinStandardHelpOptions = true, sortOptions = false, description = "Follow a recipe again and again, each time with other values, and show which were best.", footer = {
        "", "Examples:",
        "  weft search --recipe sst2.yaml --over train.learning_rate=1e-4,3e-4,1e-3 --method grid --out runs/search",
        "  weft search --recipe sst2.yaml --over 'train.learning_rate=1e-5..1e-3 log' --over model.dropout=0.0..0.3 --trials 12 --out runs/search",
        "  weft search --recipe sst2.yaml --search values.yaml --method halving --trials 27 --out runs/search",
        "  weft search --resume runs/search",
        "  weft train --recipe runs/search/best.yaml --out runs/best", "",
        "weft train --explain lists the keys of recipes."})
final class SearchCommand implements Callable<Integer> {
    @Option(names = "--recipe", paramLabel = "FILE", description = "The recipe that all trials follow.")
    @Nullable
    Path recipe;

    @Option(names = "--preset", paramLabel = "NAME", description = "What Weft brings to begin from, under the recipe: tiny, small, medium, gpt2, finetune, lora, distill; can be repeated.")
    List<String> presets = List.of();

    @Option(names = "--set", paramLabel = "KEY=VALUE", description = "A key of the recipe and its value for all trials, such as train.steps=4000; can be repeated.")
    Map<String, String> settings = new LinkedHashMap<>();

    @Option(names = "--over", paramLabel = "KEY=VALUES", description = "A key that differs from trial to trial, and what it may be: 1e-4,3e-4 or [a, b] (a list), 0.0..0.5, 2..6 (whole numbers), or '1e-5..1e-3 log' (evenly on a log scale); can be repeated.")
    Map<String, String> over = new LinkedHashMap<>();

    @Option(names = "--search", paramLabel = "FILE", description = "A YAML file that says method, trials, eta, seed and over; options override it.")
    @Nullable
    Path search;

    @Option(names = "--method", paramLabel = "NAME", description = "grid (all combinations of lists), random (drawn, each to its end), or halving (drawn, all begin and the better ones go on). Default: random.")
    @Nullable
    String method;

    @Option(names = "--trials", paramLabel = "N", description = "How many are drawn; a grid has all its combinations. Default: 12.")
    @Nullable
    Integer trials;

    @Option(names = "--eta", paramLabel = "N", description = "halving: one of so many goes on, with so many times the steps. Default: 3.")
    @Nullable
    Integer eta;

    @Option(names = "--seed", paramLabel = "N", description = "Of what is drawn. Default: 1.")
    @Nullable
    Long seed;

    @Option(names = "--out", paramLabel = "DIR", description = "The folder to make; each trial is a run folder in it.")
    @Nullable
    Path out;

    @Option(names = "--resume", paramLabel = "DIR", description = "Go on with the search in DIR; needs nothing else.")
    @Nullable
    Path resume;

    @Mixin
    Output output;

    @Override
    public Integer call() {
        Path folder;
        SearchTable table;
        boolean stopped;
        try (RecipeSearch begun = begun()) {
            folder = begun.folder();
            Interrupts.heeded().by(begun::stop);
            table = begun.run();
            stopped = begun.unfinished();
        }
        if (output.json) {
            output.object(table.json());
        } else {
            System.out.print(table.text());
        }
        if (stopped) {
            System.err.println("stopped; go on with: weft search --resume " + folder);
        } else if (table.best().isEmpty() && !table.ranked().isEmpty()) {
            System.err.printf(
                    "%s is undefined for every trial on what is held out: none is the best; hold out rows that differ, or choose another evaluate.metric%n",
                    table.metric());
        } else if (table.best().isEmpty()) {
            throw new IllegalStateException("All %d trials failed, the first of them so: %s".formatted(
                    table.failed().size(), table.failed().getFirst().failed()));
        }
        table.best().ifPresent(best -> System.err.printf("the best is %s; its recipe: %s%n", best.name(),
                folder.resolve(SearchTable.BEST)));
        return 0;
    }

    private RecipeSearch begun() {
        if (resume != null) {
            if (recipe != null || search != null || out != null || !settings.isEmpty() || !over.isEmpty()) {
                throw new IllegalArgumentException("--resume DIR goes on with what DIR says, and needs nothing else");
            }
            return RecipeSearch.resume(resume, SearchCommand::told);
        }
        if (out == null) {
            throw new IllegalArgumentException(
                    "Say where the trials go: --out DIR (or --resume DIR to go on with a search)");
        }
        Recipe all = Recipe.defaults();
        for (String preset : presets) {
            all = all.preset(preset);
        }
        all = recipe == null ? all : Recipe.read(recipe, all);
        for (var setting : settings.entrySet()) {
            all = all.with(setting.getKey(), setting.getValue());
        }
        if (all.data().train().isEmpty()) {
            throw new IllegalArgumentException(
                    "Say what to learn from, in a recipe or with --set data.train=FILE: weft search --recipe FILE --over KEY=VALUES --out DIR");
        }
        return RecipeSearch.start(all, plan(), out, SearchCommand::told);
    }

    private SearchPlan plan() {
        SearchPlan plan = search == null ? SearchPlan.defaults() : SearchPlan.read(search);
        plan = method == null ? plan : plan.withMethod(SearchPlan.method(method));
        plan = trials == null ? plan : plan.withTrials(trials);
        plan = eta == null ? plan : plan.withEta(eta);
        plan = seed == null ? plan : plan.withSeed(seed);
        for (var each : over.entrySet()) {
            plan = plan.over(each.getKey(), each.getValue());
        }
        return plan;
    }

    private static void told(SearchTrial trial, int done, int all) {
        String values = trial.values().keySet().stream().map(key -> key + "=" + trial.text(key))
                .collect(Collectors.joining(" "));
        String failed = trial.failed();
        System.err.printf(Locale.ROOT, "%s  %d/%d  %s  %s%n", trial.name(), done, all, values,
                failed == null
                        ? String.format(Locale.ROOT, "%s %.4f  %d steps  %.1f s", trial.metric(), trial.value(),
                                trial.step(), trial.seconds())
                        : "failed: " + failed);
    }
}
