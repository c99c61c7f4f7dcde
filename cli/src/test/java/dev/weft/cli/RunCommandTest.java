package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.run.Task;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class RunCommandTest {
    private static final Path MODELS = Path.of("../run/src/test/resources/pipelines");
    private static final String CLASSIFIER = model("text-classification-single-label");

    @TempDir
    Path folder;

    private static String model(String name) {
        return MODELS.resolve(name).toString();
    }

    private static JsonNode json(String... command) {
        Ran ran = Ran.weft(command);
        assertThat(ran.status()).as(ran.err()).isZero();
        return new JsonMapper().readTree(ran.out().lines().findFirst().orElseThrow());
    }

    private static List<JsonNode> lines(Path file) throws IOException {
        return Files.readAllLines(file).stream().map(line -> new JsonMapper().readTree(line)).toList();
    }

    private Path texts(int count) throws IOException {
        return Files.write(folder.resolve("texts.txt"),
                IntStream.range(0, count).mapToObj(i -> "the river runs ".repeat(i % 7 + 1) + i).toList());
    }

    @Test
    void each_task_answers_one_text() throws IOException {
        Path page = Files.writeString(folder.resolve("page.txt"), "Ada wrote to Charles.\nHe answered.");

        assertThat(json("run", "fill-mask", model("fill-mask"), "Paris is the [MASK] of France.", "--top-k", "2",
                "--json").get("fillings").size()).isEqualTo(2);
        assertThat(json("run", "fill-mask", model("fill-mask"), "Paris is the [MASK] of France.", "--targets",
                "river,the", "--json").get("fillings").get(1).get("token").stringValue()).isIn("river", "the");
        assertThat(json("run", "zero-shot-classification", model("zero-shot-classification"), "wool", "--labels", "a,b",
                "--json").get("label").stringValue()).isIn("a", "b");
        assertThat(json("run", "zero-shot-classification", model("zero-shot-classification"), "wool", "--labels", "a,b",
                "--multi-label", "--hypothesis", "It is {}.", "--json").get("scores").size()).isEqualTo(2);
        assertThat(json("run", "token-classification", model("token-classification"), "Ada lives.", "--aggregation",
                "first", "--json").get("entities").isArray()).isTrue();
        JsonNode answers = json("run", "question-answering", model("question-answering"), "--question", "Who?",
                "--context-file", page.toString(), "--top-k", "2", "--no-answer", "--json").get("answers");
        assertThat(answers.size()).isEqualTo(2);
        assertThat(answers.get(0).get("text").stringValue()).isSubstringOf(Files.readString(page));
        assertThat(json("run", "multiple-choice", model("multiple-choice"), "Ada wrote", "--choice", "a letter",
                "--choice", "wool", "--json").get("choice").stringValue()).isIn("a letter", "wool");
        assertThat(json("run", "embeddings", model("embeddings"), "wool", "--json").get("vector").size()).isEqualTo(16);
        assertThat(json("run", "embeddings", model("embeddings"), "wool", "--dimensions", "4", "--pooling", "cls",
                "--normalize", "--json").get("vector").size()).isEqualTo(4);
        assertThat(json("run", "feature-extraction", model("embeddings"), "wool", "--json").get("vectors").get(0)
                .size()).isEqualTo(16);
        assertThat(json("run", "similarity", model("embeddings"), "--query", "wool", "wool", "the sea", "--json")
                .get("similarity").doubleValue()).isGreaterThan(0.999);
        assertThat(json("run", "summarization", model("text-to-text"), "wool", "--json").get("windows").intValue())
                .isEqualTo(1);
        assertThat(json("run", "text2text-generation", model("text-to-text"), "wool", "--max-new-tokens", "3", "--json")
                .get("output_tokens").intValue()).isLessThanOrEqualTo(3);
        assertThat(json("run", "rerank", model("text-classification-regression"), "--query", "what", "a", "b", "--json")
                .get("score").doubleValue()).isPositive();
        assertThat(json("run", "translation", model("translation"), "loom", "--from", "de", "--to", "en",
                "--max-new-tokens", "12", "--json")
                .get("answer").stringValue()).isEqualTo("e");
        assertThat(json("run", "text-classification", CLASSIFIER, "wool", "--function", "none", "--json").get("score")
                .isNumber()).isTrue();
    }

    @Test
    void each_translation_is_drawn_with_where_the_model_looked(@TempDir Path folder) throws IOException {
        Path drawn = folder.resolve("drawn");
        JsonNode answer = json("run", "translation", model("marian"), "loom", "--alignment", drawn.toString(),
                "--json");
        JsonNode written = new JsonMapper().readTree(drawn.resolve("1.json").toFile());
        assertThat(written.get("answer")).isEqualTo(answer.get("answer"));
        assertThat(written.get("weights").size()).isEqualTo(answer.get("output_tokens").intValue());
        assertThat(written.get("weights").get(0).size()).isEqualTo(answer.get("input_tokens").intValue());
        assertThat(Files.readString(drawn.resolve("1.svg"))).contains(">lo</text>").contains("&lt;/s&gt;");
        assertThat(Ran.weft("run", "translation", model("marian"), "loom", "--alignment-layer", "1").refusal())
                .contains("--alignment-layer is for --alignment");
    }

    @Test
    void the_help_lists_every_task_and_every_option_has_one() {
        String help = Ran.weft("run", "--help").out();
        assertThat(EnumSet.allOf(Task.class))
                .allSatisfy(task -> assertThat(help).contains(task.title()).contains(task.about()));
        assertThat(help).contains("weft chat FOLDER");
        assertThat(
                help.lines().map(String::strip).filter(line -> line.startsWith("--")).map(line -> line.split("[= ]")[0])
                        .filter(option -> !List
                                .of("--field", "--unit", "--out", "--restart", "--precision", "--device", "--json",
                                        "--stacktrace")
                                .contains(option)))
                .isNotEmpty().allSatisfy(option -> assertThat(RunTask.knowing(option)).as(option).isNotEmpty());
        assertThat(Ran.weft("info", model("zero-shot-classification")).out())
                .containsPattern("tasks +\\[text-classification, zero-shot-classification\\]");
        assertThat(Ran.weft("info", model("chat")).out()).containsPattern("tasks +\\[text-generation, chat\\]");
    }

    @Test
    void lines_that_cannot_be_answered_are_named_and_the_others_answered() throws IOException {
        Path texts = Files.writeString(folder.resolve("texts.jsonl"),
                "{\"text\": \"great film\", \"id\": 1}\nnope\n{\"title\": 3}\n{\"text\": \"wool\"}\n{\"text\": \" \"}\n"
                        + "{\"text\": \"%s\"}\n{\"text\": \"the sea\"} {}\n".formatted("wool ".repeat(300)));
        Path out = folder.resolve("out.jsonl");

        Ran ran = Ran.weft("run", "text-classification", CLASSIFIER, texts.toString(), "--out", out.toString());

        assertThat(ran.status()).isEqualTo(2);
        assertThat(ran.err()).contains("line 2: not JSON", "line 3: no object with a text \"text\"",
                "line 5: is empty; give at least one word",
                "line 6: has 602 tokens and this model has room for 128; shorten it or ask for truncation",
                "line 7: not JSON: Trailing token\n", "5 of 7 texts failed; the others are answered");
        assertThat(lines(out)).hasSize(2);
        assertThat(lines(out).getFirst().get("id").intValue()).isEqualTo(1);
        assertThat(folder.toFile().list()).containsExactlyInAnyOrder("texts.jsonl", "out.jsonl");

        assertThat(Ran.weft("run", "text-classification", CLASSIFIER, texts.toString(), "--truncate").err())
                .contains("4 of 7 texts failed");
    }

    @Test
    void what_is_no_text_fails_by_its_line_too() throws IOException {
        Path texts = Files.write(folder.resolve("texts.txt"),
                new byte[]{'w', 'o', 'o', 'l', '\r', '\n', (byte) 0xff, '\n', '\n', 's', 'e', 'a'});
        Ran ran = Ran.weft("run", "text-classification", CLASSIFIER, texts.toString(), "--json");
        assertThat(ran.status()).isEqualTo(2);
        assertThat(ran.err()).contains("line 2: is not UTF-8", "line 3: is empty");
        assertThat(ran.out().lines().map(line -> new JsonMapper().readTree(line).get("text").stringValue()))
                .containsExactly("wool", "sea");
    }

    @Test
    void what_a_model_cannot_do_is_refused_in_one_line() {
        assertThat(Ran.weft("run", "poetry", model("fill-mask"), "x").err())
                .contains("unknown task \"poetry\"; choose one of text-classification");
        assertThat(Ran.weft("run", "chat", model("chat"), "x").refusal())
                .isEqualTo("weft: chat is a conversation, which weft run does not hold; say: weft chat FOLDER");
        Ran ran = Ran.weft("run", "fill-mask", model("embeddings"), "x");
        assertThat(ran.status()).isEqualTo(1);
        assertThat(ran.err()).contains(
                "holds a BertModel, which can do: feature-extraction, embeddings, similarity; asked for fill-mask");
        assertThat(Ran.weft("run", "rerank", model("text-classification-regression"), "a").err())
                .contains("rerank needs --query");
    }

    @Test
    void options_of_other_tasks_and_contradictions_are_refused() {
        assertThat(Ran.weft("run", "fill-mask", model("fill-mask"), "x", "--labels", "a").refusal()).isEqualTo(
                "weft: fill-mask does not know --labels, which is for zero-shot-classification; it knows --targets, --top-k, --truncate");
        assertThat(Ran.weft("run", "summarization", model("text-to-text"), "x", "--truncate", "--windows").refusal())
                .contains("--truncate and --windows contradict each other");
        assertThat(Ran.weft("run", "summarization", model("text-to-text"), "x", "--unit", "page").refusal())
                .contains("--unit is line or file, found \"page\"");
        assertThat(Ran.weft("run", "embeddings", model("embeddings"), "x", "--restart").refusal())
                .contains("--restart is for --out");
        assertThat(Ran.weft("run", "feature-extraction", model("embeddings"), "x", "--out", "x.npy").refusal())
                .contains("x.npy: only embeddings are a vector for each text");
        assertThat(Ran.weft("run", "fill-mask", model("fill-mask")).refusal()).contains("give texts or files");
        assertThat(Ran.weft("run", "translation", model("text-to-text"), "x", "--to", "de").refusal())
                .contains("\"de\" cannot be chosen: this model names no languages");
        assertThat(Ran.weft("run", "translation", model("translation"), "x").refusal())
                .contains("into which language? Give --to; this model has af, am, ar, ");
    }

    @Test
    void files_that_cannot_be_read_or_written_are_refused_before_the_model_is_opened() throws IOException {
        String[] command = {"run", "fill-mask", "no/such/model", "x", "--out"};
        assertThat(Ran.weft(with(command, folder.toString())).refusal())
                .contains("is a folder; name a file to write to");
        assertThat(Ran.weft(with(command, folder.resolve("none/out.jsonl").toString())).refusal())
                .contains("out.jsonl: there is no folder " + folder.resolve("none"));
        assertThat(Ran.weft("run", "fill-mask", "no/such/model", "missing.jsonl").refusal())
                .isEqualTo("weft: missing.jsonl: there is no such file");
        Path table = Files.writeString(folder.resolve("a.csv"), "text\nwool\n");
        assertThat(Ran.weft("run", "fill-mask", "no/such/model", table.toString()).refusal())
                .contains("a.csv is a table, which is not read");
        assertThat(Ran.weft("run", "fill-mask", "no/such/model", folder.toString()).refusal()).contains("is a folder");
        Ran.weft(with(command, folder.resolve("out.jsonl").toString()));
        assertThat(folder.toFile().list()).containsExactly("a.csv");
    }

    private static String[] with(String[] command, String last) {
        String[] all = Arrays.copyOf(command, command.length + 1);
        all[command.length] = last;
        return all;
    }

    @Test
    @DisabledOnOs({OS.WINDOWS, OS.MAC})
    void a_full_disk_is_one_message() {
        Ran ran = Ran.weft("run", "text-classification", CLASSIFIER, "wool", "--out", "/dev/full");
        assertThat(ran.status()).isEqualTo(1);
        assertThat(ran.refusal()).isEqualTo("weft: /dev/full cannot be written: No space left on device");
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void a_link_is_written_through_and_stays_a_link() throws IOException {
        Path real = Files.writeString(Files.createDirectory(folder.resolve("real")).resolve("out.jsonl"), "old");
        Path link = Files.createSymbolicLink(folder.resolve("link.jsonl"), real);
        assertThat(Ran.weft("run", "text-classification", CLASSIFIER, "wool", "--out", link.toString()).status())
                .isZero();
        assertThat(link).isSymbolicLink();
        assertThat(lines(real)).hasSize(1);
        assertThat(real.getParent().toFile().list()).containsExactly("out.jsonl");
    }

    @Test
    void packed_files_are_read_and_written_and_say_the_same() throws IOException {
        Path texts = texts(1500);
        Path packed = folder.resolve("texts.txt.gz");
        try (var to = new GZIPOutputStream(Files.newOutputStream(packed))) {
            Files.copy(texts, to);
        }
        Path plain = folder.resolve("plain.jsonl");
        Path out = folder.resolve("out.jsonl.gz");
        assertThat(Ran.weft("run", "text-classification", CLASSIFIER, texts.toString(), "--out", plain.toString())
                .status()).isZero();
        assertThat(Ran.weft("run", "text-classification", CLASSIFIER, packed.toString(), "--out", out.toString())
                .status()).isZero();
        try (var from = new GZIPInputStream(Files.newInputStream(out))) {
            assertThat(new String(from.readAllBytes(), StandardCharsets.UTF_8)).isEqualTo(Files.readString(plain));
        }
        assertThat(lines(plain).stream().map(line -> line.get("text").stringValue()))
                .isEqualTo(Files.readAllLines(texts));
    }

    @Test
    void vectors_are_rows_of_a_numpy_file_with_the_numbers_of_the_lines() throws IOException {
        Path texts = Files.writeString(folder.resolve("texts.txt"), "wool\n\nthe sea\n");
        Path out = folder.resolve("vectors.npy");
        assertThat(Ran.weft("run", "embeddings", model("embeddings"), texts.toString(), "--out", out.toString())
                .status()).isEqualTo(2);
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(out)).order(ByteOrder.LITTLE_ENDIAN);
        int head = 10 + bytes.getShort(8);
        assertThat(head % 64).isZero();
        assertThat(new String(bytes.array(), 10, head - 10, StandardCharsets.US_ASCII))
                .startsWith("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 16), }").endsWith(" \n");
        assertThat(bytes.capacity()).isEqualTo(head + 3 * 16 * 4);
        JsonNode sea = json("run", "embeddings", model("embeddings"), "the sea", "--json").get("vector");
        for (int i = 0; i < 16; i++) {
            assertThat(bytes.getFloat(head + (16 + i) * 4)).isNaN();
            assertThat(bytes.getFloat(head + (32 + i) * 4)).isCloseTo(sea.get(i).floatValue(),
                    org.assertj.core.api.Assertions.within(1e-5f));
        }
        Path empty = Files.createFile(folder.resolve("empty.txt"));
        assertThat(Ran.weft("run", "embeddings", model("embeddings"), empty.toString(), "--out", out.toString())
                .status()).isZero();
        assertThat(Files.size(out)).isEqualTo(128);
    }

    @Test
    void a_page_is_one_summary_and_lines_are_many_when_asked() throws IOException {
        Path page = Files.writeString(folder.resolve("page.txt"), "wool is\nwoven wool");
        assertThat(Ran.weft("run", "summarization", model("text-to-text"), page.toString()).out().lines())
                .filteredOn(line -> line.startsWith("text: ")).hasSize(1);
        assertThat(Ran.weft("run", "summarization", model("text-to-text"), page.toString(), "--unit", "line", "--json")
                .out().lines()).hasSize(2);
        Path endless = Files.writeString(folder.resolve("long.txt"), "wool ".repeat(300));
        assertThat(Ran.weft("run", "summarization", model("text-to-text"), endless.toString()).err())
                .contains("ask for truncation or windows");
        assertThat(json("run", "summarization", model("text-to-text"), endless.toString(), "--windows", "--json")
                .get("windows").intValue()).isGreaterThan(1);
    }

    @Test
    void questions_come_from_the_lines_of_a_file_or_are_missed_by_name() throws IOException {
        Path texts = Files.writeString(folder.resolve("texts.jsonl"),
                "{\"text\": \"Ada wrote.\", \"question\": \"Who?\"}\n{\"text\": \"Ada wrote.\"}\n");
        Ran ran = Ran.weft("run", "question-answering", model("question-answering"), texts.toString(), "--json");
        assertThat(ran.status()).isEqualTo(2);
        assertThat(ran.err()).contains("line 2: has no question; give --question");
        assertThat(ran.out().lines()).hasSize(1);
    }

    @Test
    void prompts_are_gone_on_with_each_by_chances_of_its_own() throws IOException {
        Path corpus = Files.writeString(folder.resolve("corpus.txt"), "the cat sat on the mat.\n".repeat(30));
        Path run = folder.resolve("run");
        assertThat(Ran.weft(CommandsTest.train(corpus, run)).status()).isZero();
        Path prompts = Files.writeString(folder.resolve("prompts.txt"), "the \nthe \nthe the the the\nthe \n");
        String[] command = {"run", "text-generation", run.toString(), prompts.toString(), "--max-new-tokens", "4",
                "--temperature", "5", "--seed", "3", "--json"};
        Ran ran = Ran.weft(command);
        assertThat(ran.status()).isEqualTo(2);
        assertThat(ran.err()).contains("prompts.txt, line 3: cannot be answered: The prompt has 15 tokens");
        List<String> answers = ran.out().lines().map(line -> new JsonMapper().readTree(line).get("answer").toString())
                .toList();
        assertThat(answers).hasSize(3);
        assertThat(new HashSet<>(answers)).hasSizeGreaterThan(1);
        assertThat(Ran.weft(command).out()).isEqualTo(ran.out());
    }

    @Test
    void standard_input_is_answered_as_it_comes() {
        InputStream before = System.in;
        try {
            System.setIn(new ByteArrayInputStream("wool\nthe sea\n".getBytes(StandardCharsets.UTF_8)));
            assertThat(Ran.weft("run", "text-classification", CLASSIFIER, "-", "--json").out().lines()).hasSize(2);
        } finally {
            System.setIn(before);
        }
    }

    @Test
    void the_best_passages_are_shown_first_and_a_file_has_all_in_their_order() throws IOException {
        Path passages = texts(40);
        String[] command = {"run", "rerank", model("text-classification-regression"), "--query", "where?",
                passages.toString()};
        List<Double> shown = Ran.weft(command).out().lines().map(line -> Double.valueOf(line.split("score: ")[1]))
                .toList();
        assertThat(shown).hasSize(5).isSortedAccordingTo((a, b) -> Double.compare(b, a));
        Path out = folder.resolve("out.jsonl");
        assertThat(Ran.weft(with(with(command, "--out"), out.toString())).status()).isZero();
        assertThat(lines(out).stream().map(line -> line.get("text").stringValue()))
                .isEqualTo(Files.readAllLines(passages));
    }

    @Test
    void a_run_goes_on_only_with_the_same_command_and_drops_what_does_not_count() throws IOException {
        Path packed = folder.resolve("texts.txt.gz");
        var whole = new ByteArrayOutputStream();
        try (var to = new GZIPOutputStream(whole)) {
            Files.copy(texts(2500), to);
        }
        // A file that ends too early stops a run behind its first windows, each time.
        Files.write(packed, Arrays.copyOf(whole.toByteArray(), whole.size() - 20));
        Path part = folder.resolve("out.jsonl.part");
        String[] command = {"run", "text-classification", CLASSIFIER, packed.toString(), "--out",
                folder.resolve("out.jsonl").toString()};
        Ran stopped = Ran.weft(command);
        assertThat(stopped.status()).isEqualTo(1);
        assertThat(stopped.refusal()).contains("texts.txt.gz cannot be read behind line")
                .contains("it ends too early; is it whole?");
        List<String> counted = Files.readAllLines(part);
        assertThat(counted).hasSize(2048);

        Files.writeString(part, "{\"text\": \"torn", StandardOpenOption.APPEND);
        assertThat(Ran.weft(with(command, "--truncate")).refusal()).contains(
                "out.jsonl.part was begun by another command, or the model or a file has changed since; --restart begins anew");
        assertThat(Ran.weft(command).err()).contains("going on behind 2,048 texts");
        assertThat(Files.readAllLines(part)).isEqualTo(counted);
        assertThat(Ran.weft(with(command, "--restart")).err()).doesNotContain("going on");
        assertThat(Files.readAllLines(part)).isEqualTo(counted);
    }
}
