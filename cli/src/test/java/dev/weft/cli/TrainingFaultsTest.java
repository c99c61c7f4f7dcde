package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.checkpoint.Json;
import dev.weft.recipe.Recipe;
import dev.weft.text.Tokenizer;
import dev.weft.tensor.TensorScope;
import dev.weft.train.RunFolder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What goes wrong with a recipe: one line says what, where and what to do, and nothing is half written.
class TrainingFaultsTest {
    private static final String[] OF_BASE = {"--set", "model.layers=null", "--set", "model.hidden=null", "--set",
            "model.heads=null", "--set", "tokenizer.from=null"};

    @TempDir
    static Path root;

    private static Path base;

    @BeforeAll
    static void trainOnce() throws IOException {
        write(root);
        base = root.resolve("base");
        Ran ran = train("base");
        assertThat(ran.status()).as(ran.err()).isZero();
    }

    /// Data for several tasks, and a recipe of a tiny classifier.
    static void write(Path folder) throws IOException {
        List<String> lines = IntStream.range(0, 40)
                .mapToObj(i -> "film %d was %s".formatted(i, i % 2 == 0 ? "good" : "dull")).toList();
        List<String> rated = lines.stream().map(line -> line + (line.endsWith("good") ? "\tyes" : "\tno")).toList();
        put(folder, "rated.tsv", "text\tlabel", rated);
        put(folder, "dev.tsv", "text\tlabel", rated.subList(0, 6));
        put(folder, "none.tsv", "text\tlabel", List.of());
        put(folder, "two.tsv", "text\tlabel", rated.subList(0, 2));
        put(folder, "odd.tsv", "text\tlabel", List.of("new\tperhaps"));
        put(folder, "nan.csv", "text,label", List.of("film was good,0.5", "film was dull,NaN"));
        Files.write(folder.resolve("left.txt"), lines);
        Files.write(folder.resolve("right.txt"), lines.stream().map(line -> line.replace("was", "war")).toList());
        Files.write(folder.resolve("short.txt"), lines.subList(0, 39));
        Files.write(folder.resolve("letters.txt"), IntStream.range(0, 8).mapToObj(i -> "a").toList());
        Files.writeString(folder.resolve("talks.jsonl"), """
                {"messages": [{"role": "user", "content": "say"}, {"role": "assistant", "content": "it"}]}
                {"messages": [{"role": "user", "content": "say"}]}
                """);
        Files.writeString(folder.resolve("tiny.yaml"), """
                task: text-classification
                model: {config: {model_type: bert}, layers: 2, hidden: 32, heads: 2}
                tokenizer: {from: wordpiece, vocab_size: 90}
                data: {folder: '%s', train: rated.tsv, dev: dev.tsv, max_length: 12, cache: '%s'}
                train: {steps: 4, batch: 8, batch_tokens: 96, learning_rate: 1e-3, schedule: constant, warmup: 0, precision: float32, threads: 1}
                evaluate: {every: 2, beams: 1, max_new_tokens: 4}
                checkpoints: {every: 2, keep: 99}
                """
                .formatted(folder, folder.resolve("cache")));
    }

    private static void put(Path folder, String name, String first, List<String> rest) throws IOException {
        var all = new ArrayList<>(List.of(first));
        all.addAll(rest);
        Files.write(folder.resolve(name), all);
    }

    private static Ran weft(List<String> begin, String... more) {
        return Ran.weft(Stream.concat(begin.stream(), Stream.of(more)).toArray(String[]::new));
    }

    private static Ran train(String out, String... more) {
        return weft(List.of("train", "--recipe", root.resolve("tiny.yaml").toString(), "--out",
                root.resolve(out).toString()), more);
    }

    private static Ran finetune(Path model, String out, String... more) {
        return weft(Stream.concat(Stream.of("finetune", model.toString(), "--recipe",
                root.resolve("tiny.yaml").toString(), "--out", root.resolve(out).toString()), Stream.of(OF_BASE))
                .toList(), more);
    }

    private static void refused(Ran ran, String... parts) {
        assertThat(ran.status()).as(ran.err()).isNotZero();
        assertThat(ran.refusal()).contains(parts).doesNotContain("Exception");
        assertThat(ran.err()).doesNotContain("\tat ").doesNotContain("\nstep 1");
    }

    @Test
    void what_does_not_fit_is_refused_before_the_run_begins() throws IOException {
        refused(train("bad", "--text-column", "satz"), "rated.tsv", "no column \"satz\"", "text, label");
        refused(train("bad", "--dev", "odd.tsv"), "odd.tsv, line 2", ": perhaps;", "no, yes");
        refused(train("bad", "--dev", "none.tsv"), "none.tsv: holds no rows");
        refused(train("bad", "--train", "none.tsv"), "none.tsv: holds no rows");
        refused(train("bad", "--set", "data.dev=[]", "--train", "two.tsv", "--dev-share", "0.000001"),
                "two.tsv: of its 2 rows --dev-share 1.0E-6 leaves none to evaluate on", "0 for nothing held out");
        refused(train("bad", "--set", "data.dev=[]", "--dev-share", "0.999999"), "leaves none to train on");
        refused(train("bad", "--task", "regression", "--train", "nan.csv", "--dev", "nan.csv"),
                "nan.csv, line 3: column \"label\" needs a number, found \"NaN\"");
        refused(train("bad", "--task", "translation", "--train", "left.txt", "--train-target", "short.txt"),
                "short.txt ends after 39, the other goes on");
        refused(train("bad", "--task", "fill-mask", "--train", "left.txt", "--dev", "left.txt", "--tokenizer", "char"),
                "needs a tokenizer with a mask_token");
        refused(train("bad", "--task", "text-generation", "--train", "letters.txt", "--dev", "letters.txt",
                "--tokenizer", "char", "--max-length", "500", "--set", "model.config.model_type=gpt2"),
                "a window needs 501");
        refused(train("bad", "--task", "chat", "--train", "talks.jsonl", "--dev", "talks.jsonl", "--max-length", "90",
                "--tokenizer", "bpe", "--vocab-size", "300", "--set", "model.config.model_type=llama"),
                "talks.jsonl, line 2: Nothing of this example is trained", "give the conversation an answer");
        refused(train("bad", "--task", "text-generation", "--examples", "rows", "--train", "letters.txt", "--dev",
                "letters.txt", "--tokenizer", "char", "--set", "model.config.model_type=gpt2"),
                "there is nothing to learn: every label is -100");
        refused(train("bad", "--set", "train.stepz=4"), "no key \"train.stepz\"", "steps, epochs");
        refused(train("bad", "--set", "steps"), "--set takes KEY=VALUE, found \"steps\"");
        refused(Ran.weft("train", "--recipe", root.resolve("left.txt").toString(), "--out",
                root.resolve("bad").toString()), "left.txt: a recipe has keys such as task, model and data");
        assertThat(root.resolve("bad")).doesNotExist();
    }

    @Test
    void a_model_that_does_not_fit_its_data_or_tokenizer_is_refused() throws IOException {
        refused(finetune(base, "unfit", "--max-length", "200", "--set", "data.dev=[]", "--dev-share", "0"),
                "--max-length is 200, and the model has room for 12 tokens");
        refused(finetune(base, "unfit", "--set", "tokenizer.from=bpe", "--vocab-size", "320"),
                "The training data has the token ",
                "the model has ", "or was it made by another tokenizer?");
        refused(weft(List.of("distill", "--teacher", base.toString(), "--recipe", root.resolve("tiny.yaml").toString(),
                "--out", root.resolve("unfit").toString(), "--student-layers", "1"), "--tokenizer", "char"),
                "has another vocabulary than the student: token 0 is \"[PAD]\" there", "--tokenizer " + base);
        refused(finetune(withNaN("nan"), "unfit"), "Before anything is learned",
                "The weight classifier.weight of the model holds NaN or infinity");
        assertThat(root.resolve("unfit").resolve(Recipe.FILE)).doesNotExist();
    }

    @Test
    void a_tokenizer_may_have_ids_that_the_model_lacks_as_long_as_none_occurs() throws IOException {
        Path wide = Files.createDirectories(root.resolve("more-ids"));
        for (String file : List.of("config.json", "model.safetensors")) {
            Files.copy(base.resolve(file), wide.resolve(file));
        }
        Tokenizer.load(base).withAddedTokens(false, "qwxz").save(wide);
        Ran ran = finetune(wide, "wider");
        assertThat(ran.status()).as(ran.err()).isZero();
        // Whatever is drawn in place of a masked token is one that the model has.
        Ran masked = finetune(wide, "masked", "--task", "fill-mask", "--train", "left.txt", "--dev", "right.txt",
                "--set",
                "objective.mask_share=0.9", "--steps", "40");
        assertThat(masked.status()).as(masked.err()).isZero();
        Files.writeString(root.resolve("rare.tsv"), "text\tlabel\nfilm 1 was qwxz\tyes\nfilm 2 was dull\tno\n");
        refused(finetune(wide, "rare", "--train", "rare.tsv"), "The training data has the token \"qwxz\" with id ",
                "ids where its tokenizer has ");
    }

    /// The base with one number of the classifier that is none.
    private static Path withNaN(String name) throws IOException {
        Path folder = Files.createDirectories(root.resolve(name));
        for (String file : List.of("config.json", "tokenizer.json", "tokenizer_config.json")) {
            Files.copy(base.resolve(file), folder.resolve(file));
        }
        byte[] bytes = Files.readAllBytes(base.resolve("model.safetensors"));
        ByteBuffer file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int header = (int) file.getLong(0);
        int begin = Json.parse("header", new String(bytes, 8, header, StandardCharsets.UTF_8)).node()
                .get("classifier.weight").get("data_offsets").get(0).asInt();
        file.putFloat(8 + header + begin, Float.NaN);
        return Files.write(folder.resolve("model.safetensors"), bytes).getParent();
    }

    @Test
    void what_is_cut_or_stands_on_both_sides_is_counted_and_said() {
        Ran ran = finetune(base, "cut", "--max-length", "5");
        assertThat(ran.status()).as(ran.err()).isZero();
        assertThat(ran.err())
                .contains("40 of 40 examples fill all 5 tokens of --max-length; what was longer is cut off")
                .contains("6 of 6 rows that are held out also stand in the training data (text)");
    }

    @Test
    void a_loss_that_is_no_number_is_told_and_the_run_goes_on_with_a_lower_rate() {
        String[] wild = {"--learning-rate", "1e30", "--clip", "0", "--optimizer", "sgd"};
        Ran first = train("wild", wild);
        assertThat(first.status()).isEqualTo(1);
        assertThat(first.refusal()).containsPattern("The (loss|gradient) became \\S+ at step 2")
                .contains("No checkpoint was written before it; begin again with --resume")
                .contains("a lower --learning-rate");
        Ran later = weft(List.of("train", "--resume", root.resolve("wild").toString()), "--learning-rate", "1e-3");
        assertThat(later.status()).as(later.err()).isZero();
        Path run = root.resolve("wild2");
        assertThat(train("wild2").status()).isZero();
        Ran on = weft(List.of("train", "--resume", run.toString()), "--steps", "9", "--learning-rate", "1e30", "--clip",
                "0");
        assertThat(on.refusal()).contains("The last good checkpoint is " + run.resolve("checkpoints/step-0000000"));
        assertThat(RunFolder.latestIn(run)).isPresent();
    }

    @Test
    void a_run_that_cannot_go_on_stays_as_it_is() throws IOException {
        Path run = root.resolve("kept");
        assertThat(train("kept").status()).isZero();
        String recipe = Files.readString(run.resolve(Recipe.FILE));
        List<String> resume = List.of("train", "--resume", run.toString());

        refused(weft(List.of("train", "--resume", root.toString())), "holds no run to resume");
        refused(train("kept"), "already holds a run", "--resume");
        refused(weft(resume, "--batch", "4", "--steps", "9"), "train.batch was 8 and cannot become 4",
                "begin a new run with --out");
        refused(weft(resume, "--hidden", "4"), "model.hidden cannot change");
        try (var held = RunFolder.open(run)) {
            refused(weft(resume, "--steps", "9"), "Another trainer is at work");
        }
        assertThat(run.resolve(Recipe.FILE)).hasContent(recipe);

        Files.writeString(run.resolve(Recipe.FILE), recipe.substring(0, recipe.indexOf("distill:")));
        refused(weft(resume, "--steps", "9"), "recipe.yaml is damaged: it says nothing of distill, adapter, train");
        Files.writeString(run.resolve(Recipe.FILE), recipe.replace("steps: 4", "steps: [4"));
        refused(weft(resume), "recipe.yaml, line ", "no YAML");
        Files.writeString(run.resolve(Recipe.FILE), recipe);
        Path progress = RunFolder.latestIn(run).orElseThrow().resolve("trainer.json");
        String whole = Files.readString(progress);
        Files.writeString(progress, whole.substring(0, whole.length() / 2));
        refused(weft(resume, "--steps", "9"), "trainer.json: not valid JSON");
        Files.writeString(progress, whole);
        assertThat(run.resolve(Recipe.FILE)).hasContent(recipe);

        Ran done = weft(resume);
        assertThat(done.status()).as(done.err()).isZero();
        assertThat(done.err()).contains("done at step 4: nothing was left to do");
    }

    @Test
    void what_a_kill_leaves_behind_is_cleared_away() throws IOException {
        Path run = root.resolve("left");
        assertThat(train("left").status()).isZero();
        Path unfinished = Files.createDirectories(run.resolve("checkpoints/.unfinished-6"));
        Files.write(unfinished.resolve("model.safetensors"), new byte[100]);
        Files.writeString(run.resolve("metrics.jsonl"), "{\"step\":5,\"loss\":0.6}\n{\"step\":6,\"lo",
                StandardOpenOption.APPEND);
        Ran on = weft(List.of("train", "--resume", run.toString()), "--steps", "6");
        assertThat(on.status()).as(on.err()).isZero();
        assertThat(unfinished).doesNotExist();
        assertThat(train("straight", "--steps", "6").status()).isZero();
        assertThat(KilledRunTest.losses(run)).isEqualTo(KilledRunTest.losses(root.resolve("straight")));
    }

    @Test
    void an_adapter_for_another_base_is_refused_with_names_and_shapes() throws IOException {
        Path run = root.resolve("adapter");
        Ran ran = finetune(base, "adapter", "--lora", "rank=2,targets=query");
        assertThat(ran.status()).as(ran.err()).isZero();
        Ran wide = train("wide", "--hidden", "48");
        assertThat(wide.status()).as(wide.err()).isZero();
        refused(Ran.weft("eval", root.resolve("wide").toString(), "--adapter", run.toString(), "--data",
                root.resolve("dev.tsv").toString()), "this adapter is for another base", "query.lora_A.weight",
                "[2, 32] there, [2, 48] here");
    }

    @Test
    void refusals_leave_no_native_memory_behind() {
        long live = TensorScope.liveTensors();
        finetune(base, "leak", "--max-length", "200");
        finetune(base, "leak", "--set", "tokenizer.from=bpe", "--vocab-size", "320");
        train("leak", "--dev", "odd.tsv");
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(live);
    }
}
