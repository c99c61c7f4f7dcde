package dev.weft.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.adapt.Adapted;
import dev.weft.checkpoint.Json;
import dev.weft.models.Models;
import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.HeadSpec;
import dev.weft.run.Tokenizers;
import dev.weft.tensor.TensorScope;
import dev.weft.train.RunFolder;
import dev.weft.train.Trainer;
import dev.weft.train.TrainingListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Every task is trained for a few steps, from its data to its model folder, and goes on where it stopped.
class RecipeRunTest {
    private static final List<String> GOOD = List.of("good", "fine", "lovely");
    private static final List<String> BAD = List.of("bad", "dull", "awful");

    @TempDir
    static Path data;

    private static final String TINY = """
            model: {layers: 2, hidden: 32, heads: 2}
            data: {max_length: 24, cache: CACHE, dev_share: 0.25}
            train: {steps: 6, batch: 8, batch_tokens: 128, learning_rate: 1e-3, precision: float32, threads: 1, seed: 3}
            evaluate: {every: 3, max_new_tokens: 4, beams: 2}
            checkpoints: {every: 3, keep: 9}
            """;

    /// For each task what is trained, and on which data.
    private static final Map<String, String> TASKS = new LinkedHashMap<>();

    static {
        TASKS.put("text-generation", "{model: {config: {model_type: gpt2}}, data: {train: plain.txt}}");
        TASKS.put("chat", "{model: {config: {model_type: llama}}, data: {train: chat.jsonl, max_length: 64}}");
        TASKS.put("fill-mask",
                "{model: {config: {model_type: bert}}, tokenizer: {from: wordpiece}, data: {train: plain.txt}, objective: {whole_words: true}}");
        TASKS.put("pretraining",
                "{model: {config: {model_type: bert}}, tokenizer: {from: wordpiece}, data: {train: documents.txt}}");
        TASKS.put("text-classification",
                "{model: {config: {model_type: bert}}, tokenizer: {from: wordpiece}, data: {train: rated.tsv, columns: {text: sentence}}}");
        TASKS.put("multi-label-classification",
                "{model: {config: {model_type: distilbert}}, tokenizer: {from: wordpiece}, data: {train: several.jsonl}}");
        TASKS.put("regression",
                "{model: {config: {model_type: bert}}, tokenizer: {from: wordpiece}, data: {train: scored.csv}}");
        TASKS.put("token-classification",
                "{model: {config: {model_type: roformer}}, tokenizer: {from: wordpiece}, data: {train: tagged.conll}}");
        TASKS.put("question-answering",
                "{model: {config: {model_type: bert}}, tokenizer: {from: wordpiece}, data: {train: squad.json}}");
        TASKS.put("multiple-choice",
                "{model: {config: {model_type: bert}}, tokenizer: {from: wordpiece}, data: {train: choices.jsonl}}");
        TASKS.put("translation",
                "{model: {config: {model_type: bart}}, tokenizer: {from: unigram}, data: {train: left.txt, train_target: right.txt}, objective: {label_smoothing: 0.1}}");
        TASKS.put("summarization",
                "{model: {config: {model_type: t5, d_kv: 16}}, tokenizer: {from: unigram}, data: {train: pairs.jsonl, source_prefix: 'sum: '}}");
        TASKS.put("text2text-generation",
                "{model: {config: {model_type: marian}}, tokenizer: {from: unigram}, data: {train: pairs.jsonl}}");
        TASKS.put("sentence-similarity",
                "{model: {config: {model_type: bert}}, tokenizer: {from: wordpiece}, data: {train: similar.jsonl}}");
    }

    @BeforeAll
    static void write() throws IOException {
        var random = new SplittableRandom(7);
        var rated = new ArrayList<String>();
        var lines = new ArrayList<String>();
        for (int i = 0; i < 60; i++) {
            boolean good = i % 2 == 0;
            List<String> words = good ? GOOD : BAD;
            String line = "film %d was %s and %s".formatted(i, words.get(random.nextInt(3)),
                    words.get(random.nextInt(3)));
            lines.add(line);
            rated.add(line + "\t" + (good ? "yes" : "no"));
        }
        put("plain.txt", lines);
        put("left.txt", lines);
        put("right.txt", lines.stream().map(line -> line.replace("was", "war")).toList());
        put("rated.tsv", prepend("sentence\tlabel", rated));
        put("scored.csv", prepend("text,label", rated.stream().map(line -> line.replace('\t', ',')
                .replace("yes", "1.5").replace("no", "-0.5")).toList()));
        put("documents.txt", IntStream.range(0, 60).mapToObj(i -> i % 6 == 5 ? "" : lines.get(i)).toList());
        put("several.jsonl", lines.stream().map(line -> "{\"text\": \"%s\", \"labels\": [%s]}".formatted(line,
                GOOD.stream().filter(line::contains).map(word -> '"' + word + '"')
                        .collect(Collectors.joining(", "))))
                .toList());
        put("tagged.conll", lines.stream().map(line -> Arrays.stream(line.split(" "))
                .map(word -> word + "\t" + (GOOD.contains(word) ? "B-GOOD" : "O")).collect(Collectors.joining("\n"))
                + "\n").toList());
        put("chat.jsonl", lines.stream().map(line -> """
                {"messages": [{"role": "user", "content": "say"}, {"role": "assistant", "content": "%s"}]}"""
                .formatted(line)).toList());
        put("preference.jsonl", lines.stream().map(line -> """
                {"prompt": "say", "chosen": "%s", "rejected": "nothing"}""".formatted(line)).toList());
        put("pairs.jsonl", lines.stream().map(line -> """
                {"source": "%s", "target": "%s"}""".formatted(line, line.substring(0, 6))).toList());
        put("similar.jsonl", lines.stream().map(line -> """
                {"anchor": "%s", "positive": "%s"}""".formatted(line, line.replace("film", "movie"))).toList());
        put("choices.jsonl", lines.stream().map(line -> """
                {"text": "%s", "choices": ["good", "bad"], "label": %d}""".formatted(line,
                GOOD.stream().anyMatch(line::contains) ? 0 : 1)).toList());
        put("squad.json", List.of("{\"data\": [{\"title\": \"films\", \"paragraphs\": [%s]}]}".formatted(
                IntStream.range(0, lines.size()).mapToObj(i -> """
                        {"context": "%s", "qas": [{"id": "q%d", "question": "which film?",
                         "answers": [{"text": "film", "answer_start": 0}]}]}""".formatted(lines.get(i), i))
                        .collect(Collectors.joining(",")))));
    }

    private static List<String> prepend(String first, List<String> rest) {
        var all = new ArrayList<>(List.of(first));
        all.addAll(rest);
        return all;
    }

    private static void put(String name, List<String> lines) throws IOException {
        Files.write(data.resolve(name), lines);
    }

    private static Recipe recipe(String task) {
        return Recipe.defaults().overlaid(TINY.replace("CACHE", data.resolve("cache").toString()), "tiny")
                .with("task", task).with("data.folder", data.toString())
                .with("tokenizer.vocab_size",
                        List.of("text-generation", "chat", "preference").contains(task) ? 300 : 90)
                .overlaid(TASKS.getOrDefault(task, "{}"), task);
    }

    private static Trainer.Result run(Recipe recipe, Path folder) {
        try (var run = RecipeRun.start(recipe, folder, RunListener.SILENT)) {
            return run.run();
        }
    }

    private static Trainer.Result resume(Path folder, Map<String, Object> changes) {
        try (var run = RecipeRun.resume(folder, changes, RunListener.SILENT)) {
            return run.run();
        }
    }

    static List<String> tasks() {
        return List.copyOf(TASKS.keySet());
    }

    @ParameterizedTest
    @MethodSource("tasks")
    void a_task_is_trained_judged_and_resumed_to_the_same_losses(String task, @TempDir Path folder)
            throws IOException {
        Recipe recipe = recipe(task);
        Path whole = folder.resolve("whole");
        Path halves = folder.resolve("halves");

        Trainer.Result result = run(recipe, whole);
        run(recipe.with("train.steps", 3).with("train.schedule", "constant").with("train.warmup", 0), halves);
        resume(halves, Map.of("train.steps", 6));
        run(recipe.with("train.schedule", "constant").with("train.warmup", 0), folder.resolve("constant"));

        assertThat(result.step()).isEqualTo(6);
        assertThat(result.lastLoss()).isFinite();
        assertThat(result.best()).isNotNaN();
        assertThat(weights(halves)).isEqualTo(weights(folder.resolve("constant")));
        try (var model = Models.load(whole)) {
            assertThat(HeadKind.of(Models.architecture(model.context().config())))
                    .isEqualTo(TrainingTask.of(task).head());
            assertThat(Tokenizers.load(whole).vocabSize()).isEqualTo(model.textBackbone().vocabSize());
        }
        assertThat(Recipe.read(whole.resolve(Recipe.FILE)).train().warmup()).isZero();
        assertThat(whole.resolve(RecipeRun.FACTS)).content().contains("\"data\"", "libtorch", "\"example\"");
        assertThat(whole.resolve("loss.svg")).isRegularFile();
    }

    /// Of the newest checkpoint, as a list that compares exactly.
    private static List<Float> weights(Path run) {
        try (var scope = TensorScope.open(); var model = Models.load(RunFolder.latestIn(run).orElseThrow())) {
            var all = new ArrayList<Float>();
            model.parameters().values().forEach(weight -> {
                for (float number : weight.toFloats()) {
                    all.add(number);
                }
            });
            return all;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"adamw", "adafactor", "lion", "sgd"})
    void an_optimizer_is_chosen_by_its_name(String optimizer, @TempDir Path folder) {
        Recipe recipe = recipe("text-classification").with("train.optimizer", optimizer)
                .with("train.average_weights", 0.9).with("train.layer_rate", 0.8)
                .with("train.rates", "{\"^classifier\": 10}").with("train.micro_batches", 2)
                .with("train.schedule", "one-cycle");

        assertThat(run(recipe, folder).lastLoss()).isFinite();
    }

    @Test
    void an_adapter_is_trained_over_a_model_that_stays_and_goes_on_where_it_stopped(@TempDir Path folder) {
        Path base = folder.resolve("base");
        run(recipe("text-generation").with("data.max_length", 128), base);
        List<Float> before = weights(base);
        Recipe recipe = recipe("chat").with("model.from", base.toString()).with("model.layers", null)
                .with("model.hidden", null).with("model.heads", null).with("adapter.lora", "rank=2,alpha=4")
                .with("train.schedule", "constant").with("train.warmup", 0).with("data.max_length", 128)
                .with("tokenizer.from", base.toString());

        run(recipe, folder.resolve("whole"));
        run(recipe.with("train.steps", 3), folder.resolve("halves"));
        resume(folder.resolve("halves"), Map.of("train.steps", 6));

        assertThat(weights(base)).isEqualTo(before);
        assertThat(adapter(base, folder.resolve("halves"))).isEqualTo(adapter(base, folder.resolve("whole")))
                .anyMatch(number -> number != 0);
        assertThat(folder.resolve("whole").resolve("chat_template.jinja")).isRegularFile();
    }

    @ParameterizedTest
    @ValueSource(strings = {"prompt_tokens", "prefix_tokens"})
    void a_few_vectors_before_every_text_are_trained(String kind, @TempDir Path folder) {
        Path base = folder.resolve("base");
        run(recipe("text-generation").with("data.max_length", 128), base);
        Recipe recipe = recipe("chat").with("model.from", base.toString()).with("model.layers", null)
                .with("model.hidden", null).with("model.heads", null).with("adapter." + kind, 4)
                .with("data.max_length", 100).with("tokenizer.from", base.toString());

        try (var run = RecipeRun.start(recipe, folder.resolve("tuned"), RunListener.SILENT)) {
            assertThat(run.plan().trained()).isLessThan(run.plan().parameters() / 10);
            assertThat(run.run().lastLoss()).isFinite();
        }

        assertThat(adapter(base, folder.resolve("tuned"))).anyMatch(number -> number != 0);
    }

    @Test
    void tokens_that_are_added_get_rows_and_an_adapter_brings_them(@TempDir Path folder) {
        Path base = folder.resolve("base");
        run(recipe("text-generation").with("data.max_length", 128), base);
        Recipe recipe = recipe("chat").with("model.from", base.toString()).with("model.layers", null)
                .with("model.hidden", null).with("model.heads", null).with("data.max_length", 100)
                .with("model.added_tokens", "<|im_start|>,<|im_end|>");

        run(recipe, folder.resolve("whole"));
        run(recipe.with("adapter.lora", "rank=2"), folder.resolve("adapted"));

        int before = Tokenizers.load(base).vocabSize();
        try (var model = Models.load(folder.resolve("whole"));
                var plain = Models.load(base, HeadSpec.causalLanguage());
                var adapted = Adapted.load(plain, folder.resolve("adapted"))) {
            assertThat(Tokenizers.load(folder.resolve("whole")).vocabSize()).isEqualTo(before + 2);
            assertThat(model.textBackbone().vocabSize()).isEqualTo(before + 2);
            assertThat(adapted.model().textBackbone().vocabSize()).isEqualTo(before + 2);
        }
    }

    @Test
    void an_adapter_remembers_the_names_of_its_labels(@TempDir Path folder) {
        Path base = folder.resolve("base");
        run(recipe("fill-mask"), base);
        run(recipe("text-classification").with("model.from", base.toString()).with("model.layers", null)
                .with("model.hidden", null).with("model.heads", null).with("tokenizer.from", null)
                .with("adapter.lora", "rank=2"), folder.resolve("tuned"));

        try (var opened = Adapted.base(base, folder.resolve("tuned"))) {
            assertThat(opened.context().labelNames()).containsExactly("no", "yes");
        }
    }

    @Test
    void a_range_test_draws_the_loss_over_the_learning_rate(@TempDir Path folder) {
        try (var run = RecipeRun.start(recipe("text-classification").with("train.steps", 30), folder,
                RunListener.SILENT)) {
            assertThat(run.rangeTest(1e-5, 1).points()).hasSizeGreaterThan(10);
        }
        assertThat(folder.resolve("learning-rate.svg")).isRegularFile();
    }

    private static List<Float> adapter(Path base, Path run) {
        try (var scope = TensorScope.open();
                var model = Models.load(base, HeadSpec.causalLanguage());
                var adapted = Adapted.load(model, RunFolder.latestIn(run).orElseThrow())) {
            var all = new ArrayList<Float>();
            adapted.parameters().values().forEach(weight -> {
                for (float number : weight.toFloats()) {
                    all.add(number);
                }
            });
            return all;
        }
    }

    @Test
    void answers_that_are_liked_better_become_likelier(@TempDir Path folder) {
        Path base = folder.resolve("base");
        run(recipe("text-generation").with("data.max_length", 128), base);

        Trainer.Result result = run(recipe("preference").with("model.from", base.toString())
                .with("model.layers", null).with("model.hidden", null).with("model.heads", null)
                .with("data.train", "preference.jsonl").with("data.max_length", 128)
                .with("tokenizer.from", base.toString()),
                folder.resolve("liked"));

        // log 2 is where both are as likely as before.
        assertThat(result.best()).isLessThan(Math.log(2));
    }

    @Test
    void a_student_is_cut_from_its_teacher_and_learns_from_it(@TempDir Path folder) {
        Path teacher = folder.resolve("teacher");
        run(recipe("text-classification").with("model.layers", 4), teacher);

        run(recipe("text-classification").with("model.from", teacher.toString()).with("model.hidden", null)
                .with("model.heads", null).with("distill.teacher", teacher.toString()).with("distill.hidden", 0.1)
                .with("distill.attention", 0.1).with("tokenizer.from", teacher.toString()),
                folder.resolve("student"));

        try (var small = Models.load(folder.resolve("student")); var large = Models.load(teacher)) {
            assertThat(small.parameterCount()).isLessThan(large.parameterCount());
            assertThat(small.context().config().integer("num_hidden_layers")).isEqualTo(2);
            assertThat(small.context().labelNames()).containsExactly("no", "yes");
        }
    }

    @Test
    void lower_blocks_stay_as_they_are_where_they_are_frozen(@TempDir Path folder) {
        Path base = folder.resolve("base");
        run(recipe("fill-mask"), base);
        run(recipe("text-classification").with("model.from", base.toString()).with("model.layers", null)
                .with("model.hidden", null).with("model.heads", null).with("train.freeze_layers", 1)
                .with("model.dropout", 0.3)
                .with("tokenizer.from", null), folder.resolve("tuned"));

        try (var scope = TensorScope.open();
                var before = Models.load(base);
                var after = Models.load(folder.resolve("tuned"))) {
            var old = before.parameters();
            after.parameters().forEach((name, weight) -> {
                if (name.contains(".layer.0.") || name.contains("embeddings.word")) {
                    assertThat(weight.toFloats()).as(name).isEqualTo(old.get(name).toFloats());
                }
            });
            assertThat(after.context().config().number("hidden_dropout_prob", 0)).isEqualTo(0.3);
            assertThat(after.parameters().get("bert.encoder.layer.1.output.dense.weight").toFloats())
                    .isNotEqualTo(old.get("bert.encoder.layer.1.output.dense.weight").toFloats());
        }
    }

    @Test
    void packed_conversations_and_spans_and_noise_are_learned_too(@TempDir Path folder) throws IOException {
        assertThat(run(recipe("chat").with("data.packed", "true").with("data.max_length", 128),
                folder.resolve("packed")).lastLoss()).isFinite();
        assertThat(run(recipe("fill-mask").with("data.examples", "windows"), folder.resolve("windows")).lastLoss())
                .isFinite();
        assertThat(run(recipe("text-generation").with("data.examples", "lines"), folder.resolve("lines")).best())
                .isNotNaN();
    }

    @Test
    void the_mean_of_the_last_checkpoints_can_be_handed_out(@TempDir Path folder) {
        run(recipe("text-classification").with("checkpoints.every", 2).with("checkpoints.average", 2), folder);

        List<Path> last = List.of(folder.resolve("checkpoints/step-00000004"),
                folder.resolve("checkpoints/step-00000006"));
        try (var scope = TensorScope.open();
                var mean = Models.load(folder);
                var one = Models.load(last.getFirst());
                var other = Models.load(last.getLast())) {
            String name = "classifier.weight";
            float[] expected = one.parameters().get(name).add(other.parameters().get(name)).div(2).toFloats();
            assertThat(mean.parameters().get(name).toFloats()).containsExactly(expected,
                    within(1e-7f));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"text-classification", "translation", "adapter"})
    void a_long_run_keeps_no_tensors(String kind, @TempDir Path folder) {
        boolean adapts = kind.equals("adapter");
        Recipe recipe = recipe(adapts ? "text-classification" : kind).with("train.steps", 150)
                .with("evaluate.every", 25).with("evaluate.rows", 4).with("checkpoints.every", 50);
        if (adapts) {
            Path base = folder.resolve("base");
            run(recipe("text-classification"), base);
            recipe = recipe.with("model.from", base.toString()).with("model.layers", null).with("model.hidden", null)
                    .with("model.heads", null).with("tokenizer.from", null).with("adapter.lora", "rank=2,dropout=0.1");
        }
        var live = new LinkedHashMap<Long, Long>();
        long before = TensorScope.liveTensors();

        try (var run = RecipeRun.start(recipe, folder.resolve("run"), new RunListener() {
            @Override
            public void step(TrainingListener.Step step) {
                live.put(step.step(), TensorScope.liveTensors());
            }
        })) {
            run.run();
        }

        assertThat(live).hasSize(150);
        // What earlier tests left to the garbage collector may go meanwhile.
        assertThat(live.get(150L)).isLessThanOrEqualTo(live.get(50L));
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
    }

    @Test
    void what_cannot_be_followed_is_refused_before_anything_is_written(@TempDir Path folder) {
        assertThatThrownBy(() -> run(recipe("text-classification").with("data.columns.text", "satz"), folder))
                .hasMessageContaining("there is no column \"satz\"; the columns are sentence, label");
        assertThatThrownBy(() -> run(recipe("text-classification").with("data.columns.text", null), folder))
                .hasMessageContaining("needs a column \"text\"; the columns are sentence, label; say which it is "
                        + "with --text-column NAME");
        assertThatThrownBy(() -> run(recipe("text-classification").with("data.train", "nowhere.tsv"), folder))
                .hasMessageContaining("nowhere.tsv");
        assertThatThrownBy(() -> run(recipe("poetry"), folder)).hasMessageContaining("There is no task poetry");
        assertThatThrownBy(() -> run(recipe("chat").with("adapter.lora", "rank=2"), folder))
                .hasMessageContaining("An adapter needs a model to stand on");
        assertThatThrownBy(() -> run(recipe("text-generation").with("train.learning_rate", 0), folder))
                .hasMessageContaining("--learning-rate (0.0) must be above 0");
        assertThatThrownBy(() -> run(recipe("text-generation").with("train.batch", 3).with("train.micro_batches", 2),
                folder)).hasMessageContaining("--batch (3) must be a multiple of --micro-batches (2)");
        assertThatThrownBy(() -> run(recipe("text-classification").with("data.examples", "windows"), folder))
                .hasMessageContaining("Windows of a long text do not teach text-classification");

        assertThatThrownBy(() -> run(recipe("text-classification").with("evaluate.metric", "beauty"), folder))
                .hasMessageContaining("The evaluation gave no beauty; it gave [accuracy, ");

        assertThat(folder).doesNotExist();
    }

    @Test
    void a_run_goes_on_as_it_was_begun(@TempDir Path folder) throws IOException {
        run(recipe("text-classification"), folder);

        assertThatThrownBy(() -> run(recipe("text-classification"), folder))
                .hasMessageContaining("already holds a run; go on with --resume");
        assertThatThrownBy(() -> resume(folder, Map.of("model.layers", 3)))
                .hasMessageContaining("model.layers cannot change in a run that goes on");
        assertThatThrownBy(() -> resume(folder.resolve("nothing"), Map.of()))
                .hasMessageContaining("holds no run to resume: there is no recipe.yaml in it");
        Files.writeString(data.resolve("rated.tsv"), Files.readString(data.resolve("rated.tsv")) + "one more\tyes\n");
        try {
            assertThatThrownBy(() -> resume(folder, Map.of("train.steps", 9)))
                    .hasMessageContaining("was trained on other data");
        } finally {
            write();
        }
    }

    @Test
    void rows_on_both_sides_are_counted(@TempDir Path folder) throws IOException {
        put("dev.tsv", List.of("sentence\tlabel", Files.readAllLines(data.resolve("rated.tsv")).get(1), "new\tno"));
        try (var run = RecipeRun.start(recipe("text-classification").with("data.dev", "dev.tsv"), folder,
                RunListener.SILENT)) {
            assertThat(run.plan().notes())
                    .contains("1 of 2 rows that are held out also stand in the training data (text)");
            assertThat(run.plan().example()).matches(".*film.*→ «(yes|no)»");
            assertThat(run.plan().trained()).isEqualTo(run.plan().parameters());
        }
    }

    @Test
    void a_label_that_training_had_not_is_told_with_its_row(@TempDir Path folder) throws IOException {
        put("odd.tsv", List.of("sentence\tlabel", "new\tperhaps"));
        assertThatThrownBy(() -> run(recipe("text-classification").with("data.dev", "odd.tsv"), folder))
                .hasMessageContaining("odd.tsv, line 2").hasMessageContaining("perhaps");
    }

    @Test
    void a_metric_that_is_undefined_is_null_in_the_log_and_the_run_ends_and_goes_on(@TempDir Path folder)
            throws IOException {
        put("constant.csv", List.of("text,label", "film one,0.4", "film two,0.4"));
        var found = new ArrayList<TrainingListener.Evaluation>();
        Recipe recipe = recipe("regression").with("data.dev", "constant.csv");
        try (var run = RecipeRun.start(recipe, folder, new RunListener() {
            @Override
            public void evaluated(Evaluation evaluation) {
                found.add(evaluation);
            }
        })) {
            assertThat(run.run().best()).isNaN();
        }

        assertThat(found).hasSize(2).noneMatch(each -> each.best() || each.found().defined());
        assertThat(folder.resolve("metrics.jsonl")).content().contains("\"validation_pearson\":null")
                .doesNotContain("NaN");
        assertThat(resume(folder, Map.of("train.steps", 9)).step()).isEqualTo(9);
        try (var model = Models.load(folder)) {
            assertThat(model.parameterCount()).isPositive();
        }
    }

    @Test
    void a_template_from_a_file_has_the_special_tokens_of_the_tokenizer(@TempDir Path folder) throws IOException {
        run(recipe("chat"), folder.resolve("base"));
        Files.writeString(folder.resolve("own.jinja"),
                "{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}");
        Files.writeString(folder.resolve("odd.jinja"),
                "{{ pad_token }}{% for m in messages %}{{ m.content }}{% endfor %}");
        Recipe recipe = recipe("chat").with("model.from", folder.resolve("base").toString()).overlaid(
                "model: {layers: null, hidden: null, heads: null}", "base")
                .with("tokenizer.chat_template", folder.resolve("own.jinja").toString());
        try (var run = RecipeRun.start(recipe, folder.resolve("run"), RunListener.SILENT)) {
            assertThat(run.plan().example()).contains("<|im_end|>»");
            assertThat(run.plan().notes()).isEmpty();
        }
        try (var run = RecipeRun.start(
                recipe.with("tokenizer.chat_template", folder.resolve("odd.jinja").toString()),
                folder.resolve("odd"), RunListener.SILENT)) {
            assertThat(run.plan().notes()).anyMatch(note -> note.contains("writes no special token behind an answer"))
                    .anyMatch(note -> note.contains("writes pad_token, and the tokenizer names none"));
        }
    }

    @Test
    void a_base_model_that_learns_to_converse_gets_the_marks_as_tokens_and_stops_at_them(@TempDir Path folder)
            throws IOException {
        Path base = folder.resolve("base");
        run(recipe("text-generation").with("model.config", Map.of("model_type", "llama")).with("data.max_length", 64),
                base);
        int before = Tokenizers.load(base).vocabSize();
        int oldEnd = Tokenizers.load(base).id("<|endoftext|>").orElseThrow();
        Recipe recipe = recipe("chat").with("model.from", base.toString())
                .overlaid("model: {layers: null, hidden: null, heads: null}", "base");
        for (String task : List.of("chat", "preference")) {
            Path out = folder.resolve(task);
            run(recipe.with("task", task).with("data.train", task + ".jsonl"), out);
            var tokenizer = Tokenizers.load(out);
            int end = tokenizer.id("<|im_end|>").orElseThrow();
            assertThat(tokenizer.vocabSize()).isEqualTo(before + 2);
            assertThat(tokenizer.encode("<|im_start|>", false).ids()).hasSize(1);
            for (String file : List.of("config.json", "generation_config.json")) {
                assertThat(Json.read(out.resolve(file)).integers("eos_token_id")).containsExactly(end, oldEnd);
            }
        }
        resume(folder.resolve("chat"), Map.of("train.steps", 9));
        Recipe adapter = recipe.with("adapter.lora", "rank=2");
        try (var run = RecipeRun.start(adapter, folder.resolve("noted"), RunListener.SILENT)) {
            assertThat(run.plan().notes()).anyMatch(note -> note.contains("--add-token <|im_start|> <|im_end|>"));
        }
        run(adapter.with("model.added_tokens", ChatMarks.CHAT_ML), folder.resolve("adapter"));
        assertThat(folder.resolve("adapter/generation_config.json")).content().contains(Integer.toString(before + 1));
    }

    @Test
    void how_batches_are_cut_cannot_change_in_a_run_that_goes_on(@TempDir Path folder) {
        run(recipe("text-classification"), folder);

        assertThatThrownBy(() -> resume(folder, Map.of("train.batch", "16", "train.steps", 9)))
                .hasMessageContaining("train.batch was 8 and cannot become 16 in a run that goes on");
        assertThatThrownBy(() -> resume(folder, Map.of("train.micro_batches", 2)))
                .hasMessageContaining("train.micro_batches was 1 and cannot become 2");
        assertThat(resume(folder, Map.of("train.batch", "8", "train.steps", 7)).step()).isEqualTo(7);
    }

    @Test
    void a_classifier_for_another_number_of_labels_gets_a_new_head_and_says_so(@TempDir Path folder)
            throws IOException {
        put("three.tsv", List.of("sentence\tlabel", "a film\tx", "the film\ty", "one film\tz", "two films\tx"));
        Recipe small = recipe("text-classification").with("data.dev", "three.tsv");
        run(small.with("data.train", "three.tsv"), folder.resolve("three"));
        Recipe further = recipe("text-classification").with("model.from", folder.resolve("three").toString())
                .overlaid("{model: {layers: null, hidden: null, heads: null}, tokenizer: {from: null}}", "three");
        for (String more : List.of("{}", "adapter: {lora: 'rank=2'}")) {
            Path out = folder.resolve("two" + more.length());
            try (var run = RecipeRun.start(further.overlaid(more, "more"), out, RunListener.SILENT)) {
                assertThat(run.plan().notes()).anyMatch(note -> note.contains(
                        "tells 3 labels apart (x, y, z), the data has 2 (no, yes): the model gets a new head"));
                assertThat(run.run().best()).isNotNaN();
            }
        }
        assertThat(resume(folder.resolve("two2"), Map.of("train.steps", 8)).step()).isEqualTo(8);
        try (var model = Models.load(folder.resolve("two2"))) {
            assertThat(model.context().labelNames()).containsExactly("no", "yes");
        }
        // What the data lacks of the model's labels is no reason to forget them.
        put("some.tsv", List.of("sentence\tlabel", "a film\tx", "the film\tz"));
        try (var run = RecipeRun.start(further.with("data.train", "some.tsv").with("data.dev", "some.tsv"),
                folder.resolve("some"), RunListener.SILENT)) {
            assertThat(run.plan().notes()).noneMatch(note -> note.contains("head"));
        }
    }

    @Test
    void rows_that_are_not_as_the_task_needs_them_end_the_run_or_are_left_out_and_counted(@TempDir Path folder)
            throws IOException {
        var rows = new ArrayList<>(Files.readAllLines(data.resolve("rated.tsv")));
        rows.addAll(List.of("no label\t", "too\tmany\tyes", "one"));
        put("spoiled.tsv", rows);
        put("held.tsv", List.of("sentence\tlabel", "film 1 was bad\tno", "film 2\tperhaps", "film 3\tyes"));
        var talks = new ArrayList<>(Files.readAllLines(data.resolve("chat.jsonl")));
        talks.add("""
                {"messages": [{"role": "user", "content": "%s"}, {"role": "assistant", "content": "late"}]}"""
                .formatted("so much is said ".repeat(40)));
        put("long.jsonl", talks);
        Recipe rated = recipe("text-classification").with("data.train", "spoiled.tsv").with("data.dev", "held.tsv");
        Recipe chat = recipe("chat").with("data.train", "long.jsonl");

        assertThatThrownBy(() -> run(rated, folder.resolve("no")))
                .hasMessageContaining("spoiled.tsv, line 63").hasMessageContaining("--on-bad-rows skip");
        assertThatThrownBy(() -> run(chat, folder.resolve("no"))).hasMessageContaining("long.jsonl, line 61")
                .hasMessageContaining("--on-bad-rows skip");
        for (int i = 0; i < 2; i++) {
            // The second time examples come from the cache.
            try (var run = RecipeRun.start(rated.with("data.on_bad_rows", "skip"), folder.resolve("rated" + i),
                    RunListener.SILENT)) {
                assertThat(run.plan().rowsLeftOut()).isEqualTo(4);
                assertThat(run.plan().examples()).isEqualTo(60);
                assertThat(run.plan().notes()).anyMatch(note -> note.startsWith("4 rows are left out"));
                assertThat(run.run().best()).isNotNaN();
            }
            try (var run = RecipeRun.start(chat.with("data.on_bad_rows", "skip"), folder.resolve("chat" + i),
                    RunListener.SILENT)) {
                assertThat(run.plan().rowsLeftOut()).isEqualTo(1);
            }
        }
        assertThat(folder.resolve("rated0").resolve(RecipeRun.FACTS)).content().contains("\"rows_left_out\" : 4");
        assertThat(resume(folder.resolve("rated0"), Map.of("train.steps", 8)).step()).isEqualTo(8);
        put("none.tsv", List.of("sentence\tlabel", "a\t", "b\t"));
        assertThatThrownBy(() -> run(rated.with("data.train", "none.tsv").with("data.on_bad_rows", "skip"),
                folder.resolve("no"))).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("none.tsv");
        assertThatThrownBy(() -> run(rated.with("data.on_bad_rows", "warn"), folder.resolve("no")))
                .hasMessageContaining("--on-bad-rows is error or skip, found \"warn\"");
    }

    @Test
    void the_speed_of_a_run_is_told_in_tokens_that_it_reads(@TempDir Path folder) throws IOException {
        run(recipe("text-classification"), folder);
        Json first = Json.parse("a line", Files.readAllLines(folder.resolve("metrics.jsonl")).getFirst());

        // Eight texts of some words each, and not eight labels.
        assertThat(first.integer("tokens")).isBetween(5 * 8, 24 * 8);
    }

    @Test
    void examples_fit_the_room_of_a_model_where_nobody_says_how_long_they_are(@TempDir Path folder) {
        run(recipe("text-classification"), folder.resolve("base"));
        Recipe further = recipe("text-classification").with("model.from", folder.resolve("base").toString())
                .overlaid("{model: {layers: null, hidden: null, heads: null}, tokenizer: {from: null}}", "base");
        try (var run = RecipeRun.start(further.with("data.max_length", Recipe.defaults().data().maxLength()),
                folder.resolve("fits"), RunListener.SILENT)) {
            assertThat(run.recipe().data().maxLength()).isEqualTo(24);
            assertThat(run.plan().notes()).anyMatch(note -> note.contains("24 tokens at most"));
        }
        assertThatThrownBy(() -> run(further.with("data.max_length", 90), folder.resolve("no")))
                .hasMessageContaining("--max-length is 90, and the model has room for 24 tokens");
    }
}
