package dev.weft.text.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.text.Encoding;
import dev.weft.jinja.Template;
import dev.weft.jinja.TemplateException;
import dev.weft.jinja.TemplateLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatTemplateTest {
    private static final String CHATML = "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}"
            + "{% if add_generation_prompt %}<assistant>{% endif %}";
    private static final Conversation TALK = Conversation.of(List.of(Conversation.message("user", "Hi 👋"),
            Conversation.message("assistant", "Yo"), Conversation.message("user", "Bye"),
            Conversation.message("assistant", "Ciao 👋")));

    @TempDir
    Path folder;

    private void write(String name, String content) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, content);
    }

    @Test
    void the_file_of_its_own_comes_before_the_settings_and_brings_others_along() throws IOException {
        write("tokenizer_config.json", "{\"chat_template\": \"old\", \"bos_token\": \"<s>\"}");
        assertThat(ChatTemplate.load(folder).render(TALK)).isEqualTo("old");
        write("chat_template.jinja", "new{{ bos_token }}{{ unk_token }}");
        write("special_tokens_map.json", "{\"bos_token\": \"other\", \"unk_token\": {\"content\": \"<unk>\"}}");
        write("additional_chat_templates/rag.jinja", "rag");
        ChatTemplate both = ChatTemplate.load(folder);
        assertThat(both.render(TALK)).isEqualTo("new<s><unk>");
        assertThat(both.names()).containsExactly("default", "rag");
        assertThat(both.named("rag").render(TALK)).isEqualTo("rag");
    }

    @Test
    void a_template_for_tools_is_taken_when_there_are_tools() throws IOException {
        write("tokenizer_config.json", "{\"chat_template\": [{\"name\": \"default\", \"template\": \"plain\"}, "
                + "{\"name\": \"tool_use\", \"template\": \"tools\"}]}");
        ChatTemplate template = ChatTemplate.load(folder);
        assertThat(template.render(TALK)).isEqualTo("plain");
        assertThat(template.render(TALK.withTools(List.of(Map.of("name", "f"))))).isEqualTo("tools");
        assertThatThrownBy(() -> template.named("rag")).hasMessageContaining("there are: default, tool_use");
    }

    @Test
    void folders_without_a_usable_template_say_why() throws IOException {
        assertThatThrownBy(() -> ChatTemplate.load(folder)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll(folder.toString(), "chat_template.jinja");
        write("chat_template.json", "{\"chat_template\": \"legacy\"}");
        assertThat(ChatTemplate.load(folder).render(TALK)).isEqualTo("legacy");
        write("tokenizer_config.json", "{\"chat_template\": [{\"name\": \"a\", \"template\": \"x\"}]}");
        assertThatThrownBy(() -> ChatTemplate.load(folder).render(TALK)).hasMessageContaining("choose one of: a");
        write("tokenizer_config.json", "{\"chat_template\": 5}");
        assertThatThrownBy(() -> ChatTemplate.load(folder)).hasMessageContainingAll("tokenizer_config.json", "NUMBER");
        write("tokenizer_config.json", "{\"chat_template\": ");
        assertThatThrownBy(() -> ChatTemplate.load(folder)).hasMessageContainingAll("tokenizer_config.json", "JSON");
        write("tokenizer_config.json", "{}");
        write("chat_template.jinja", "a\n{% if x %}");
        assertThatThrownBy(() -> ChatTemplate.load(folder)).isInstanceOf(TemplateException.class)
                .hasMessageContainingAll("chat_template.jinja, line 2", "endif");
    }

    @Test
    void the_assistants_turns_have_a_place_with_generation_blocks_and_without() {
        String blocks = CHATML.replace("<{{ m.role }}>{{ m.content }}\n",
                "<{{ m.role }}>{% if m.role == 'assistant' %}{% generation %}{{ m.content }}\n{% endgeneration %}"
                        + "{% else %}{{ m.content }}\n{% endif %}");
        for (String source : List.of(CHATML, blocks)) {
            RenderedChat chat = ChatTemplate.of("t", source).renderWithTurns(TALK);
            assertThat(chat.text()).isEqualTo("<user>Hi 👋\n<assistant>Yo\n<user>Bye\n<assistant>Ciao 👋\n");
            assertThat(chat.assistantTurns().stream().map(turn -> chat.text().substring(turn.start(), turn.end())))
                    .containsExactly("Yo\n", "Ciao 👋\n");
        }
    }

    @Test
    void turns_that_change_with_what_follows_have_no_place() {
        String forgets = "{% for m in messages %}{{ m.role }}{{ m.content if loop.last }}{% endfor %}";
        assertThatThrownBy(() -> ChatTemplate.of("forgetful", forgets).renderWithTurns(TALK))
                .hasMessageContainingAll("forgetful", "message 1");
        assertThatThrownBy(() -> ChatTemplate.of("forgetful", forgets).renderWithTurns(TALK)).hasMessageContainingAll(
                "with all messages before it as the prompt", "\"prompt\" and \"completion\"", "{% generation %}");
        String hidden = "{% macro m() %}{% generation %}x{% endgeneration %}{% endmacro %}{{ m() }}";
        assertThat(ChatTemplate.of("t", hidden).render(TALK)).isEqualTo("x");
        assertThatThrownBy(() -> ChatTemplate.of("t", hidden).renderWithTurns(TALK)).hasMessageContaining("macro");
    }

    @Test
    void the_last_turn_has_a_place_by_a_template_that_writes_earlier_ones_otherwise() {
        String thoughts = "{% for m in messages %}<{{ m.role }}>{{ m.content if loop.last or m.role == 'user' else 'gone' }}\n"
                + "{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";
        String blocks = thoughts.replace("{{ m.content if loop.last or m.role == 'user' else 'gone' }}",
                "{% if m.role == 'user' %}{{ m.content }}{% else %}{% generation %}{{ m.content if loop.last else 'gone' }}\n"
                        + "{% endgeneration %}{% endif %}")
                .replace("%}\n{% endfor", "%}{% endfor");
        for (String source : List.of(thoughts, blocks)) {
            RenderedChat chat = ChatTemplate.of("t", source).renderWithTurns(TALK, 3);
            assertThat(chat.text()).contains("<assistant>gone");
            assertThat(chat.assistantTurns().stream().map(turn -> chat.text().substring(turn.start(), turn.end())))
                    .as(source).containsExactly("Ciao 👋\n");
        }
        RenderedChat plain = ChatTemplate.of("t", CHATML).renderWithTurns(TALK, 2);
        assertThat(plain.assistantTurns()).hasSize(1);
        assertThat(plain).isEqualTo(ChatTemplate.of("t", CHATML).renderWithTurns(TALK, 3));
    }

    @Test
    void tokens_that_touch_a_turn_are_the_assistants() {
        int[] starts = {0, 0, 2, 5, 7};
        int[] ends = {0, 2, 5, 7, 9};
        var encoding = new Encoding(new int[5], new String[5], starts, ends, new int[5], new int[5], new int[5],
                new boolean[5], new int[5]);
        assertThat(new RenderedChat("123456789", List.of(new Template.Span(4, 7))).assistantMask(encoding))
                .containsExactly(false, false, true, true, false);
    }

    @Test
    void a_last_message_is_cut_off_to_be_continued() {
        Conversation open = Conversation.of(List.of(Conversation.message("user", "Hi"),
                Conversation.message("assistant", "It is "))).continuingFinalMessage();
        assertThat(ChatTemplate.of("t", CHATML).render(open)).isEqualTo("<user>Hi\n<assistant>It is ");
        assertThat(ChatTemplate.of("t", CHATML.replace("m.content", "m.content|trim")).render(open))
                .isEqualTo("<user>Hi\n<assistant>It is");
        assertThatThrownBy(() -> ChatTemplate.of("t", "{{ messages|length }}").render(open))
                .hasMessageContaining("cannot be continued");
        assertThatThrownBy(open::withGenerationPrompt).hasMessageContaining("not with both");
    }

    @Test
    void a_refused_conversation_shows_the_templates_own_words() {
        ChatTemplate template = ChatTemplate.of("strict",
                "\n{% if messages[0].role != 'system' %}\n{{ raise_exception('A system message comes first.') }}{% endif %}");
        assertThatThrownBy(() -> template.render(TALK)).isInstanceOfSatisfying(TemplateException.class, e -> {
            assertThat(e).hasMessage("strict, line 3: the template refuses: A system message comes first.");
            assertThat(e.refusal()).isEqualTo("A system message comes first.");
            assertThat(e.line()).isEqualTo(3);
        });
    }

    @Test
    void conversations_that_are_none() {
        assertThatThrownBy(() -> Conversation.of(List.of())).hasMessageContaining("empty");
        assertThatThrownBy(() -> Conversation.of(List.of("Hi"))).hasMessageContainingAll("entry 0", "STRING");
        assertThatThrownBy(() -> Conversation.parse("[")).hasMessageContaining("not JSON");
        assertThatThrownBy(() -> Conversation.parse("5")).hasMessageContaining("list of messages");
        assertThatThrownBy(() -> TALK.withTools(List.of(1))).hasMessageContaining("the tools, entry 0");
        assertThatThrownBy(() -> TALK.with("messages", 1)).hasMessageContaining("messages");
    }

    @Test
    void a_template_is_shared_by_threads() {
        ChatTemplate template = ChatTemplate.of("t",
                "{% set ns = namespace(n=0) %}{% for i in range(200) %}{% set ns.n = ns.n + k %}{% endfor %}{{ ns.n }}");
        List<String> found = IntStream.range(0, 64).parallel().mapToObj(k -> template.render(TALK.with("k", k)))
                .toList();
        assertThat(found).isEqualTo(IntStream.range(0, 64).mapToObj(k -> Integer.toString(200 * k)).toList());
    }

    @Test
    void limits_are_set_by_who_renders() {
        ChatTemplate template = ChatTemplate.of("t", CHATML).withLimits(TemplateLimits.USUAL.withOutputChars(5));
        assertThatThrownBy(() -> template.render(TALK)).isInstanceOf(TemplateException.class)
                .hasMessageContaining("5 characters");
    }

    @Test
    void a_conversation_grows_by_a_message_and_is_written_as_it_is_read() {
        Conversation asked = Conversation.of(List.of(Conversation.message("user", "Hi 👋")))
                .withTools(List.of(Map.of("name", "f"))).withDocuments(List.of(Map.of("text", "d")))
                .withGenerationPrompt();
        Conversation more = asked.then(Conversation.message("assistant", "Yo"));

        assertThat(ChatTemplate.of("t", CHATML).render(more)).isEqualTo("<user>Hi 👋\n<assistant>Yo\n");
        assertThat(ChatTemplate.of("t", CHATML).render(asked)).isEqualTo("<user>Hi 👋\n<assistant>");
        assertThat(more.toJson().toString()).isEqualTo("{\"messages\":[{\"role\":\"user\",\"content\":\"Hi 👋\"},"
                + "{\"role\":\"assistant\",\"content\":\"Yo\"}],\"tools\":[{\"name\":\"f\"}],"
                + "\"documents\":[{\"text\":\"d\"}]}");
        assertThat(Conversation.parse(more.toJson().toString()).toJson()).isEqualTo(more.toJson());
        assertThatThrownBy(() -> more.then("Bye")).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("a message must be an object");
    }
}
