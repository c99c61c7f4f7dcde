package dev.weft.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.checkpoint.Json;
import dev.weft.tensor.TensorScope;
import dev.weft.train.RunFolder;
import dev.weft.train.Validation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Small searches over a small recipe, from their plans to their tables, stopped and gone on with.
class RecipeSearchTest {
    @TempDir
    static Path data;

    @BeforeAll
    static void write() throws IOException {
        Files.writeString(data.resolve("plain.txt"), IntStream.range(0, 60)
                .mapToObj(i -> "film %d was %s\n".formatted(i, i % 2 == 0 ? "good" : "dull"))
                .collect(Collectors.joining()));
    }

    private static Recipe recipe() {
        return Recipe.parse("""
                data: {train: plain.txt, folder: FOLDER, max_length: 16, cache: FOLDER/cache, dev_share: 0.25}
                tokenizer: {from: char}
                model: {layers: 1, hidden: 16, heads: 2}
                train: {steps: 9, batch: 4, precision: float32, threads: 1, seed: 3}
                evaluate: {every: 4}
                checkpoints: {every: 2}
                """.replace("FOLDER", data.toString()), "tiny");
    }

    private static SearchPlan grid() {
        return SearchPlan.defaults().withMethod(SearchPlan.Method.GRID).over("train.learning_rate", "1e-5,1e-2")
                .over("train.optimizer", List.of("adamw", "lion"));
    }

    private static SearchTable run(Recipe recipe, SearchPlan plan, Path out) {
        try (var search = RecipeSearch.start(recipe, plan, out, RecipeSearch.Listener.SILENT)) {
            return search.run();
        }
    }

    private static SearchTable resume(Path out, RecipeSearch.Listener listener) {
        try (var search = RecipeSearch.resume(out, listener)) {
            return search.run();
        }
    }

    /// Stops after so many trials, or rungs of them.
    private static SearchTable stopped(SearchPlan plan, Path out, int after) {
        var search = new AtomicReference<RecipeSearch>();
        try (var begun = RecipeSearch.start(recipe(), plan, out, (trial, done, all) -> {
            if (done == after) {
                search.get().stop();
            }
        })) {
            search.set(begun);
            SearchTable table = begun.run();
            assertThat(begun.unfinished()).isTrue();
            return table;
        }
    }

    /// The table without its times.
    private static String timeless(SearchTable table) {
        return table.json().toString().replaceAll("\"seconds\":[^,}]*", "");
    }

    @Test
    void a_grid_has_every_combination_and_the_best_comes_first(@TempDir Path out) throws IOException {
        Path folder = out.resolve("grid");
        long live = TensorScope.liveTensors();

        SearchTable table = run(recipe(), grid(), folder);

        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(live);
        assertThat(table.metric()).isEqualTo("loss");
        assertThat(table.failed()).isEmpty();
        assertThat(table.ranked()).hasSize(4).allMatch(trial -> trial.step() == 9 && trial.seconds() > 0);
        assertThat(table.ranked()).extracting(SearchTrial::value).isSorted();
        assertThat(table.ranked().getFirst().values().get("train.learning_rate").asDouble()).isEqualTo(1e-2);
        assertThat(table.ranked().getFirst().value()).isLessThan(table.ranked().getLast().value());
        assertThat(table.text().lines().findFirst().orElseThrow())
                .matches("rank +trial +train.learning_rate +train.optimizer +loss +steps +seconds");
        assertThat(Files.readAllLines(folder.resolve("results.tsv"))).hasSize(5).element(1).asString()
                .matches("1\ttrial-00\\d\t0?\\.?[-0-9.E]+\t(adamw|lion)\t\\d\\.\\d{4}\t9\t\\d+\\.\\d");
        assertThat(Json.read(folder.resolve("results.json")).node().toString()).isEqualTo(table.json().toString());
        Recipe best = Recipe.read(folder.resolve(SearchTable.BEST));
        assertThat(best.train().learningRate()).isEqualTo(1e-2);
        assertThat(best.train().optimizer()).isEqualTo(table.best().orElseThrow().text("train.optimizer"));
        assertThat(folder.resolve("train.optimizer.svg")).content().contains("adamw", "lion", "loss, best: ");
        assertThat(folder.resolve("train.learning_rate.svg")).content().contains("<circle", "0.0100");
    }

    @Test
    void a_search_that_was_stopped_goes_on_to_the_same_table(@TempDir Path out) throws IOException {
        SearchTable whole = run(recipe(), grid(), out.resolve("whole"));
        Path halves = out.resolve("halves");
        assertThat(stopped(grid(), halves, 2).ranked()).hasSize(2);
        Path finished = RunFolder.latestIn(halves.resolve("trial-001")).orElseThrow();
        var before = Files.getLastModifiedTime(finished);

        var told = new ArrayList<Integer>();
        SearchTable table = resume(halves, (trial, done, all) -> told.add(trial.number()));

        assertThat(told).containsExactly(3, 4);
        assertThat(timeless(table)).isEqualTo(timeless(whole));
        assertThat(Files.getLastModifiedTime(finished)).isEqualTo(before);
        assertThat(timeless(resume(halves, RecipeSearch.Listener.SILENT))).isEqualTo(timeless(whole));
    }

    /// As after a kill: a checkpoint, and no word of how the trial ended.
    @Test
    void a_trial_that_was_killed_goes_on_from_its_checkpoint(@TempDir Path out) throws IOException {
        SearchTable whole = run(recipe(), grid(), out.resolve("whole"));
        Path killed = out.resolve("killed");
        stopped(grid(), killed, 2);
        var trial = Json.read(killed.resolve("trial-002/trial.json")).node();
        trial.putArray("rungs");
        Json.write(killed.resolve("trial-002/trial.json"), trial);
        var started = new ArrayList<Long>();
        try (var run = RecipeRun.resume(killed.resolve("trial-002"), Map.of(), new RunListener() {
            @Override
            public void started(long step, long steps) {
                started.add(step);
            }
        })) {
            run.run();
        }

        assertThat(started).containsExactly(9L);
        assertThat(timeless(resume(killed, RecipeSearch.Listener.SILENT))).isEqualTo(timeless(whole));
    }

    @Test
    void of_halving_one_in_eta_goes_on_and_its_end_is_that_of_a_run_of_its_own(@TempDir Path out) {
        SearchPlan plan = SearchPlan.defaults().withMethod(SearchPlan.Method.HALVING).withTrials(9)
                .over("train.learning_rate", "1e-6..3e-2 log");
        Path whole = out.resolve("whole");

        SearchTable table = run(recipe(), plan, whole);

        assertThat(table.ranked()).extracting(SearchTrial::step).containsExactly(9L, 3L, 3L, 1L, 1L, 1L, 1L, 1L, 1L);
        SearchTrial best = table.best().orElseThrow();
        assertThat(best.rungs()).extracting(SearchTrial.Rung::step).containsExactly(1L, 3L, 9L);
        try (var alone = RecipeRun.start(Recipe.read(whole.resolve(SearchTable.BEST)), out.resolve("alone"),
                RunListener.SILENT)) {
            assertThat(alone.run().best()).isEqualTo(best.value());
        }
        assertThat(whole.resolve("train.learning_rate.svg")).content().contains("after 9 steps", "after fewer");

        Path halves = out.resolve("halves");
        stopped(plan, halves, 10);
        assertThat(timeless(resume(halves, RecipeSearch.Listener.SILENT))).isEqualTo(timeless(table));
    }

    @Test
    void a_trial_that_fails_is_told_and_the_search_goes_on(@TempDir Path out) {
        SearchTable table = run(recipe(), SearchPlan.defaults().withMethod(SearchPlan.Method.GRID)
                .over("train.learning_rate", "1e-3,1e30").over("model.dropout", "0.1,2"), out.resolve("some"));

        assertThat(table.ranked()).extracting(SearchTrial::name).containsExactly("trial-001");
        assertThat(table.failed()).extracting(SearchTrial::failed).satisfiesExactly(
                why -> assertThat(why).contains("--dropout must be at least 0 and below 1, found 2.0"),
                why -> assertThat(why).contains("became NaN at step"),
                why -> assertThat(why).contains("--dropout must be"));
        assertThat(table.tsv().lines().findFirst().orElseThrow()).endsWith("\tfailed");
        assertThat(table.tsv()).contains("-\ttrial-003\t1.0E30\t0.1\t-\t");
        assertThat(timeless(resume(out.resolve("some"), (trial, done, all) -> {
            throw new AssertionError("trained again: " + trial);
        }))).isEqualTo(timeless(table));
    }

    @Test
    void what_is_drawn_lies_in_its_range_and_is_drawn_again_by_the_same_seed() {
        SearchPlan plan = SearchPlan.defaults().withTrials(300).over("train.learning_rate", "1e-5..1e-3 log")
                .over("model.dropout", "0..1").over("model.layers", "2..4").over("model.config.n_inner", "8..512,log");

        var drawn = plan.combinations(Recipe.defaults());

        assertThat(drawn).hasSize(300).doesNotHaveDuplicates().isEqualTo(plan.combinations(Recipe.defaults()))
                .isNotEqualTo(plan.withSeed(2).combinations(Recipe.defaults()));
        assertThat(drawn).extracting(each -> each.get("model.layers").asInt()).contains(2, 3, 4)
                .allMatch(layers -> layers >= 2 && layers <= 4);
        assertThat(drawn).allMatch(each -> each.get("model.config.n_inner").isInt());
        assertThat(drawn).extracting(each -> each.get("model.dropout").asDouble()).anyMatch(share -> share % 1 != 0);
        // On a log scale half lie below the geometric middle.
        assertThat(drawn).extracting(each -> each.get("train.learning_rate").asDouble())
                .allMatch(rate -> rate >= 1e-5 && rate <= 1e-3);
        assertThat(drawn.stream().filter(each -> each.get("train.learning_rate").asDouble() < 1e-4).count())
                .isBetween(120L, 180L);
        assertThat(drawn.stream().filter(each -> each.get("model.config.n_inner").asInt() < 64).count())
                .isBetween(120L, 180L);
    }

    @Test
    void no_combination_of_lists_is_drawn_twice() {
        SearchPlan plan = SearchPlan.defaults().over("train.optimizer", "adamw,lion").over("model.layers", "1..3");

        assertThat(plan.combinations(Recipe.defaults())).hasSize(6).doesNotHaveDuplicates();
        assertThat(plan.withMethod(SearchPlan.Method.GRID).combinations(Recipe.defaults()))
                .containsExactlyInAnyOrderElementsOf(plan.combinations(Recipe.defaults()));
    }

    @Test
    void a_plan_is_read_as_it_was_written(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("values.yaml"), """
                method: halving
                trials: 27
                over:
                  train.learning_rate: 1e-5..1e-3 log
                  model.dropout: [0, 0.1]
                  adapter.lora: ["rank=4,alpha=8", "rank=8,alpha=16"]
                  model.layers: 2..4
                """);

        SearchPlan plan = SearchPlan.read(file);

        assertThat(plan).extracting(SearchPlan::method, SearchPlan::trials, SearchPlan::eta)
                .containsExactly(SearchPlan.Method.HALVING, 27, 3);
        assertThat(plan.over().get("adapter.lora").all("adapter.lora")).hasSize(2);
        assertThat(plan.rungs(27)).containsExactly(27, 9, 3, 1);
        assertThat(plan.rungs(12)).containsExactly(12, 4, 1);
        assertThat(SearchPlan.of(plan.tree(), "again")).isEqualTo(plan);
    }

    @Test
    void what_cannot_be_searched_is_refused_before_the_first_trial(@TempDir Path out) {
        SearchPlan plan = SearchPlan.defaults();
        assertThatThrownBy(() -> run(recipe(), plan.over("train.learning_rat", "1,2"), out))
                .hasMessageContaining("a recipe has no key \"train.learning_rat\"; there are steps, epochs");
        assertThatThrownBy(() -> run(recipe(), plan.over("train.steps", "1,many"), out))
                .hasMessageContaining("train.steps must be a whole number, found \"many\"");
        assertThatThrownBy(() -> run(recipe(), plan, out)).hasMessageContaining("Say what is searched");
        assertThatThrownBy(() -> run(recipe().with("data.dev_share", 0), grid(), out))
                .hasMessageContaining("compared by their evaluations, and there are none");
        assertThatThrownBy(() -> run(recipe().with("evaluate.every", 0), grid(), out))
                .hasMessageContaining("compared by their evaluations, and there are none");
        assertThatThrownBy(() -> run(recipe(), plan.withMethod(SearchPlan.Method.HALVING).withTrials(2)
                .over("model.layers", "1,2"), out)).hasMessageContaining("Of 2 trials not one in 3 can go on");
        assertThatThrownBy(() -> run(recipe(), grid().over("model.dropout", "0.0..0.5"), out))
                .hasMessageContaining("model.dropout: a grid needs a list of values, found the range 0.0..0.5");
        assertThatThrownBy(() -> run(recipe(), grid().over("model.hidden", "1..100000"), out))
                .hasMessageContaining("more than 1000 trials");
        assertThatThrownBy(() -> plan.over("model.dropout", "0..0.5 log")).hasMessageContaining("from above 0");
        assertThatThrownBy(() -> plan.over("model.layers", "4..2")).hasMessageContaining("must go upwards, found 4..2");
        assertThatThrownBy(() -> plan.over("evaluate.metric", "loss,accuracy"))
                .hasMessageContaining("decides how trials are judged");
        assertThatThrownBy(() -> plan.withEta(1)).hasMessageContaining("eta must be 2 or more");
        assertThatThrownBy(() -> SearchPlan.method("bayes"))
                .hasMessageContaining("method is one of grid, random, halving, found \"bayes\"");
        assertThatThrownBy(() -> SearchPlan.of(RecipeTree.parse("trails: 3", "v.yaml"), "v.yaml"))
                .hasMessageContaining(
                        "v.yaml: a search has no key \"trails\"; there are method, trials, eta, seed, over");
        assertThat(out).isEmptyDirectory();

        run(recipe().with("train.steps", 1), plan.over("train.seed", "1"), out.resolve("one"));
        assertThatThrownBy(() -> run(recipe(), grid(), out.resolve("one")))
                .hasMessageContaining("already holds a search or a run; go on with --resume");
        assertThatThrownBy(() -> resume(out, RecipeSearch.Listener.SILENT))
                .hasMessageContaining("holds no search to resume");
    }

    @Test
    void trials_whose_metric_is_undefined_stand_last_and_the_search_goes_on(@TempDir Path out) throws IOException {
        Files.writeString(data.resolve("scored.csv"), "text,label\n" + IntStream.range(0, 12)
                .mapToObj(i -> "film %d,0.%d\n".formatted(i, i % 5)).collect(Collectors.joining()));
        Files.writeString(data.resolve("constant.csv"), "text,label\nfilm 1,0.4\nfilm 2,0.4\n");
        Recipe recipe = recipe().overlaid("""
                task: regression
                model: {config: {model_type: bert}}
                tokenizer: {from: wordpiece, vocab_size: 90}
                data: {train: scored.csv, dev: scored.csv}
                """, "regression");
        SearchTable none = run(recipe.with("data.dev", "constant.csv"),
                SearchPlan.defaults().withMethod(SearchPlan.Method.GRID).over("train.seed", "1,2"), out);
        SearchTable again = resume(out, RecipeSearch.Listener.SILENT);

        assertThat(none.failed()).isEmpty();
        assertThat(none.ranked()).hasSize(2);
        assertThat(none.best()).isEmpty();
        assertThat(none.text()).contains("undefined");
        assertThat(timeless(again)).isEqualTo(timeless(none)).contains("\"value\":null");
        for (boolean higher : List.of(true, false)) {
            SearchTable some = SearchTable.of(List.of(), IntStream.rangeClosed(1, 3).mapToObj(number -> SearchTrial
                    .of(number, Map.of()).judged(new Validation("pearson", higher, Map.of("pearson", 0.0)))
                    .after(new SearchTrial.Rung(3, number == 1 ? Double.NaN : number), false)).toList());
            assertThat(some.ranked()).extracting(SearchTrial::number).containsExactly(higher ? 3 : 2, higher ? 2 : 3,
                    1);
            assertThat(some.best().orElseThrow().number()).isEqualTo(higher ? 3 : 2);
        }
    }
}
