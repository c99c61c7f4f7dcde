package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Conversations with a small model that knows a few by heart (`build/chat_case.py`).
@Timeout(value = 5, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ChatCommandTest {
    private static final Path MODEL = Path.of("../run/src/test/resources/pipelines/chat");
    private static final JsonMapper JSON = new JsonMapper();

    @TempDir
    Path folder;

    private @Nullable Process started;

    private static Ran chat(String input, String... more) {
        var arguments = new ArrayList<>(List.of("chat", MODEL.toString()));
        arguments.addAll(List.of(more));
        InputStream in = System.in;
        try {
            System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
            return Ran.weft(arguments.toArray(String[]::new));
        } finally {
            System.setIn(in);
        }
    }

    @Test
    void each_line_is_answered_and_what_was_said_is_remembered() {
        Ran ran = chat("Hello\n\nWhat is the capital of Spain?\n/reset\nWhat is the capital of Spain?\nAnd of Norway?");

        assertThat(ran.status()).as(ran.err()).isZero();
        assertThat(ran.out().lines()).hasSize(4).startsWith("Hello! How can I help you?").endsWith("Madrid.", "Oslo.");
        assertThat(ran.err().lines()).containsExactly("begun anew");
    }

    @Test
    void the_system_message_is_given_changed_and_outlives_a_reset() {
        assertThat(chat("Hello\n", "--system", "Answer in German.").out()).isEqualTo("Guten Tag!%n".formatted());
        Ran ran = chat("/system\n/system Answer in French.\n/system Answer in German.\n/reset\nHello\n");
        assertThat(ran.out()).isEqualTo("Guten Tag!%n".formatted());
        assertThat(ran.err()).contains("nothing is said", "system: Answer in German.");
    }

    @Test
    void a_conversation_is_saved_and_gone_on_with() {
        Path file = folder.resolve("talk.json");
        Ran saved = chat("What is the capital of Italy?\n/save " + file + "\n");
        assertThat(saved.err()).contains("2 messages written to " + file);
        JsonNode messages = JSON.readTree(file.toFile()).get("messages");
        assertThat(messages.size()).isEqualTo(2);
        assertThat(messages.get(1).get("content").stringValue()).isEqualTo("Rome.");

        assertThat(chat("And of Norway?\n", "--load", file.toString()).out()).isEqualTo("Oslo.%n".formatted());
    }

    @Test
    void answers_for_programs_are_objects_with_tools_called() throws IOException {
        JsonNode talk = JSON.readTree(MODEL.resolve("expected.json").toFile()).get("talks").valueStream()
                .filter(each -> !each.get("tools").isNull()).findFirst().orElseThrow();
        Path file = folder.resolve("tools.json");
        Files.writeString(file,
                "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}], \"tools\": " + talk.get("tools") + "}");

        Ran ran = chat("/reset\nWhat is the weather in Oslo?\n", "--load", file.toString(), "--json");

        JsonNode answer = JSON.readTree(ran.out());
        assertThat(answer.get("text").stringValue()).isEmpty();
        assertThat(answer.get("tool_calls").get(0).get("function").toString())
                .contains("\"name\":\"weather\"", "{\"city\":\"Oslo\"}");
        assertThat(answer.get("prompt_tokens").intValue()).isEqualTo(talk.get("prompt_tokens").intValue());
        assertThat(answer.get("new_tokens").intValue()).isEqualTo(talk.get("new_tokens").intValue());
        assertThat(answer.get("finish").stringValue()).isEqualTo("end_id");
        assertThat(chat("/reset\nWhat is the weather in Oslo?\n", "--load", file.toString()).out())
                .isEqualTo("[calls weather {\"city\":\"Oslo\"}]%n".formatted());
    }

    @Test
    void settings_are_options_or_set_by_their_names() {
        Ran cut = chat("Tell me a story.\n", "--max-new-tokens", "5");
        assertThat(cut.out().strip()).isEqualTo("Once upon a");
        assertThat(cut.err()).contains("cut after 5 tokens; --max-new-tokens allows more");
        assertThat(chat("Tell me a story.\n", "--stop", " at her").out().strip()).endsWith("weaver sat");
        assertThat(chat("Hello\n", "--set", "num_beams=3").out().strip()).isEqualTo("Hello! How can I help you?");
        String wild = chat("Hello\n", "--temperature", "30", "--top-k", "0", "--seed", "5", "--max-new-tokens", "20")
                .out();
        assertThat(wild).isNotEqualTo(chat("Hello\n", "--max-new-tokens", "20").out()).isEqualTo(
                chat("Hello\n", "--set", "temperature=30", "--set", "top_k=0", "--seed", "5", "--max-new-tokens", "20")
                        .out());
        assertThat(chat("Hello\n", "--set", "temprature=3").refusal()).contains("\"temprature\" is no setting");
        assertThat(chat("Hello\n", "--set", "temperature=warm").refusal()).contains("temperature", "warm");
        assertThat(chat("Hello\n", "--max-new-tokens", "0").refusal()).contains("at least 1, found 0");
    }

    @Test
    void a_conversation_that_outgrows_the_context_loses_nothing() {
        Path file = folder.resolve("talk.json");
        Ran ran = chat("What is the capital of Spain?\n" + "weave ".repeat(300) + "\nAnd of Norway?\n/save " + file);

        assertThat(ran.status()).isEqualTo(2);
        assertThat(ran.out()).isEqualTo("Madrid.%nOslo.%n".formatted());
        assertThat(ran.refusal()).contains("room for 512", "your last message is not taken in", "/reset begins anew");
        assertThat(ran.err()).contains("4 messages written");
        Ran full = chat("a".repeat(480) + "\n", "--set", "min_new_tokens=100");
        assertThat(full.err()).contains("no room for more; /save FILE keeps this, /reset begins anew");
    }

    @Test
    void what_is_wrong_is_said_in_one_line_and_the_conversation_goes_on() throws IOException {
        Path taken = Files.writeString(folder.resolve("taken"), "");
        Ran ran = chat("/foo\n/save\n/save " + taken + "/talk.json\n//Hello\n/exit\nHello\n");
        assertThat(ran.status()).isEqualTo(2);
        assertThat(ran.out().lines()).hasSize(1);
        assertThat(ran.err().lines().filter(line -> line.startsWith("weft: "))).hasSize(3).satisfiesExactly(
                line -> assertThat(line).contains("no command /foo; /help lists them"),
                line -> assertThat(line).contains("/save needs a file"), line -> assertThat(line).contains("taken"));
        assertThat(chat("/help").err()).contains("/reset", "/system TEXT", "/save FILE", "/exit");

        Path bad = Files.writeString(folder.resolve("bad.json"), "{\"a\": 1}");
        assertThat(chat("", "--load", bad.toString()).refusal()).contains("bad.json", "messages");
        Ran none = Ran.weft("chat", MODEL.resolveSibling("fill-mask").toString());
        assertThat(none.status()).isEqualTo(1);
        assertThat(none.refusal()).contains("fill-mask: no chat template here; expected chat_template.jinja");
    }

    @AfterEach
    void leaveNothingRunning() {
        if (started != null) {
            started.destroyForcibly();
        }
    }

    /// The model with a thousand times the positions, in a process of its own, telling a story that has no end.
    private Process endless(String more) throws IOException {
        try (var files = Files.list(MODEL)) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
        Path config = folder.resolve("config.json");
        Files.writeString(config, Files.readString(config).replace("\"max_position_embeddings\": 512",
                "\"max_position_embeddings\": 512000"));
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m", "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"),
                "dev.weft.cli.Weft", "chat", folder.toString(), "--max-new-tokens", "500000", "--set",
                "suppress_tokens=[2]").redirectErrorStream(true).start();
        started = process;
        process.getOutputStream().write(("Tell me a story.\n" + more).getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().flush();
        assertThat(process.getInputStream().readNBytes(40)).asString(StandardCharsets.UTF_8).startsWith("Once upon");
        return process;
    }

    private static void interrupt(Process process) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
    }

    /// A shell's background job ignores Ctrl-C, and so do its children.
    private static void assumeCtrlCIsHeard() throws IOException {
        Path status = Path.of("/proc/self/status");
        assumeThat(status).exists();
        assumeThat(Files.readAllLines(status)).noneMatch(line -> line.matches("SigIgn:.*[2367abefABEF]"));
    }

    @Test
    void ctrl_c_stops_the_answer_and_the_program_goes_on() throws Exception {
        assumeCtrlCIsHeard();
        Path talk = folder.resolve("talk.json");
        Process process = endless("/save " + talk + "\n/exit\n");
        interrupt(process);
        String rest = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(process.waitFor()).isZero();
        assertThat(rest).contains("(stopped)", "2 messages written to");
        assertThat(JSON.readTree(talk.toFile()).get("messages").get(1).get("content").stringValue())
                .startsWith("Once upon a time a weaver");
    }

    @Test
    void a_second_ctrl_c_ends_the_program() throws Exception {
        assumeCtrlCIsHeard();
        Process process = endless("");
        interrupt(process);
        var shown = new StringBuilder();
        while (shown.indexOf("(stopped)") < 0) {
            int next = process.getInputStream().read();
            assertThat(next).as(shown.toString()).isNotNegative();
            shown.append((char) next);
        }
        interrupt(process);

        assertThat(process.waitFor()).isEqualTo(130);
    }

    @Test
    void who_reads_no_more_is_written_no_more() throws Exception {
        Process process = endless("");
        process.getInputStream().close();

        assertThat(process.waitFor()).isZero();
    }
}
