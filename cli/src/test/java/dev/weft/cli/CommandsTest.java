package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The commands as a user types them.
class CommandsTest {
    @TempDir
    static Path root;

    private static Path text;
    private static Path run;

    static String[] train(Path text, Path out, String... more) {
        String[] base = {"train", "--text", text.toString(), "--out", out.toString(), "--layers", "1", "--heads", "2",
                "--hidden", "16", "--seq", "8", "--steps", "30", "--batch", "4", "--cache",
                out.resolve("cache").toString(),
                "--checkpoint-every", "10", "--evaluate-every", "10", "--threads", "1"};
        String[] all = Arrays.copyOf(base, base.length + more.length);
        System.arraycopy(more, 0, all, base.length, more.length);
        return all;
    }

    @BeforeAll
    static void trainOnce() throws IOException {
        text = Files.writeString(root.resolve("corpus.txt"),
                "the cat sat on the mat. the dog sat on the log.\n".repeat(40));
        run = root.resolve("run");
        Ran ran = Ran.weft(train(text, run));
        assertThat(ran.status()).as(ran.err()).isZero();
        assertThat(ran.err()).contains("done at step 30").contains("best validation");
    }

    @Test
    void a_run_folder_holds_what_others_read() {
        assertThat(run).isDirectoryContaining("glob:**/{config.json}")
                .isDirectoryContaining("glob:**/{model.safetensors}")
                .isDirectoryContaining("glob:**/{tokenizer.json}")
                .isDirectoryContaining("glob:**/{generation_config.json}")
                .isDirectoryContaining("glob:**/{metrics.jsonl}").isDirectoryContaining("glob:**/{loss.svg}")
                .isDirectoryContaining("glob:**/events.out.tfevents.*");
    }

    @Test
    void the_same_seed_writes_the_same_text_and_goes_on_from_the_prompt() {
        String[] command = {"generate", run.toString(), "--prompt", "the c", "--max-new-tokens", "4", "--temperature",
                "0.8",
                "--top-p", "0.95", "--seed", "7"};
        Ran first = Ran.weft(command);
        assertThat(first.status()).as(first.err()).isZero();
        assertThat(first.out()).startsWith("the c").isEqualTo(Ran.weft(command).out());
        assertThat(first.out().strip().length()).isLessThanOrEqualTo("the c".length() + 4);
    }

    @Test
    void any_setting_can_be_given_by_its_name_and_guesses_change_nothing() {
        String[] base = {"generate", run.toString(), "--prompt", "the c", "--max-new-tokens", "4"};
        String plain = Ran.weft(base).out();
        for (String more : new String[]{"--prompt-lookup=3", "--assistant=" + run, "--set=num_assistant_tokens=2"}) {
            String[] all = Arrays.copyOf(base, base.length + 1);
            all[base.length] = more;
            assertThat(Ran.weft(all).out()).as(more).isEqualTo(plain);
        }
        Ran groups = Ran.weft("generate", run.toString(), "--prompt", "the c", "--max-new-tokens", "4", "--set",
                "num_beams=4", "--set", "num_beam_groups=2", "--set", "diversity_penalty=0.5");
        assertThat(groups.status()).as(groups.err()).isZero();
        assertThat(groups.out()).startsWith("the c");
        assertThat(Ran.weft("generate", run.toString(), "--prompt", "the c", "--set", "num_beam=4").refusal())
                .contains("\"num_beam\"").contains("num_beams");
    }

    @Test
    void json_is_one_object_for_programs() {
        JsonNode generated = json("generate", run.toString(), "--prompt", "the", "--max-new-tokens", "3", "--json");
        assertThat(generated.get("new_tokens").asInt()).isEqualTo(3);
        assertThat(generated.get("log_probabilities").size()).isEqualTo(3);
        JsonNode scored = json("eval", run.toString(), "--text", text.toString(), "--json");
        assertThat(scored.get("perplexity").asDouble()).isEqualTo(Math.exp(scored.get("loss").asDouble()));
        assertThat(scored.get("bits_per_byte").asDouble()).isBetween(0.0, 8.0);
        JsonNode info = json("info", run.toString(), "--json");
        assertThat(info.get("family").asString()).isEqualTo("gpt2");
        assertThat(info.get("trained_steps").asInt()).isEqualTo(30);
        assertThat(json("doctor", "--json").get("libtorch").asString()).startsWith("2.");
        JsonNode encoded = json("tokenizer", "encode", run.toString(), "the cat", "--json");
        assertThat(encoded.get("ids").size()).isEqualTo(7);
        JsonNode windows = json("tokenizer", "encode", run.toString(), "the", "--pair", "cat", "--max-length", "5",
                "--stride", "1", "--json").get("windows");
        assertThat(windows.size()).isEqualTo(2);
        assertThat(windows.get(1).get("offsets").get(3).get(0).asInt()).isEqualTo(1);
    }

    private static JsonNode json(String... command) {
        Ran ran = Ran.weft(command);
        assertThat(ran.status()).as(ran.err()).isZero();
        return new JsonMapper().readTree(ran.out());
    }

    @Test
    void a_tokenizer_of_every_model_is_trained_and_gives_the_text_back() {
        for (String options : new String[]{"bpe", "bpe --byte-fallback --threads 1", "bpe --lowercase", "wordpiece",
                "wordpiece --lowercase --special [UNK] --special [CLS] --special [SEP]", "unigram --limit-alphabet 30",
                "unigram --byte-fallback --min-frequency 3", "char --special <unk>"}) {
            Path folder = root.resolve("tok");
            Ran trained = Ran.weft(("tokenizer train " + text + " --vocab-size 300 --out " + folder + " --model "
                    + options).split(" "));
            assertThat(trained.status()).as(options + trained.err()).isZero();
            String ids = Ran.weft("tokenizer", "encode", folder.toString(), "the mat").out().strip();
            String[] decode = ("tokenizer decode " + folder + " " + ids).split(" ");
            assertThat(Ran.weft(decode).out().strip()).as(options).isEqualTo("the mat");
        }
    }

    @Test
    void a_run_goes_on_after_its_last_step_when_given_more() throws IOException {
        Path out = root.resolve("more");
        assertThat(Ran.weft(train(text, out)).status()).isZero();
        Ran on = Ran.weft("train", "--resume", out.toString(), "--steps", "40");
        assertThat(on.status()).as(on.err()).isZero();
        assertThat(on.err()).contains("going on from step 30").contains("done at step 40");
        assertThat(Files.readAllLines(out.resolve("metrics.jsonl")).stream().filter(line -> line.contains("\"loss\"")))
                .hasSize(40);
    }

    @Test
    void each_command_explains_itself() {
        for (String command : new String[]{"quickstart", "train", "generate", "eval", "tokenizer", "info", "doctor",
                "parity"}) {
            Ran ran = Ran.weft(command, "--help");
            assertThat(ran.status()).isZero();
            assertThat(ran.out()).contains("Usage: weft " + command);
        }
    }

    @Test
    void the_quickstart_learns_and_says_how_well() {
        Ran ran = Ran.weft("quickstart", "--out", root.resolve("quick").toString(), "--steps", "20");
        assertThat(ran.status()).as(ran.err()).isZero();
        assertThat(ran.out().lines().reduce((first, second) -> second).orElse("")).matches("accuracy [01]\\.\\d\\d");
        assertThat(Ran.weft("generate", root.resolve("quick").toString(), "--prompt", "two plus").status()).isZero();
    }
}
