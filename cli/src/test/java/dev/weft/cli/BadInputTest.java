package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.train.RunFolder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Bad input gets one line that says what was wrong, what was found and what to do; and a status that is not 0.
class BadInputTest {
    @TempDir
    static Path root;

    private static Path good;
    private static Path run;

    @BeforeAll
    static void trainOnce() throws IOException {
        good = Files.writeString(root.resolve("good.txt"), "abcdefgh ".repeat(200));
        run = root.resolve("run");
        assertThat(Ran.weft(CommandsTest.train(good, run)).status()).isZero();
    }

    private static void refused(Ran ran, String... parts) {
        assertThat(ran.status()).as(ran.err()).isNotZero();
        assertThat(ran.refusal()).contains(parts).doesNotContain("Exception");
        assertThat(ran.err()).doesNotContain("\tat ");
    }

    private static Ran train(String name, byte[] content, String... more) throws IOException {
        Path text = Files.write(root.resolve(name + ".txt"), content);
        return Ran.weft(CommandsTest.train(text, root.resolve("run-" + name), more));
    }

    @Test
    void corpora_that_are_no_text() throws IOException {
        refused(train("empty", new byte[0]), "empty");
        refused(train("binary", new byte[]{'a', 0, 1, 2, 'b', 0}), "binary.txt");
        refused(train("short", "abc".getBytes(StandardCharsets.UTF_8), "--validation", "0"), "3 tokens", "seq 8");
        byte[] broken = "good line\nbad \u00e9 here".getBytes(StandardCharsets.ISO_8859_1);
        refused(train("latin", broken), "latin.txt", "line 2", "14");
        refused(Ran.weft(CommandsTest.train(root.resolve("nowhere"), root.resolve("run-nowhere"))), "nowhere",
                "no such file");
    }

    @Test
    void corpora_that_no_tokenizer_can_be_learned_from() throws IOException {
        Path latin = Files.write(root.resolve("latin1.txt"), "K\u00e4se".getBytes(StandardCharsets.ISO_8859_1));
        Path blank = Files.writeString(root.resolve("blank.txt"), "\n\n");
        String out = root.resolve("tok").toString();
        refused(Ran.weft("tokenizer", "train", latin.toString(), "--out", out), "latin1.txt", "byte 1", "UTF-8");
        refused(Ran.weft("tokenizer", "train", blank.toString(), "--model", "unigram", "--out", out), "empty");
        refused(Ran.weft("tokenizer", "train", good.toString(), "--model", "wordpiece", "--vocab-size", "9", "--out",
                out), "vocabSize 9 is too small", "5 special tokens");
        refused(Ran.weft("tokenizer", "train", good.toString(), "--model", "words", "--out", out), "'words'",
                "bpe, wordpiece, unigram or char");
        refused(Ran.weft("tokenizer", "train", good.toString(), "--format", "marian", "--languages", "en", "--out",
                out),
                "--languages en,de", "found 1");
        refused(Ran.weft("tokenizer", "train", good.toString(), "--model", "char", "--format", "sentencepiece", "--out",
                out), "--format does nothing for --model char");
        refused(Ran.weft("tokenizer", "train", good.toString(), "--model", "char", "--lowercase", "--out", out),
                "--lowercase");
        assertThat(root.resolve("tok")).doesNotExist();
    }

    @Test
    void options_that_mean_nothing() throws IOException {
        byte[] text = Files.readAllBytes(good);
        refused(train("preset", text, "--preset", "huge"), "no preset huge", "tiny, small, medium and gpt2");
        refused(train("heads", text, "--heads", "3"), "n_embd (16)", "n_head (3)");
        refused(train("micro", text, "--micro-batches", "3"), "multiple of --micro-batches");
        refused(train("device", text, "--device", "tpu"), "Unknown device 'tpu'");
        refused(Ran.weft("train", "--text", good.toString()), "--out");
        refused(Ran.weft("generate"), "FOLDER");
        refused(Ran.weft("generate", run.toString(), "--prompt", "a", "--stop", ""), "stop", "empty");
        refused(Ran.weft("chat-template", run.resolve("nope").toString(), good.toString()), "nope");
    }

    @Test
    void a_learning_rate_that_explodes() throws IOException {
        refused(train("explodes", Files.readAllBytes(good), "--learning-rate", "1e30", "--clip", "0", "--optimizer",
                "sgd"),
                "became", "at step", "lower --learning-rate");
    }

    @Test
    void run_folders_that_are_missing_taken_or_hold_a_run_already() {
        refused(Ran.weft("generate", root.resolve("none").toString(), "--prompt", "x"), "none");
        refused(Ran.weft("train", "--resume", root.resolve("none").toString()), "no run to resume");
        refused(Ran.weft(CommandsTest.train(good, run)), "already holds a run", "--resume");
        try (var held = RunFolder.open(run)) {
            refused(Ran.weft("train", "--resume", run.toString()), "Another trainer is at work");
        }
    }

    @Test
    void resuming_with_other_data() throws IOException {
        Path text = Files.writeString(root.resolve("changing.txt"), "abcdefgh ".repeat(200));
        Path out = root.resolve("changing");
        assertThat(Ran.weft(CommandsTest.train(text, out)).status()).isZero();
        Files.writeString(text, "abcdefgh ".repeat(199) + "hgfedcba ");
        refused(Ran.weft("train", "--resume", out.toString(), "--steps", "40"), "trained on other data");
    }

    @Test
    void a_prompt_longer_than_the_context_and_one_with_unknown_characters() {
        refused(Ran.weft("generate", run.toString(), "--prompt", "abcdefgh".repeat(5)), "40", "8");
        refused(Ran.weft("generate", run.toString(), "--prompt", "ü"), "ü");
    }

    @Test
    void constraints_that_cannot_be_kept() throws IOException {
        Path schema = Files.writeString(root.resolve("schema.json"),
                "{\"type\": \"array\", \"minItems\": 2, \"maxItems\": 1}");
        String[] begin = {"generate", run.toString(), "--prompt", "ab"};
        refused(constrained(begin, "--json-schema", schema.toString()), "#/maxItems", "minItems (2)");
        refused(constrained(begin, "--json-schema", root.resolve("none.json").toString()), "none.json");
        refused(constrained(begin, "--regex", "(?=a)b"), "look around");
        refused(constrained(begin, "--regex", "a", "--choice", "b"), "only one");
        refused(constrained(begin, "--constrain-after", "a"), "--constrain-after needs");
        refused(constrained(begin, "--choice", "Ü"), "vocabulary");
    }

    private static Ran constrained(String[] begin, String... more) {
        return Ran.weft(Stream.of(begin, more).flatMap(Stream::of).toArray(String[]::new));
    }

    @Test
    void weights_that_are_cut_off_or_altered() throws IOException {
        byte[] whole = Files.readAllBytes(run.resolve("model.safetensors"));
        refused(generateWith("cut", Arrays.copyOf(whole, whole.length - 10)), "model.safetensors");
        byte[] huge = whole.clone();
        Arrays.fill(huge, 3, 7, (byte) 0x7f);
        refused(generateWith("huge", huge), "model.safetensors", "header");
        String text = new String(whole, StandardCharsets.ISO_8859_1);
        refused(generateWith("dtype", text.replaceFirst("F32", "F99").getBytes(StandardCharsets.ISO_8859_1)), "F99");
        int shape = text.indexOf("\"shape\":[") + 9;
        byte[] reshaped = whole.clone();
        reshaped[shape] = (byte) (reshaped[shape] == '9' ? '8' : '9');
        refused(generateWith("shape", reshaped), "model.safetensors");
    }

    private static Ran generateWith(String name, byte[] weights) throws IOException {
        Path folder = copy(name);
        Files.write(folder.resolve("model.safetensors"), weights);
        return Ran.weft("generate", folder.toString(), "--prompt", "ab");
    }

    private static Path copy(String name) throws IOException {
        Path folder = Files.createDirectories(root.resolve("altered-" + name));
        for (String file : new String[]{"config.json", "generation_config.json", "tokenizer.json",
                "tokenizer_config.json",
                "model.safetensors"}) {
            Files.write(folder.resolve(file), Files.readAllBytes(run.resolve(file)));
        }
        return folder;
    }

    @Test
    void a_config_whose_numbers_do_not_fit_and_a_tokenizer_that_is_too_large() throws IOException {
        Path wide = copy("wide");
        String config = Files.readString(wide.resolve("config.json"));
        Files.writeString(wide.resolve("config.json"), config.replaceFirst("\"n_embd\"\\s*:\\s*16", "\"n_embd\" : 18"));
        refused(Ran.weft("info", wide.toString()), "wte.weight", "18", "16");
        Path words = copy("words");
        Files.writeString(words.resolve("config.json"),
                config.replaceFirst("\"n_head\"\\s*:\\s*2", "\"n_head\" : \"two\""));
        refused(Ran.weft("info", words.toString()), "config.json", "n_head", "two");
        Path tokenizer = root.resolve("large");
        Ran.weft("tokenizer", "train", good.toString(), "--vocab-size", "270", "--out", tokenizer.toString());
        Path mixed = copy("mixed");
        Files.write(mixed.resolve("tokenizer.json"), Files.readAllBytes(tokenizer.resolve("tokenizer.json")));
        refused(Ran.weft("generate", mixed.toString(), "--prompt", "ab"), "has the token",
                "where its tokenizer has 26", "another tokenizer");
    }
}
