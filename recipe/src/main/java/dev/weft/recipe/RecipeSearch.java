package dev.weft.recipe;

import dev.weft.checkpoint.AtomicFile;
import dev.weft.tensor.TensorException;
import dev.weft.train.RunFolder;
import dev.weft.train.Trainer;
import dev.weft.train.TrainingFailed;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A search over recipes under way in its folder: each trial is a run folder below it, `trial-001`.
///
/// ```java
/// try (var search = RecipeSearch.start(recipe, plan, Path.of("runs/search"), RecipeSearch.Listener.SILENT)) {
///     System.out.print(search.run().text());
/// }
/// ```
///
/// The resource of halving is a share of a trial's own steps: with n trials and η, of R rungs the first goes to 1/η^(R-1)
/// of them, the last to all. A rung goes on where the one before it stopped, under the schedule of all steps: a trial that
/// comes to its end is the run that the recipe alone would have been. The price is that early rungs compare models whose
/// learning rate is still high. What is compared is the best evaluation so far; there is one at the end of each rung.
public final class RecipeSearch implements AutoCloseable {
    /// Of a search's folder: the recipe, and what is searched.
    static final String FILE = "search.yaml";

    private final Path folder;
    private final FileChannel lock;
    private final SearchPlan plan;
    private final Recipe recipe;
    private final List<SearchTrial> trials = new ArrayList<>();
    private final List<Integer> rungs;
    private final Listener listener;
    private volatile boolean stopping;
    private boolean unfinished;
    private volatile @Nullable RecipeRun current;

    /// Is told how a search goes.
    public interface Listener {
        /// Nobody listens.
        Listener SILENT = (trial, done, all) -> {};

        /// A trial ended, came to the end of a rung, or failed.
        ///
        /// @param done how many did so far
        /// @param all  how many will, if none fails
        void trained(SearchTrial trial, int done, int all);
    }

    /// Begins a search.
    ///
    /// @param out the folder to make
    /// @throws IllegalArgumentException if there is a search already, or the recipe has nothing that trials could be
    ///         compared by, or no such keys and values
    public static RecipeSearch start(Recipe recipe, SearchPlan plan, Path out, Listener listener) {
        if (Files.exists(out.resolve(FILE)) || Files.exists(out.resolve(Recipe.FILE))) {
            throw new IllegalArgumentException(
                    out + " already holds a search or a run; go on with --resume " + out + ", or choose another --out");
        }
        if (recipe.evaluate().every() == 0 || recipe.data().dev().isEmpty() && recipe.data().devShare() == 0) {
            throw new IllegalArgumentException(
                    "Trials are compared by their evaluations, and there are none; hold data out with --set data.dev=FILE "
                            + "or data.dev_share, and say evaluate.every");
        }
        Recipe whole = RecipeRun.absolute(recipe);
        // Refused before anything is written.
        plan.rungs(plan.combinations(whole).size());
        ObjectNode tree = plan.tree();
        tree.set("recipe", RecipeTree.parse(whole.yaml(), FILE));
        AtomicFile.write(out.resolve(FILE), Recipe.YAML.writeValueAsString(tree));
        return new RecipeSearch(whole, plan, out, listener);
    }

    /// Goes on with a search: what is done is not done again, a trial that was under way goes on from its last checkpoint.
    ///
    /// @throws IllegalArgumentException if there is no search
    public static RecipeSearch resume(Path out, Listener listener) {
        Path file = out.resolve(FILE);
        if (!Files.exists(file)) {
            throw new IllegalArgumentException(out + " holds no search to resume: there is no " + FILE + " in it");
        }
        try {
            ObjectNode tree = RecipeTree.parse(Files.readString(file), file.toString());
            JsonNode recipe = tree.remove("recipe");
            return new RecipeSearch(Recipe.parse(Recipe.YAML.writeValueAsString(recipe), file.toString()),
                    SearchPlan.of(tree, file.toString()), out, listener);
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private RecipeSearch(Recipe recipe, SearchPlan plan, Path folder, Listener listener) {
        this.recipe = recipe;
        this.plan = plan;
        this.folder = folder;
        this.listener = listener;
        for (Map<String, JsonNode> values : plan.combinations(recipe)) {
            SearchTrial trial = SearchTrial.of(trials.size() + 1, values);
            trials.add(trial.read(folder.resolve(trial.name())));
        }
        rungs = plan.rungs(trials.size());
        try {
            lock = RunFolder.locked(folder);
        } catch (IOException e) {
            throw new UncheckedIOException("The folder " + folder + " cannot be used: " + e.getMessage(), e);
        }
    }

    /// Trains what is left to train; returns before its end only if it is stopped.
    ///
    /// @return what is known then; the folder has it too
    public SearchTable run() {
        int done = 0;
        int all = rungs.stream().mapToInt(Integer::intValue).sum();
        List<Integer> field = trials.stream().map(SearchTrial::number).toList();
        for (int rung = 0; rung < rungs.size(); rung++) {
            for (int number : field) {
                SearchTrial trial = trials.get(number - 1);
                if (!trial.done(rung)) {
                    trial = stopping ? trial : trained(trial, rung);
                    trials.set(number - 1, trial);
                    unfinished = !trial.done(rung);
                    if (unfinished) {
                        return table();
                    }
                    table().write(folder);
                    listener.trained(trial, done + 1, all);
                }
                done++;
            }
            field = rung + 1 < rungs.size() ? promoted(field, rung) : field;
        }
        SearchTable table = table();
        table.write(folder);
        return table;
    }

    /// Where its trials are.
    public Path folder() {
        return folder;
    }

    /// Whether it was stopped before its end.
    public boolean unfinished() {
        return unfinished;
    }

    private SearchTable table() {
        return SearchTable.of(plan.over().keySet(), trials);
    }

    /// Those that go on after a rung, by how they stood then: the same ones also when they have gone further since.
    private List<Integer> promoted(List<Integer> field, int rung) {
        return field.stream().map(number -> trials.get(number - 1)).filter(trial -> trial.rungs().size() > rung)
                .sorted(SearchTable.better(trial -> trial.rungs().get(rung).value()))
                .limit(rungs.get(rung + 1)).map(SearchTrial::number).sorted().toList();
    }

    /// The trial after the rung; as it was if it was stopped before.
    private SearchTrial trained(SearchTrial trial, int rung) {
        Path run = folder.resolve(trial.name());
        var watch = new Watch(run, trial);
        if (trial.early()) {
            return watch.ended(trial.rungs().getLast(), true);
        }
        boolean goesOn = Files.exists(run.resolve(Recipe.FILE));
        try (RecipeRun opened = goesOn ? RecipeRun.resume(run, Map.of(), watch) : start(run, watch)) {
            if (!opened.judged()) {
                return watch
                        .failed("Nothing is held out to judge the model by; say data.dev or a larger data.dev_share");
            }
            current = opened;
            if (stopping) {
                return trial;
            }
            long steps = opened.recipe().train().steps();
            double share = Math.pow(plan.eta(), rung + 1.0 - rungs.size());
            long until = Math.clamp(Math.round(steps * share), 1, steps);
            Trainer.Result result = opened.run(until);
            if (result.end() == Trainer.End.STOPPED && (result.step() < until || until == steps)) {
                return watch.trial;
            }
            return watch.ended(new SearchTrial.Rung(result.step(), result.best()),
                    result.end() == Trainer.End.EARLY);
        } catch (IllegalArgumentException | TrainingFailed | TensorException e) {
            if (goesOn && !watch.started) {
                // The trial could be trained before: what is wrong is around it, such as data that changed.
                throw e;
            }
            return watch.failed(Objects.requireNonNullElse(e.getMessage(), e.toString()));
        } finally {
            current = null;
        }
    }

    private RecipeRun start(Path run, Watch watch) {
        Recipe all = recipe;
        for (var value : watch.trial.values().entrySet()) {
            all = all.with(value.getKey(), value.getValue());
        }
        return RecipeRun.start(all, run, watch);
    }

    /// Asks the search to write a checkpoint of the trial under way and return after the step at hand; from any thread.
    public void stop() {
        stopping = true;
        RecipeRun run = current;
        if (run != null) {
            run.stop();
        }
    }

    @Override
    public void close() {
        try {
            lock.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Writes down how a trial goes before its checkpoint is written: what is known of a checkpoint is never less than it.
    private static final class Watch implements RunListener {
        private final Path run;
        private SearchTrial trial;
        private long since = System.nanoTime();
        private boolean started;

        Watch(Path run, SearchTrial trial) {
            this.run = run;
            this.trial = trial;
        }

        @Override
        public void started(long step, long steps) {
            started = true;
        }

        @Override
        public void evaluated(Evaluation evaluation) {
            keep(trial.judged(evaluation.found()));
        }

        @Override
        public void saved(long step) {
            keep(trial);
        }

        SearchTrial ended(SearchTrial.Rung rung, boolean early) {
            return keep(trial.after(rung, early));
        }

        SearchTrial failed(String why) {
            return keep(trial.failed(why.strip().replaceAll("\\s*\\n\\s*", " ")));
        }

        private SearchTrial keep(SearchTrial now) {
            long at = System.nanoTime();
            trial = now.longer((at - since) / 1e9);
            since = at;
            trial.write(run);
            return trial;
        }
    }
}
