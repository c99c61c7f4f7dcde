package dev.weft.recipe;

import dev.weft.checkpoint.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// What a search over recipes looks at, and how.
///
/// ```yaml
/// method: halving
/// trials: 27
/// over:
///   train.learning_rate: 1e-5..1e-3 log
///   model.dropout: [0, 0.1, 0.3]
/// ```
///
/// @param trials how many are drawn; a grid has all its combinations instead
/// @param eta    of halving: one of so many goes on, with so many times the steps
/// @param seed   of what is drawn
/// @param over   the keys of a recipe that differ from trial to trial, and what they may be
public record SearchPlan(Method method, int trials, int eta, long seed, Map<String, SearchValues> over) {
    static final int LARGEST_GRID = 1000;

    private static final Set<String> KEYS = new LinkedHashSet<>(List.of("method", "trials", "eta", "seed", "over"));

    /// How trials are chosen, and how far they go.
    public enum Method {
        /// All combinations of listed values, each to its end.
        GRID,
        /// Combinations drawn by chance, no two the same, each to its end. Bergstra & Bengio 2012,
        /// <https://jmlr.org/papers/v13/bergstra12a.html>.
        RANDOM,
        /// Drawn by chance; all begin, and the better ones go on. Jamieson & Talwalkar 2016,
        /// <https://arxiv.org/abs/1502.07943>; the inner loop of Hyperband, Li et al. 2017, algorithm 1,
        /// <https://arxiv.org/abs/1603.06560>.
        HALVING
    }

    public SearchPlan {
        if (trials < 1) {
            throw new IllegalArgumentException("trials must be 1 or more, found " + trials);
        }
        if (eta < 2) {
            throw new IllegalArgumentException("eta must be 2 or more, found " + eta);
        }
        over = Collections.unmodifiableMap(new LinkedHashMap<>(over));
    }

    /// Twelve trials drawn by chance, over nothing yet.
    public static SearchPlan defaults() {
        return new SearchPlan(Method.RANDOM, 12, 3, 1, Map.of());
    }

    /// From a YAML file with any of method, trials, eta, seed and over.
    ///
    /// @throws IllegalArgumentException if it says anything else
    /// @throws UncheckedIOException     if it cannot be read
    public static SearchPlan read(Path file) {
        try {
            return of(RecipeTree.parse(Files.readString(file), file.toString()), file.toString());
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    static SearchPlan of(ObjectNode tree, String name) {
        for (String key : tree.propertyNames()) {
            if (!KEYS.contains(key)) {
                throw new IllegalArgumentException("%s: a search has no key \"%s\"; there are %s".formatted(name, key,
                        String.join(", ", KEYS)));
            }
        }
        Json told = Json.of(name, tree);
        SearchPlan usual = defaults();
        SearchPlan plan = new SearchPlan(
                told.has("method") ? method(told.text("method")) : usual.method,
                told.integer("trials", usual.trials), told.integer("eta", usual.eta),
                told.integer("seed", (int) usual.seed), Map.of());
        if (told.has("over")) {
            for (var each : told.object("over").node().properties()) {
                plan = plan.over(each.getKey(), each.getValue());
            }
        }
        return plan;
    }

    /// A method by its name.
    ///
    /// @throws IllegalArgumentException if there is none of this name
    public static Method method(String name) {
        return Choice.of(Method.class, "method", name);
    }

    public SearchPlan withMethod(Method other) {
        return new SearchPlan(other, trials, eta, seed, over);
    }

    public SearchPlan withTrials(int other) {
        return new SearchPlan(method, other, eta, seed, over);
    }

    public SearchPlan withEta(int other) {
        return new SearchPlan(method, trials, other, seed, over);
    }

    public SearchPlan withSeed(long other) {
        return new SearchPlan(method, trials, eta, other, over);
    }

    /// One more key that differs from trial to trial.
    ///
    /// @param values a list; or a text: values with commas between them, `[a, b]` where a value has commas of its own, or a
    ///               range such as `0.1..0.5`, `2..6` (whole numbers) or `1e-5..1e-3 log` (evenly on a log scale)
    /// @throws IllegalArgumentException if a search cannot be over this key, or the values are none
    public SearchPlan over(String key, Object values) {
        // With other data or another metric the results could not be compared.
        if (key.matches("task|evaluate\\.(metric|rows|tokens|every)|data\\.(dev|dev_target|dev_share)")) {
            throw new IllegalArgumentException(
                    key + " decides how trials are judged, and must be the same in all of them");
        }
        var more = new LinkedHashMap<>(over);
        more.put(key, SearchValues.parse(key, Recipe.YAML.valueToTree(values)));
        return new SearchPlan(method, trials, eta, seed, more);
    }

    ObjectNode tree() {
        ObjectNode tree = Recipe.YAML.createObjectNode().put("method", method.name().toLowerCase(Locale.ROOT))
                .put("trials", trials).put("eta", eta).put("seed", seed);
        ObjectNode keys = tree.putObject("over");
        over.forEach((key, values) -> keys.set(key, values.node()));
        return tree;
    }

    /// What each trial sets.
    ///
    /// @throws IllegalArgumentException if the recipe lacks a key, or one takes no such value
    List<Map<String, JsonNode>> combinations(Recipe recipe) {
        if (over.isEmpty()) {
            throw new IllegalArgumentException("Say what is searched, such as --over train.learning_rate=1e-4,3e-4");
        }
        over.forEach((key, values) -> values.ends().forEach(value -> recipe.with(key, value)));
        return method == Method.GRID ? grid() : drawn();
    }

    private List<Map<String, JsonNode>> grid() {
        List<Map<String, JsonNode>> all = List.of(Map.of());
        for (var each : over.entrySet()) {
            List<JsonNode> values = each.getValue().all(each.getKey());
            if ((long) all.size() * values.size() > LARGEST_GRID) {
                throw new IllegalArgumentException(
                        "The grid has more than %d trials; use the method random".formatted(LARGEST_GRID));
            }
            all = all.stream().flatMap(lower -> values.stream().map(value -> {
                Map<String, JsonNode> more = new LinkedHashMap<>(lower);
                more.put(each.getKey(), value);
                return more;
            })).toList();
        }
        return all;
    }

    /// Fewer than asked for where the lists have no more combinations.
    private List<Map<String, JsonNode>> drawn() {
        var random = new SplittableRandom(seed);
        var all = new LinkedHashSet<Map<String, JsonNode>>();
        for (long draw = 0; draw < 1000L * trials && all.size() < trials; draw++) {
            var one = new LinkedHashMap<String, JsonNode>();
            over.forEach((key, values) -> one.put(key, values.draw(random)));
            all.add(one);
        }
        return new ArrayList<>(all);
    }

    /// How many of `trials` go through each rung.
    ///
    /// @throws IllegalArgumentException if none could be left out
    List<Integer> rungs(int trials) {
        if (method != Method.HALVING) {
            return List.of(trials);
        }
        if (trials < eta) {
            throw new IllegalArgumentException(
                    "Of %d trials not one in %d can go on; halving needs more trials or a smaller eta".formatted(trials,
                            eta));
        }
        return IntStream.iterate(trials, count -> count > 0, count -> count / eta).boxed().toList();
    }
}
