package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.checkpoint.Json;
import dev.weft.models.Models;
import dev.weft.recipe.Recipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Pretraining, fine-tuning, scoring, distilling, adapting and merging, as a user types it.
class TrainingCommandTest {
    private static final String[] QUICK = {"--batch", "8", "--precision", "float32", "--threads", "1",
            "--evaluate-every", "2", "--checkpoint-every", "2", "--max-length", "20"};

    @TempDir
    static Path root;

    @BeforeAll
    static void pretrain() throws IOException {
        TrainingFaultsTest.write(root);
        Files.write(root.resolve("talks.jsonl"), IntStream.range(0, 30).mapToObj(i -> """
                {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes %d"}]}"""
                .formatted(i)).toList());
        run("train", "--out", place("bert"), "--task", "fill-mask", "--train", place("left.txt"), "--set",
                "model.config={model_type: bert}", "--layers", "4", "--hidden", "32", "--heads", "2", "--tokenizer",
                "wordpiece", "--vocab-size", "90", "--steps", "2");
        run("train", "--out", place("gpt"), "--text", place("left.txt"), "--examples", "lines", "--layers", "2",
                "--hidden", "32", "--heads", "2", "--tokenizer", "bpe", "--vocab-size", "300", "--steps", "2", "--seq",
                "96");
    }

    private static String place(String name) {
        return root.resolve(name).toString();
    }

    private static Ran run(String command, String... arguments) {
        var all = new ArrayList<>(List.of(command));
        all.addAll(List.of(QUICK));
        all.addAll(List.of("--cache", place("cache")));
        all.addAll(List.of(arguments));
        return plain(all.toArray(String[]::new));
    }

    private static Ran plain(String... arguments) {
        Ran ran = Ran.weft(arguments);
        assertThat(ran.status()).as(ran.err()).isZero();
        return ran;
    }

    @Test
    void a_model_is_trained_further_scored_as_it_was_trained_and_made_smaller() throws IOException {
        Path table = root.resolve("reviews.tsv");
        Files.writeString(table,
                Files.readString(root.resolve("rated.tsv")).replaceFirst("text\tlabel", "said\tliked"));

        Ran tuned = run("finetune", place("bert"), "--task", "text-classification", "--train", table.toString(),
                "--dev", table.toString(), "--text-column", "said", "--label-column", "liked", "--epochs", "1", "--out",
                place("tuned"));
        Ran scored = plain("eval", place("tuned"), "--data", table.toString(), "--json");
        run("distill", "--teacher", place("tuned"), "--student-layers", "2", "--train", table.toString(),
                "--text-column", "said", "--label-column", "liked", "--steps", "2", "--out", place("small"));

        assertThat(tuned.err()).contains("an example, with « » around what is learned:", "→ «", "weights are trained",
                "40 of 40 rows that are held out also stand in the training data");
        assertThat(Json.parse("the report", scored.out()).object("metrics").names()).startsWith("accuracy");
        try (var small = Models.load(root.resolve("small"))) {
            assertThat(small.context().config().integer("num_hidden_layers")).isEqualTo(2);
            assertThat(small.context().labelNames()).containsExactly("no", "yes");
        }
    }

    @Test
    void an_assistant_is_an_adapter_that_can_be_merged() {
        run("finetune", place("gpt"), "--lora", "rank=2,alpha=4,targets=c_attn", "--chat", place("talks.jsonl"),
                "--max-length", "90", "--steps", "2", "--out", place("assistant"));
        plain("merge", place("gpt"), place("assistant"), "--out", place("merged"));

        assertThat(root.resolve("assistant").resolve("adapter_model.safetensors")).isRegularFile();
        assertThat(root.resolve("assistant").resolve("model.safetensors")).doesNotExist();
        assertThat(root.resolve("merged").resolve("model.safetensors")).isRegularFile();
        assertThat(Recipe.read(root.resolve("assistant").resolve(Recipe.FILE)).task()).isEqualTo("chat");
    }

    @Test
    void options_stand_above_the_recipe_and_a_query_is_data_too() {
        String query = "select text, label from '" + place("rated.tsv") + "' where text <> 'x'";
        run("train", "--recipe", place("tiny.yaml"), "--set", "train.learning_rate=5e-4", "--steps", "2", "--train",
                query, "--dev", query + " limit 6", "--out", place("queried"));

        Recipe settled = Recipe.read(root.resolve("queried").resolve(Recipe.FILE));
        assertThat(settled.train().steps()).isEqualTo(2);
        assertThat(settled.train().learningRate()).isEqualTo(5e-4);
        assertThat(settled.train().schedule()).isEqualTo("constant");
    }

    @Test
    void a_range_test_and_the_reference_are_printed() {
        Ran ranged = run("train", "--recipe", place("tiny.yaml"), "--steps", "40", "--range-test", "1e-5..1", "--out",
                place("ranged"));

        assertThat(ranged.out()).contains("the loss falls fastest at a learning rate of ");
        assertThat(plain("train", "--explain").out()).isEqualTo(Recipe.reference());
        assertThat(plain("finetune", "--help").out()).contains("--text-column", "--lora", "weft finetune models/bert");
    }

    @Test
    void help_shows_the_defaults_that_hold() {
        String finetune = Ran.weft("finetune", "--help").out().replaceAll("\\s+", " ");
        String train = Ran.weft("train", "--help").out().replaceAll("\\s+", " ");

        assertThat(finetune).contains("The highest. Default: 5e-5 (with --lora: 2e-4).",
                "Updates in all. Default: as many as --epochs takes.", "how often each example comes. Default: 3.",
                "Where it ends. Default: 0.");
        assertThat(train).contains("Updates in all. Default: 2000 (with --recipe: 1000).",
                "a folder or file that holds one. Default: char (with --recipe: the model folder's, else bpe).",
                "Share of activations dropped. Default: as the model's config has it; 0 for a new one.");
    }
}
