package dev.weft.run.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.run.Completion;
import dev.weft.run.Finish;
import dev.weft.run.Generation;
import dev.weft.run.ScoreStep;
import dev.weft.tensor.TensorScope;
import dev.weft.text.Tokenizer;
import dev.weft.text.chat.ChatTemplate;
import dev.weft.text.chat.Conversation;
import dev.weft.jinja.TemplateException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// A small model that knows a few conversations by heart, and what the Python library's pipeline (transformers 4.57)
/// answers with it, made by `build/chat_case.py`.
class ChatTest {
    private static final Path FOLDER = Path.of("src/test/resources/pipelines/chat");
    private static final JsonNode EXPECTED = new JsonMapper().readTree(FOLDER.resolve("expected.json").toFile());
    private static Chat chat;

    @BeforeAll
    static void open() {
        chat = Pipelines.chat(FOLDER);
    }

    @AfterAll
    static void close() {
        chat.close();
    }

    private static Conversation user(String text) {
        return Conversation.of(List.of(Conversation.message("user", text)));
    }

    private static Conversation asked(JsonNode talk) {
        Conversation conversation = Conversation.of(talk.get("messages").valueStream().toList());
        return talk.get("tools").isNull() ? conversation : conversation.withTools(talk.get("tools"));
    }

    private static String shown(ReplyStream stream) {
        var text = new StringBuilder();
        stream.forEachRemaining(text::append);
        return text.toString();
    }

    @Test
    void replies_are_those_of_the_python_library() {
        for (JsonNode talk : EXPECTED.get("talks")) {
            Reply reply = chat.reply(asked(talk), chat.defaults());
            String answer = talk.get("answer").stringValue();

            assertThat(reply.promptTokens()).isEqualTo(talk.get("prompt_tokens").intValue());
            assertThat(reply.newTokens()).isEqualTo(talk.get("new_tokens").intValue());
            assertThat(reply.finish()).isEqualTo(Finish.END_ID);
            assertThat(reply.text()).isEqualTo(answer.startsWith("<tool_call>") ? "" : answer);
        }
    }

    @Test
    void a_stream_gives_the_same_in_pieces() {
        for (JsonNode talk : EXPECTED.get("talks")) {
            try (ReplyStream stream = chat.stream(asked(talk), chat.defaults())) {
                String text = shown(stream);
                Reply whole = chat.reply(asked(talk), chat.defaults());

                assertThat(text).isEqualTo(whole.text());
                assertThat(stream.reply()).isEqualTo(whole);
            }
        }
    }

    @Test
    void a_conversation_goes_on_with_what_was_said() {
        Conversation talk = user("What is the capital of Norway?");
        Reply first = chat.reply(talk, chat.defaults());
        Reply second = chat.reply(talk.then(first.message()).then(Conversation.message("user", "And of Spain?")),
                chat.defaults());

        assertThat(first.text()).isEqualTo("Oslo.");
        assertThat(second.text()).isEqualTo("Madrid.");
        assertThat(chat.reply("Hello")).isEqualTo("Hello! How can I help you?");
    }

    @Test
    void a_tool_is_called_and_its_result_answered() {
        JsonNode talk = EXPECTED.get("talks").valueStream().filter(each -> !each.get("tools").isNull()).findFirst()
                .orElseThrow();
        Conversation conversation = asked(talk);
        var pieces = new ArrayList<String>();
        Reply reply;
        try (ReplyStream stream = chat.stream(conversation, chat.defaults())) {
            stream.forEachRemaining(pieces::add);
            reply = stream.reply();
        }

        assertThat(pieces).isEmpty();
        assertThat(reply.text()).isEmpty();
        assertThat(reply.toolCalls()).singleElement().satisfies(call -> {
            assertThat(call.name()).isEqualTo("weather");
            assertThat(call.arguments().get("city").stringValue()).isEqualTo("Oslo");
        });
        assertThat(chat.reply(conversation.then(reply.message())
                .then(Map.of("role", "tool", "name", "weather", "content", "sunny")), chat.defaults()).text())
                .isEqualTo("It is sunny in Oslo.");
    }

    private static Reply said(String text, boolean withTools) {
        return Reply.of(new Completion(text, 1, 1, new float[]{0}, Finish.END_ID, Double.NaN), withTools);
    }

    @Test
    void what_is_no_call_stays_text() {
        Reply two = said("I look.\n<tool_call>{\"name\": \"a\", \"arguments\": {}}</tool_call>\n"
                + "<tool_call>\n{\"name\": \"b\", \"arguments\": {\"n\": 1}}", true);
        assertThat(two.text()).isEqualTo("I look.");
        assertThat(two.toolCalls()).extracting(ToolCall::name).containsExactly("a", "b");
        for (String text : List.of("<tool_call>no json</tool_call>", "<tool_call>{\"name\": 1, \"arguments\": {}}",
                "$1 <tool_call>{\"name\": \"a\"}</tool_call> \\", "<tool_call>[1]</tool_call>")) {
            assertThat(said(text, true).text()).isEqualTo(text);
            assertThat(said(text, true).toolCalls()).isEmpty();
        }
        assertThat(said("<tool_call>{\"name\": \"a\", \"arguments\": {}}", false).toolCalls()).isEmpty();
    }

    @Test
    void a_reply_ends_with_the_turn_though_no_file_names_its_end(@TempDir Path copy) throws IOException {
        Path other = copied(copy);
        Files.delete(other.resolve("generation_config.json"));
        for (String file : List.of("config.json", "tokenizer_config.json")) {
            Files.writeString(other.resolve(file), Files.readString(other.resolve(file))
                    .replaceAll("\"eos_token(_id)?\": (2|\"<.im_end.>\"),\\s*", ""));
        }
        try (var opened = Pipelines.chat(other)) {
            assertThat(opened.defaults().limits().endIds()).containsExactly(2);
            assertThat(opened.reply("Hello")).isEqualTo("Hello! How can I help you?");
        }
    }

    static Path copied(Path to) throws IOException {
        try (var files = Files.list(FOLDER)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
        return to;
    }

    @Test
    void the_last_message_is_continued_when_asked() {
        Conversation begun = user("Tell me a story.")
                .then(Conversation.message("assistant", "Once upon a time a weaver"));
        Reply reply = chat.reply(begun.continuingFinalMessage(), chat.defaults().withMaxNewTokens(9));

        assertThat(reply.text()).startsWith(" sat at her loom.");
        assertThat(reply.finish()).isEqualTo(Finish.LENGTH);
    }

    @Test
    void settings_begun_from_nothing_end_with_the_turn_too() {
        assertThat(chat.reply(user("Hello"), Generation.sampled(3).withTopK(1).withMaxNewTokens(200)).text())
                .isEqualTo("Hello! How can I help you?");
    }

    @Test
    void a_stream_that_is_left_early_computes_no_more_and_frees_its_memory() {
        long before = TensorScope.liveTensors();
        try (ReplyStream stream = chat.stream(user("Tell me a story."), chat.defaults())) {
            String said = stream.next() + stream.next();
            assertThat(TensorScope.liveTensors()).isGreaterThan(before);

            assertThat(stream.reply().finish()).isEqualTo(Finish.STOPPED);
            assertThat(stream.reply().text()).isEqualTo(said).startsWith("Once");
            assertThat(stream.reply().newTokens()).isLessThan(10);
        }
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
    }

    @Test
    void a_conversation_that_fills_the_context_is_refused_with_both_numbers() {
        assertThatThrownBy(() -> chat.reply(user("weave ".repeat(300)), chat.defaults()))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("room for 512")
                .hasMessageMatching("The conversation has \\d{3,4} tokens.*begin anew.*");
        // One that only just fits ends where the positions do.
        Conversation long500 = user("a".repeat(490));
        Reply reply = chat.reply(long500, chat.defaults().withMinNewTokens(100));
        assertThat(reply.finish()).isEqualTo(Finish.CONTEXT_FULL);
        assertThat(reply.promptTokens() + reply.newTokens()).isEqualTo(512);
    }

    @Test
    void what_the_template_refuses_says_why() {
        assertThatThrownBy(() -> chat.reply(Conversation.of(List.of(Conversation.message("pilot", "Hi"))),
                chat.defaults())).isInstanceOf(TemplateException.class).hasMessageContaining("Unknown role: pilot");
    }

    @Test
    void a_folder_that_cannot_chat_is_refused() {
        assertThatThrownBy(() -> Pipelines.chat(FOLDER.resolveSibling("fill-mask")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("fill-mask", "no chat template", "chat_template.jinja");
        assertThatThrownBy(() -> Pipelines.textGeneration(FOLDER.resolveSibling("fill-mask")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("holds a BertForMaskedLM, which can do: fill-mask; asked for text-generation");
        assertThatThrownBy(() -> Pipelines.textGeneration(FOLDER.resolveSibling("text-to-text")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("can do: summarization, translation");
    }

    @Test
    void prompts_are_gone_on_with_in_batches_each_as_alone_and_as_the_python_library_does() {
        List<String> prompts = EXPECTED.get("prompts").valueStream().map(JsonNode::stringValue).toList();
        List<String> texts = EXPECTED.get("texts").valueStream().map(JsonNode::stringValue).toList();
        try (var writer = Pipelines.textGeneration(FOLDER)) {
            Generation options = writer.defaults().withMaxNewTokens(12);

            assertThat(writer.generate(prompts, options)).isEqualTo(texts);
            for (String prompt : prompts) {
                assertThat(writer.generate(prompt, options)).isEqualTo(texts.get(prompts.indexOf(prompt)));
            }
        }
    }

    @Test
    void a_template_of_ones_own_serves_a_generator_that_is_there() {
        var template = ChatTemplate.of("mine",
                "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
                        + "{{ '<|im_start|>assistant\n' }}");
        try (var mine = Chat.of(Pipelines.textGeneration(FOLDER), template)) {
            assertThat(mine.reply("Hello")).isEqualTo("Hello! How can I help you?");
        }
    }

    @Test
    void tools_that_the_template_does_not_show_are_refused() {
        var template = ChatTemplate.of("mine", "{{ messages[0].content }}");
        try (var mine = Chat.of(Pipelines.textGeneration(FOLDER), template)) {
            Conversation withTools = user("Hello").withTools(List.of(Map.of("name", "f")));
            assertThatThrownBy(() -> mine.reply(withTools, mine.defaults()))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("does not show tools");
            assertThat(mine.reply(user("Hello").withTools(List.of()), mine.defaults()).promptTokens()).isPositive();
        }
    }

    @Test
    void a_step_of_ones_own_changes_what_is_said() {
        int oslo = Tokenizer.load(FOLDER).encode("Oslo", false).ids()[0];
        Chat other = chat.with(writer -> writer.withStep(ScoreStep.suppress(List.of(oslo))));

        assertThat(other.reply("What is the capital of Norway?")).isNotEqualTo("Oslo.").isNotEmpty();
        other.close();
        assertThat(chat.reply("What is the capital of Norway?")).isEqualTo("Oslo.");
    }

    @Test
    void one_file_that_holds_all_chats_by_the_template_inside() {
        Path files = Path.of("../checkpoint/src/test/resources/gguf");
        try (var small = Pipelines.chat(files.resolve("llama.gguf"))) {
            Reply reply = small.reply(user("t0 t0"), small.defaults().withMaxNewTokens(4));

            assertThat(small.template().render(user("t0 t0"))).endsWith("t0 t0").doesNotStartWith("t0");
            assertThat(reply.promptTokens()).isPositive();
            assertThat(reply.newTokens()).isBetween(1, 4);
        }
        assertThatThrownBy(() -> Pipelines.chat(files.resolve("qwen2.gguf")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("qwen2.gguf: no chat template here", "tokenizer.chat_template");
    }
}
