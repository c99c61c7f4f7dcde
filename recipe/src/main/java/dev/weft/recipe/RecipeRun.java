package dev.weft.recipe;

import dev.weft.checkpoint.AtomicFile;
import dev.weft.checkpoint.Json;
import dev.weft.data.Labels;
import dev.weft.data.Rows;
import dev.weft.data.TokenWindows;
import dev.weft.data.Tokens;
import dev.weft.eval.Report;
import dev.weft.eval.UsualMetrics;
import dev.weft.models.ConfigNames;
import dev.weft.models.Loading;
import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.HeadSpec;
import dev.weft.nn.Activations;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.LanguageModel;
import dev.weft.nn.Model;
import dev.weft.run.Tokenizers;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Engine;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import dev.weft.tensor.Weft;
import dev.weft.text.Tokenizer;
import dev.weft.text.chat.ChatTemplate;
import dev.weft.train.Adafactor;
import dev.weft.train.CausalEvaluation;
import dev.weft.train.CheckpointAverage;
import dev.weft.train.ContrastiveObjective;
import dev.weft.train.DistillationObjective;
import dev.weft.train.Layers;
import dev.weft.train.Objective;
import dev.weft.train.Optimizer;
import dev.weft.train.PreferenceObjective;
import dev.weft.train.RateRangeTest;
import dev.weft.train.RunFolder;
import dev.weft.train.Schedule;
import dev.weft.train.Settings;
import dev.weft.train.TaskObjective;
import dev.weft.train.Trainer;
import dev.weft.train.Validation;
import dev.weft.train.WeightRule;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/// A recipe under way in its run folder: everything opened, so that what can be refused is refused before anything is
/// written.
///
/// ```java
/// try (var run = RecipeRun.start(recipe, Path.of("runs/sst2"), RunListener.SILENT)) {
///     run.run();
/// }
/// ```
public final class RecipeRun implements AutoCloseable {
    /// Of a run folder: versions, the data's fingerprint and what came out of the recipe.
    public static final String FACTS = "training.json";
    private static final double ONCE_SECONDS = 2;
    /// Keys that decide how data is cut into batches.
    private static final Set<String> CUTS = Set.of("train.batch", "train.batch_tokens", "train.micro_batches");

    private final Recipe recipe;
    private final RunFolder folder;
    private final RunListener listener;
    private final Deque<AutoCloseable> open = new ArrayDeque<>();
    private final Trainer.Task<Map<String, Tensor>> task;
    private final Trainer<Map<String, Tensor>> trainer;
    private final RunListener.Plan plan;
    private final boolean judged;

    /// Begins a run.
    ///
    /// @param out the run folder to make
    /// @throws IllegalArgumentException if there is a run already, or the recipe cannot be followed
    public static RecipeRun start(Recipe recipe, Path out, RunListener listener) {
        RunFolder folder = RunFolder.open(out);
        try {
            if (folder.latest().isPresent() || Files.exists(out.resolve(Recipe.FILE))) {
                throw new IllegalArgumentException(
                        out + " already holds a run; go on with --resume " + out + ", or choose another --out");
            }
            return new RecipeRun(recipe, folder, listener, false);
        } catch (RuntimeException e) {
            folder.discard();
            throw e;
        }
    }

    /// Goes on with a run from its last checkpoint.
    ///
    /// @param changes keys of `train`, `evaluate` and `checkpoints` that are other now
    /// @throws IllegalArgumentException if there is no run, or a change is one that would make it another run
    public static RecipeRun resume(Path run, Map<String, Object> changes, RunListener listener) {
        Path file = run.resolve(Recipe.FILE);
        if (!Files.exists(file)) {
            throw new IllegalArgumentException(
                    run + " holds no run to resume: there is no " + Recipe.FILE + " in it");
        }
        Recipe recipe = Recipe.whole(file);
        for (var change : changes.entrySet()) {
            if (!change.getKey().matches("(train|evaluate|checkpoints)\\..*")
                    || change.getKey().matches("train\\.(optimizer|freeze.*|seed|average_weights)")) {
                throw new IllegalArgumentException("%s cannot change in a run that goes on; begin a new one with --out"
                        .formatted(change.getKey()));
            }
            Recipe other = recipe.with(change.getKey(), change.getValue());
            String before = recipe.text(change.getKey());
            if (CUTS.contains(change.getKey()) && !Objects.equals(before, other.text(change.getKey()))) {
                throw new IllegalArgumentException(
                        "%s was %s and cannot become %s in a run that goes on: it decides which examples a step has, and some have had theirs; leave it out, or begin a new run with --out"
                                .formatted(change.getKey(), before, other.text(change.getKey())));
            }
            recipe = other;
        }
        double floor = Objects.requireNonNullElse(recipe.train().minLearningRate(), 0.0);
        recipe = recipe.with("train.min_learning_rate", Math.min(floor, recipe.train().learningRate()));
        RunFolder folder = RunFolder.open(run);
        try {
            return new RecipeRun(recipe, folder, listener, true);
        } catch (RuntimeException e) {
            folder.close();
            throw e;
        }
    }

    private RecipeRun(Recipe asked, RunFolder folder, RunListener listener, boolean resumes) {
        this.folder = folder;
        this.listener = listener;
        try {
            TrainingTask task = TrainingTask.of(asked.task());
            Recipe given = absolute(asked);
            checked(given);
            if (given.train().threads() != null) {
                Engine.threads(given.train().threads());
            }
            RecipeData data = RecipeData.open(given, task);
            open.push(data);
            List<String> labels = RecipeModel.labels(given, task, data.labels());
            Tokenizer tokenizer = resumes
                    ? Tokenizers.load(folder.path())
                    : RecipeTokenizer.of(given, task, data, listener);
            boolean talks = task == TrainingTask.CHAT || task == TrainingTask.PREFERENCE;
            LocalDate day = resumes ? begun(folder.path()) : LocalDate.now();
            ChatTemplate template = talks
                    ? RecipeModel.template(given, tokenizer).withClock(Clock.fixed(
                            day.atStartOfDay(ZoneId.systemDefault()).toInstant(), ZoneId.systemDefault()))
                    : null;
            if (template != null && !resumes) {
                Recipe marked = ChatMarks.added(given, template, tokenizer);
                if (marked != given) {
                    given = marked;
                    tokenizer = tokenizer.withAddedTokens(true, ChatMarks.CHAT_ML.toArray(String[]::new));
                }
            }
            Path checkpoint = resumes ? folder.latest().orElse(null) : null;
            RecipeModel model = RecipeModel.open(given, task, labels, tokenizer, template, checkpoint);
            open.push(model);
            given = fitting(given, model.head());
            data.follow(given);
            int start = model.head().context().config().integer("decoder_start_token_id", 0);
            RecipeData.Prepared prepared = data.prepare(tokenizer, template == null ? ChatTemplate.chatMl() : template,
                    Labels.of(labels), start, model.head().textBackbone().vocabSize(), listener);
            recipe = settled(given, prepared.training());
            Device device = Device.parse(recipe.train().device());
            Objective<Map<String, Tensor>> objective = objective(task, model, device);
            Model trained = objective instanceof DistillationObjective distillation
                    ? distillation.trained()
                    : model.head();
            Optimizer optimizer = optimizer(model, trained);
            open.push(optimizer);
            Supplier<Validation> validation = validation(task, model, tokenizer, data, prepared, objective, device);
            judged = validation != null && recipe.evaluate().every() > 0;
            this.task = new Trainer.Task<>(trained, objective, prepared.training(), optimizer, schedule(),
                    judged ? validation : null, model::save, fingerprint(data));
            trainer = new Trainer<>(this.task, settings());
            trainer.requireSameData(folder);
            var notes = new ArrayList<>(model.notes());
            notes.addAll(resumes ? List.of() : RecipeModel.otherLabels(given, task, labels));
            notes.addAll(data.notes());
            if (given.data().maxLength() < asked.data().maxLength()) {
                notes.add("examples have %,d tokens at most, all that the model has room for".formatted(
                        given.data().maxLength()));
            }
            notes.addAll(prepared.notes());
            notes.addAll(template == null ? List.of() : ChatMarks.notes(template, tokenizer));
            if (judged && recipe.evaluate().metric() != null) {
                // A name that no evaluation gives is told now, not after the first thousand steps.
                trainer.judge();
            }
            double first = trainer.rehearse();
            // The first time includes what happens once; where a step is short, it is taken again.
            double seconds = first < ONCE_SECONDS ? trainer.rehearse() : first;
            long trainedCount = trained.parameters().values().stream().filter(Tensor::requiresGrad)
                    .mapToLong(Tensor::count).sum();
            plan = new RunListener.Plan(task.id(), model.head().parameterCount(), trainedCount,
                    prepared.training().count(), shown(prepared.training(), tokenizer, labels),
                    recipe.train().steps(), seconds, Engine.peakResidentBytes(), recipe.train().precision(),
                    recipe.train().device(), List.copyOf(notes), data.leftOut());
            if (!resumes) {
                tokenizer.save(folder.path());
            }
            recipe.write(folder.path());
            AtomicFile.write(folder.path().resolve(FACTS), facts(data, day).toPrettyString() + "\n");
        } catch (RuntimeException e) {
            closeAll();
            throw e;
        }
    }

    /// Examples are cut to a length that the model has positions for: where nobody said another, to that.
    private static Recipe fitting(Recipe recipe, PretrainedModel head) {
        int room = head.textBackbone().maxPositions();
        Integer target = recipe.data().maxTargetLength();
        boolean unsaid = recipe.data().maxLength() == Recipe.defaults().data().maxLength();
        boolean source = recipe.data().maxLength() > room && !unsaid;
        if (source || target != null && target > room) {
            throw new IllegalArgumentException(
                    "%s is %d, and the model has room for %d tokens; choose a smaller one".formatted(
                            source ? "--max-length" : "--max-target-length",
                            source ? recipe.data().maxLength() : target, room));
        }
        return recipe.data().maxLength() > room ? recipe.with("data.max_length", room) : recipe;
    }

    private static String shown(TrainingBatches lessons, Tokenizer tokenizer, List<String> labels) {
        try (var scope = TensorScope.open()) {
            return ShownExample.of(lessons.batch(0, 0), tokenizer, labels);
        }
    }

    // ---- what the recipe leaves open ----

    /// With places that mean the same from every folder.
    static Recipe absolute(Recipe recipe) {
        Recipe all = recipe.with("data.folder", absolute(recipe.data().folder()));
        for (String key : List.of("model.from", "distill.teacher", "data.cache", "tokenizer.chat_template")) {
            String told = recipe.text(key);
            all = told == null ? all : all.with(key, absolute(told));
        }
        String tokenizer = recipe.tokenizer().from();
        return tokenizer == null || RecipeTokenizer.KINDS.contains(tokenizer)
                ? all
                : all.with("tokenizer.from", absolute(tokenizer));
    }

    private static String absolute(String path) {
        return Path.of(path).toAbsolutePath().normalize().toString();
    }

    private static void checked(Recipe recipe) {
        Recipe.Train train = recipe.train();
        if (train.batch() < 1 || train.microBatches() < 1 || train.batch() % train.microBatches() != 0) {
            throw new IllegalArgumentException("--batch (%d) must be a multiple of --micro-batches (%d)"
                    .formatted(train.batch(), train.microBatches()));
        }
        Double floor = train.minLearningRate();
        if (!(train.learningRate() > 0) || floor != null && (floor < 0 || floor > train.learningRate())) {
            throw new IllegalArgumentException(
                    "--learning-rate (%s) must be above 0 and at least --min-learning-rate (%s)"
                            .formatted(train.learningRate(), floor));
        }
        Double dropout = recipe.model().dropout();
        if (dropout != null && !(dropout >= 0 && dropout < 1)) {
            throw new IllegalArgumentException("--dropout must be at least 0 and below 1, found " + dropout);
        }
        if (!List.of("adamw", "adafactor", "lion", "sgd").contains(train.optimizer())) {
            throw new IllegalArgumentException("Unknown optimizer '" + train.optimizer()
                    + "'; choose adamw, adafactor, lion or sgd");
        }
        if (recipe.adapter().any() && (!train.freeze().isEmpty() || train.freezeLayers() >= 0)) {
            throw new IllegalArgumentException(
                    "With an adapter the whole base is frozen already; leave out --freeze and --freeze-layers");
        }
        if (recipe.adapter().any() && recipe.checkpoints().average() > 1) {
            throw new IllegalArgumentException(
                    "Checkpoints of adapters are not averaged; leave out checkpoints.average, or use --average-weights");
        }
        if (recipe.data().maxLength() < 1) {
            throw new IllegalArgumentException(
                    "--max-length must be 1 or more, found " + recipe.data().maxLength());
        }
    }

    /// With everything decided that depends on data or machine.
    private static Recipe settled(Recipe recipe, TrainingBatches lessons) {
        Recipe.Train train = recipe.train();
        Recipe all = recipe;
        Double epochs = train.epochs();
        if (epochs != null) {
            if (lessons.stepsPerEpoch() == 0) {
                throw new IllegalArgumentException("Windows anywhere in a text make no epochs; say --steps");
            }
            all = all.with("train.steps", Math.max(1, Math.round(epochs * lessons.stepsPerEpoch())));
        }
        long steps = all.train().steps();
        if (train.minLearningRate() == null) {
            all = all.with("train.min_learning_rate", train.learningRate() / 10);
        }
        if (train.warmup() == null) {
            all = all.with("train.warmup", steps / 20);
        }
        if (train.precision().equals("auto")) {
            all = all.with("train.precision",
                    Engine.fastBfloat16(Device.parse(train.device())) ? "bfloat16" : "float32");
        }
        return train.threads() == null ? all.with("train.threads", Engine.threads()) : all;
    }

    private Settings settings() {
        Recipe.Train train = recipe.train();
        return Settings.of(train.steps()).withMicroBatches(train.microBatches()).withClipNorm(train.clip())
                .withPrecision(DType.parse(train.precision()))
                .withActivations(train.recompute() ? Activations.RECOMPUTED : Activations.KEPT)
                .withEvaluation(recipe.evaluate().every(), recipe.evaluate().patience())
                .withCheckpoints(recipe.checkpoints().every(),
                        Math.max(recipe.checkpoints().keep(), recipe.checkpoints().average()))
                .withLogEvery(train.logEvery()).withSeed(train.seed()).withDevice(Device.parse(train.device()));
    }

    private Schedule schedule() {
        Recipe.Train train = recipe.train();
        return Schedule.parse(train.schedule(), train.learningRate(), Objects.requireNonNull(train.minLearningRate()),
                Objects.requireNonNull(train.warmup()), train.steps());
    }

    private Optimizer optimizer(RecipeModel model, Model trained) {
        Recipe.Train train = recipe.train();
        WeightRule rule = WeightRule.matrices(train.weightDecay());
        for (var rate : train.rates().entrySet()) {
            rule = rule.withRate(rate.getKey(), rate.getValue());
        }
        Map<String, Tensor> weights = trained.parameters();
        if (train.layerRate() != 1) {
            rule = rule.layerwise(Layers.depths(weights.keySet()), train.layerRate());
        }
        Optimizer optimizer = switch (train.optimizer()) {
            case "sgd" -> Optimizer.sgd(weights, train.momentum(), rule);
            case "lion" -> Optimizer.lion(weights, train.beta1(), train.beta2(), rule);
            case "adafactor" -> Optimizer.adafactor(weights, Adafactor.Numbers.scheduled(), rule);
            default -> Optimizer.adamW(weights, train.beta1(), train.beta2(), train.epsilon(), rule);
        };
        return train.averageWeights() > 0 ? optimizer.averaging(weights, train.averageWeights()) : optimizer;
    }

    // ---- what is minimised, and how it is judged ----

    private Objective<Map<String, Tensor>> objective(TrainingTask task, RecipeModel model, Device device) {
        Recipe.ObjectivePart part = recipe.objective();
        PretrainedModel head = model.head();
        String teacher = recipe.distill().teacher();
        if (teacher != null) {
            return distillation(task, model, Path.of(teacher), device);
        }
        return switch (task) {
            case SENTENCE_SIMILARITY -> new ContrastiveObjective(head,
                    Choice.of(ContrastiveObjective.Pooling.class, "objective.pooling", part.pooling()),
                    part.temperature(), device);
            case PREFERENCE -> {
                PretrainedModel reference = RecipeModel.grown(
                        Models.load(Path.of(Objects.requireNonNull(recipe.model().from(),
                                "Preferences need a model to start from; name its folder with --model")),
                                HeadSpec.of(HeadKind.CAUSAL_LANGUAGE), Loading.in(DType.FLOAT32).on(device)),
                        recipe, model.tokenizer());
                open.push(reference);
                yield new PreferenceObjective(head, reference, part.beta(), device);
            }
            default -> new TaskObjective(head, part.labelSmoothing(), device);
        };
    }

    private DistillationObjective distillation(TrainingTask task, RecipeModel model, Path folder, Device device) {
        Recipe.Distill distill = recipe.distill();
        PretrainedModel student = model.head();
        requireSameTokens(model.tokenizer(), folder);
        PretrainedModel teacher = Models.load(folder, HeadSpec.of(task.head()), Loading.in(DType.FLOAT32).on(device));
        open.push(teacher);
        ObjectNode small = student.context().config().node();
        ObjectNode large = teacher.context().config().node();
        boolean inside = distill.hidden() + distill.attention() > 0;
        int width = ConfigNames.width(small);
        if (inside && distill.hidden() > 0 && width != ConfigNames.width(large)) {
            throw new IllegalArgumentException(
                    "The student is %d wide, the teacher %d: hidden states cannot be compared; leave distill.hidden at 0"
                            .formatted(width, ConfigNames.width(large)));
        }
        return new DistillationObjective(student, teacher,
                new DistillationObjective.Weighting(distill.hard(), distill.soft(), distill.hidden(),
                        distill.attention(), distill.temperature()),
                inside
                        ? DistillationObjective.Pair.evenly(ConfigNames.layers(small), ConfigNames.layers(large))
                        : List.of(),
                device);
    }

    /// Both read the same ids, so these must mean the same to both.
    private static void requireSameTokens(Tokenizer student, Path teacher) {
        Tokenizer its = Tokenizers.load(teacher);
        for (int id = 0; id < Math.max(student.vocabSize(), its.vocabSize()); id++) {
            if (!Objects.equals(student.token(id), its.token(id))) {
                throw new IllegalArgumentException(
                        "The teacher in %s has another vocabulary than the student: token %d is %s there, %s here; give the student the teacher's with --tokenizer %s"
                                .formatted(teacher, id, quoted(its.token(id)), quoted(student.token(id)), teacher));
            }
        }
    }

    private static String quoted(@Nullable String token) {
        return token == null ? "none" : '"' + token + '"';
    }

    private @Nullable Supplier<Validation> validation(TrainingTask task, RecipeModel model, Tokenizer tokenizer,
            RecipeData data, RecipeData.Prepared prepared, Objective<Map<String, Tensor>> objective, Device device) {
        Tokens held = prepared.held();
        if (held != null) {
            var windows = new TokenWindows(held, recipe.train().batch(), recipe.data().maxLength());
            return () -> Validation.loss(CausalEvaluation.score((LanguageModel) model.head(), windows, device).loss());
        }
        Rows rows = data.heldRows();
        if (rows == null || !task.measured()) {
            TrainingBatches lessons = prepared.validation();
            return lessons == null ? null : () -> Validation.loss(loss(lessons, objective));
        }
        Assessment assessment = Assessment.of(model.head(), tokenizer, rows,
                assessmentSettings(recipe, task, model.head(), tokenizer));
        return () -> validation(assessment.report());
    }

    /// How a recipe's model is scored.
    static AssessmentSettings assessmentSettings(Recipe recipe, TrainingTask task, PretrainedModel head,
            Tokenizer tokenizer) {
        Recipe.Evaluate evaluate = recipe.evaluate();
        AssessmentSettings usual = AssessmentSettings.usual(UsualMetrics.of(task.metrics()), head, tokenizer)
                .withMaxLength(recipe.data().maxLength()).withPrefix(recipe.data().sourcePrefix())
                .withAnswers(RecipeData.stride(recipe), 30)
                .withMasks(recipe.objective().maskShare(), recipe.train().seed());
        return usual.withGeneration(usual.generation().withNumBeams(evaluate.beams())
                .withLengthPenalty(evaluate.lengthPenalty()).withMaxNewTokens(evaluate.maxNewTokens()));
    }

    private Validation validation(Report report) {
        String told = recipe.evaluate().metric();
        String metric = told == null ? report.values().keySet().iterator().next() : told;
        return new Validation(metric, UsualMetrics.higherIsBetter(metric), report.values());
    }

    /// The mean over everything that counts in the held-out examples.
    private static double loss(TrainingBatches lessons, Objective<Map<String, Tensor>> objective) {
        var sum = new LossSum();
        for (long step = 0; step < lessons.stepsPerEpoch(); step++) {
            try (var scope = TensorScope.open()) {
                sum.add(objective.loss(lessons.batch(step, 0), ForwardPass.plain()));
            }
        }
        return sum.mean();
    }

    // ---- what the folder keeps ----

    private String fingerprint(RecipeData data) {
        Recipe.Train train = recipe.train();
        return "%s batch %d tokens %d parts %d seed %d".formatted(data.fingerprint(), train.batch(),
                train.batchTokens(), train.microBatches(), train.seed());
    }

    /// The day that chat templates write, also when the run goes on on another.
    private static LocalDate begun(Path run) {
        Path file = run.resolve(FACTS);
        String day = Files.exists(file) ? Json.read(file).text("begun", "") : "";
        return day.isEmpty() ? LocalDate.now() : LocalDate.parse(day);
    }

    private ObjectNode facts(RecipeData data, LocalDate day) {
        ObjectNode facts = Json.object().put("weft", Weft.version()).put("begun", day.toString());
        Engine.describe().forEach(facts::put);
        facts.put("data", data.fingerprint()).put("examples", plan.examples()).put("rows_left_out", data.leftOut())
                .put("parameters", plan.parameters())
                .put("trained_parameters", plan.trained()).put("example", plan.example());
        plan.notes().forEach(facts.putArray("notes")::add);
        return facts;
    }

    /// What the run is about to do.
    public RunListener.Plan plan() {
        return plan;
    }

    /// Whether anything is held out to judge the model by.
    boolean judged() {
        return judged;
    }

    /// The recipe with everything settled, as the run folder has it.
    public Recipe recipe() {
        return recipe;
    }

    /// Raises the learning rate from `from` to `to` over the run's steps and writes `learning-rate.svg`; the model stays as it
    /// was, and the run can begin afterwards.
    public RateRangeTest rangeTest(double from, double to) {
        RateRangeTest test = RateRangeTest.run(task, settings(), from, to);
        AtomicFile.write(folder.path().resolve("learning-rate.svg"), test.svg());
        return test;
    }

    /// Trains to the end. Afterwards the folder holds the best model, or the mean of the last checkpoints where the recipe says
    /// so.
    public Trainer.Result run() {
        return run(recipe.train().steps());
    }

    /// The same as far as step `until`; the schedule stays that of all steps.
    Trainer.Result run(long until) {
        listener.planned(plan);
        Trainer.Result result = trainer.run(folder, listener, until);
        int average = recipe.checkpoints().average();
        if (average > 1 && result.end() != Trainer.End.STOPPED) {
            CheckpointAverage.write(folder.path(), Math.min(average, folder.count()), folder.path());
        }
        return result;
    }

    /// Asks the run to write a checkpoint and return after the step at hand; from any thread.
    public void stop() {
        trainer.stop();
    }

    private void closeAll() {
        while (!open.isEmpty()) {
            try {
                open.pop().close();
            } catch (Exception e) {
                throw new IllegalStateException(e.getMessage(), e);
            }
        }
    }

    @Override
    public void close() {
        closeAll();
        folder.close();
    }
}
