package dev.weft.cli;

import dev.weft.checkpoint.ModelFolder;
import dev.weft.models.Models;
import dev.weft.models.heads.HeadKind;
import dev.weft.recipe.Recipe;
import dev.weft.recipe.RecipeRun;
import dev.weft.recipe.TrainingTask;
import dev.weft.train.LossCurve;
import dev.weft.train.Trainer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/// `weft train`, `weft finetune` and `weft distill`: a recipe is followed. Their options are the keys of recipes, as
/// [Recipe#reference] names and explains them.
final class TrainingCommand implements Callable<Integer> {
    /// What the commands differ in.
    enum Kind {
        /// From nothing.
        TRAIN("Train a model, or go on with a run.",
                "weft train --text corpus.txt --out runs/mine --preset small",
                "weft train --text 'books/**/*.txt' --tokenizer bpe --vocab-size 8192 --preset medium --out runs/books",
                "weft train --recipe recipes/translation-multi30k.yaml --set train.steps=4000",
                "weft train --resume runs/mine",
                "weft train --explain > my-recipe.yaml"),
        /// From a model that is there.
        FINETUNE("Train a model further, whole or with an adapter, for a task of yours.",
                "weft finetune models/bert --task text-classification --train train.tsv --dev dev.tsv --text-column sentence --out runs/sst2",
                "weft finetune models/llama --lora rank=8,alpha=16,targets=q_proj,v_proj --chat talks.jsonl --out runs/assistant",
                "weft finetune models/bert --task token-classification --train train.conll --out runs/entities",
                "weft finetune --resume runs/sst2"),
        /// From a large model.
        DISTILL("Let a small model learn from a large one.",
                "weft distill --teacher runs/big --student-layers 3 --train train.tsv --out runs/small",
                "weft distill --teacher runs/big --model runs/other --hard 0.3 --soft 0.7 --train train.tsv --out runs/small");

        private final String description;
        private final String[] examples;

        Kind(String description, String... examples) {
            this.description = description;
            this.examples = examples;
        }
    }

    private final Kind kind;
    /// Whether somebody reads what options mean: what presets make of defaults takes a while to find out.
    private final boolean shown;
    private final CommandSpec spec;

    private TrainingCommand(Kind kind, boolean shown) {
        this.kind = kind;
        this.shown = shown;
        spec = CommandSpec.wrapWithoutInspection(this);
        spec.name(kind.name().toLowerCase(Locale.ROOT)).mixinStandardHelpOptions(true);
        spec.usageMessage().description(kind.description).sortOptions(false).footer(footer())
                .customSynopsis("weft %s %s".formatted(spec.name(), kind == Kind.FINETUNE
                        ? "[MODEL] --train FILE --out DIR [OPTIONS]"
                        : kind == Kind.DISTILL
                                ? "--teacher MODEL --train FILE --out DIR [OPTIONS]"
                                : "--train FILE --out DIR [OPTIONS]"));
        if (kind == Kind.FINETUNE) {
            spec.addPositional(PositionalParamSpec.builder().index("0").arity("0..1").paramLabel("MODEL")
                    .type(String.class).description("A model folder, or a run's.").build());
        }
        spec.addOption(text("--out", "DIR", "The run folder to make. Default for a recipe: runs/ and its name."));
        spec.addOption(text("--resume", "DIR",
                "Go on with the run in DIR from its last checkpoint; beside it only how it is trained, evaluated and kept can be said anew."));
        spec.addOption(text("--recipe", "FILE", "A recipe to begin from; options override it."));
        spec.addOption(OptionSpec.builder("--set").paramLabel("KEY=VALUE").type(List.class).auxiliaryTypes(String.class)
                .description("A key of the recipe and its value, such as train.steps=4000; can be repeated.").build());
        if (kind == Kind.TRAIN) {
            spec.addOption(text("--preset", "NAME",
                    "Sizes to start from: tiny, small (nanoGPT's CPU setting), medium, gpt2. Default: small, if there is no recipe."));
        }
        spec.addOption(text("--range-test", "FROM..TO",
                "Instead of training, raise the learning rate from one to the other over the steps, such as 1e-6..1, and say where the loss falls fastest."));
        spec.addOption(OptionSpec.builder("--explain").type(boolean.class)
                .description("Print all that a recipe can say, with defaults and explanations, and end.").build());
        groups();
    }

    static CommandSpec spec(Kind kind, boolean shown) {
        return new TrainingCommand(kind, shown).spec;
    }

    private String[] footer() {
        var lines = new ArrayList<>(List.of("", "Examples:"));
        Arrays.stream(kind.examples).forEach(example -> lines.add("  " + example));
        lines.add("");
        lines.add(
                "Each option is a key of a recipe, a YAML file; weft " + kind.name().toLowerCase(Locale.ROOT)
                        + " --explain lists all keys.");
        return lines.toArray(String[]::new);
    }

    private static OptionSpec text(String name, String label, String description) {
        return OptionSpec.builder(name).paramLabel(label).type(String.class).description(description).build();
    }

    /// An option for each key that has one, under the headings of the recipe's parts.
    private void groups() {
        ArgGroupSpec.Builder group = null;
        for (Recipe.Key key : Recipe.keys()) {
            boolean part = key.standard().isEmpty() && !key.path().contains(".");
            if (part || group == null) {
                add(group);
                group = ArgGroupSpec.builder().exclusive(false).validate(false)
                        .heading("%n" + (part ? key.text() : "What is learned.").replace("%", "%%") + "%n");
            }
            if (!key.options().isEmpty() && (kind != Kind.FINETUNE || !key.path().equals("model.from"))) {
                group.addArg(option(key));
            }
        }
        add(group);
    }

    private void add(ArgGroupSpec.@Nullable Builder group) {
        if (group != null && !group.args().isEmpty()) {
            spec.addArgGroup(group.build());
        }
    }

    private OptionSpec option(Recipe.Key key) {
        String standard = key.standard();
        String text = (key.text().isEmpty() ? "Column that holds it." : key.text())
                + (shown ? standing(key) : "");
        var option = OptionSpec.builder(key.options().toArray(String[]::new))
                .description(text.replaceFirst("Default: .*(?=Default: )", "").replace("%", "%%"));
        if (standard.equals("[]")) {
            return option.type(List.class).auxiliaryTypes(String.class).arity("1..*").paramLabel("VALUE").build();
        }
        if (List.of("true", "false").contains(standard)) {
            return option.type(String.class).arity("0..1").fallbackValue("true").paramLabel("true|false").build();
        }
        return option.type(String.class).paramLabel(standard.matches("-?[0-9].*") ? "N" : "VALUE").build();
    }

    /// What holds where nobody says anything: a preset is laid over the recipe's defaults. It stands behind what the
    /// reference says, whose default it takes the place of.
    private String standing(Recipe.Key key) {
        String usual = shown(key, begun(null, false));
        String other = switch (kind) {
            case TRAIN -> " (with --recipe: " + reference(key) + ")";
            case FINETUNE -> " (with --lora: " + shown(key, begun(null, true)) + ")";
            case DISTILL -> "";
        };
        boolean same = usual.equals(shown(key, Recipe.defaults()));
        boolean silent = usual.isEmpty() || same && key.text().contains("Default:");
        return silent ? "" : " Default: " + usual + (same || other.endsWith(": " + usual + ")") ? "" : other) + ".";
    }

    /// The recipe's own default, in its words where it is none of the values.
    private static String reference(Recipe.Key key) {
        String value = shown(key, Recipe.defaults());
        String[] parts = key.text().split("Default: ", 2);
        return !value.isEmpty() ? value : parts.length == 1 ? "none" : parts[1].replaceFirst("\\.$", "");
    }

    private static String shown(Recipe.Key key, Recipe recipe) {
        if (key.path().equals("train.steps") && recipe.train().epochs() != null) {
            return "as many as --epochs takes";
        }
        String value = recipe.text(key.path());
        return value == null ? "" : value.replaceFirst("\\.0(E|$)", "$1").replace('E', 'e');
    }

    /// What a recipe is laid over.
    private Recipe begun(@Nullable String preset, boolean lora) {
        Recipe all = Recipe.defaults();
        return switch (kind) {
            case TRAIN -> all.preset(preset == null ? "small" : preset);
            case FINETUNE -> lora ? all.preset("finetune").preset("lora") : all.preset("finetune");
            case DISTILL -> all.preset("distill");
        };
    }

    @Override
    public Integer call() {
        Voice.tellsNotesItself();
        if (given("--explain") != null) {
            System.out.print(Recipe.reference());
            return 0;
        }
        Path folder;
        Trainer.Result result;
        long leftOut;
        var ending = Interrupts.heeded();
        try (var progress = new ProgressLine(ending)) {
            String resumed = given("--resume");
            if (resumed != null) {
                folder = Path.of(resumed);
                var changes = changes();
                try (var run = RecipeRun.resume(folder, changes, progress)) {
                    ending.by(run::stop);
                    leftOut = run.plan().rowsLeftOut();
                    result = run.run();
                }
            } else {
                Recipe recipe = recipe();
                folder = out();
                try (var run = RecipeRun.start(recipe, folder, progress)) {
                    if (given("--range-test") != null) {
                        return ranged(run, folder);
                    }
                    ending.by(run::stop);
                    leftOut = run.plan().rowsLeftOut();
                    result = run.run();
                }
            }
        }
        told(result, folder);
        if (leftOut > 0) {
            System.err.printf(Locale.ROOT, "%,d rows were left out (--on-bad-rows skip)%n", leftOut);
        }
        return 0;
    }

    private int ranged(RecipeRun run, Path folder) {
        String[] ends = given("--range-test").split("\\.\\.");
        try {
            var test = run.rangeTest(Double.parseDouble(ends[0]), Double.parseDouble(ends[1]));
            System.out.printf(Locale.ROOT, "the loss falls fastest at a learning rate of %.3g (%s)%n", test.steepest(),
                    folder.resolve("learning-rate.svg"));
            return 0;
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
            throw new IllegalArgumentException(
                    "--range-test takes two learning rates, such as 1e-6..1, found " + given("--range-test"), e);
        }
    }

    private void told(Trainer.Result result, Path folder) {
        String best = Double.isNaN(result.best()) ? "" : ", best validation %.4f".formatted(result.best());
        // Of a run that had no step left to do there is no loss.
        String loss = Double.isNaN(result.lastLoss())
                ? "nothing was left to do"
                : "loss %.4f".formatted(
                        result.lastLoss());
        System.err.printf("%s at step %d: %s%s%n", switch (result.end()) {
            case COMPLETED -> "done";
            case EARLY -> "stopped early, no new best,";
            case STOPPED -> "stopped";
        }, result.step(), loss, best);
        System.err.printf("%s (curve: %s)%n", folder, folder.resolve(LossCurve.FILE));
        if (result.end() == Trainer.End.STOPPED) {
            System.err.println("go on with: weft train --resume " + folder);
        }
    }

    private Path out() {
        String out = given("--out");
        if (out != null) {
            return Path.of(out);
        }
        String recipe = given("--recipe");
        if (recipe == null) {
            throw new IllegalArgumentException(
                    "Say where the run goes: --out DIR (or --resume DIR to go on with one)");
        }
        return Path.of("runs", Path.of(recipe).getFileName().toString().replaceFirst("\\.ya?ml$", ""));
    }

    private Recipe recipe() {
        Recipe recipe = Recipe.defaults();
        String file = given("--recipe");
        String preset = given("--preset");
        Map<String, Object> changes = changes();
        if (kind != Kind.TRAIN || file == null || preset != null) {
            recipe = begun(preset, changes.containsKey("adapter.lora"));
        }
        if (file != null) {
            recipe = Recipe.read(Path.of(file), recipe);
        }
        if (changes.containsKey("train.steps") && !changes.containsKey("train.epochs")) {
            recipe = recipe.with("train.steps", changes.get("train.steps"));
        }
        for (var change : changes.entrySet()) {
            recipe = change.getKey().equals("train.steps") && changes.containsKey("train.epochs")
                    ? recipe
                    : recipe.with(change.getKey(), change.getValue());
        }
        if (kind == Kind.DISTILL) {
            recipe = student(recipe, changes);
        }
        if (kind == Kind.FINETUNE && recipe.model().from() == null) {
            throw new IllegalArgumentException(
                    "Say which model to train further: weft finetune MODEL --train FILE --out DIR");
        }
        if (recipe.data().train().isEmpty()) {
            throw new IllegalArgumentException(
                    "Say what to learn from and where to: weft %s --train FILE --out DIR (or --resume DIR to go on)"
                            .formatted(kind.name().toLowerCase(Locale.ROOT)));
        }
        return recipe;
    }

    /// A student is cut from its teacher where nothing else is said, and learns what the teacher can do.
    private static Recipe student(Recipe recipe, Map<String, Object> changes) {
        String teacher = recipe.distill().teacher();
        if (teacher == null) {
            throw new IllegalArgumentException("Say which model shows how: weft distill --teacher FOLDER …");
        }
        Recipe all = recipe;
        if (recipe.model().from() == null && recipe.model().hidden() == null
                && !changes.keySet().stream().anyMatch(key -> key.startsWith("model.config"))) {
            if (recipe.model().layers() == null) {
                throw new IllegalArgumentException(
                        "Say how large the student is: --student-layers N, or --model FOLDER");
            }
            all = all.with("model.from", teacher);
        }
        if (!changes.containsKey("task") && all.task().equals(Recipe.defaults().task())) {
            HeadKind head = HeadKind.of(Models.architecture(ModelFolder.open(Path.of(teacher)).config()));
            all = all.with("task", Arrays.stream(TrainingTask.values()).filter(task -> task.head() == head).findFirst()
                    .orElseThrow(() -> new IllegalArgumentException("Say what is learned, with --task")).id());
        }
        return all.tokenizer().from() == null ? all.with("tokenizer.from", teacher) : all;
    }

    /// What the command line says, by the recipe's keys.
    private Map<String, Object> changes() {
        var changes = new LinkedHashMap<String, Object>();
        if (kind == Kind.FINETUNE && spec.positionalParameters().getFirst().getValue() instanceof String model) {
            changes.put("model.from", model);
        }
        for (Recipe.Key key : Recipe.keys()) {
            for (OptionSpec option : spec.options()) {
                if (key.options().contains(option.longestName()) && option.getValue() != null) {
                    changes.put(key.path(), option.getValue());
                }
            }
        }
        if (typed("--chat")) {
            changes.put("task", "chat");
        }
        if (spec.findOption("--set").getValue() instanceof List<?> sets) {
            for (Object set : sets) {
                String text = String.valueOf(set);
                int equals = text.indexOf('=');
                if (equals < 1) {
                    throw new IllegalArgumentException("--set takes KEY=VALUE, found \"" + text + '"');
                }
                changes.put(text.substring(0, equals).strip(), text.substring(equals + 1).strip());
            }
        }
        return changes;
    }

    /// Whether an option was given under this of its names.
    private boolean typed(String name) {
        return spec.commandLine().getParseResult().originalArgs().contains(name);
    }

    private @Nullable String given(String option) {
        OptionSpec found = spec.findOption(option);
        Object value = found == null ? null : found.getValue();
        return value == null || Boolean.FALSE.equals(value) ? null : String.valueOf(value);
    }
}
