package dev.weft.data;

import static dev.weft.data.RowEncoderTest.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.text.chat.ChatTemplate;
import dev.weft.text.chat.Conversation;
import dev.weft.text.chat.RenderedChat;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class ChatsTest {
    private static final ChatTemplate PLAIN = ChatTemplate.of("plain",
            "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}");
    private static final String EXPECTED = "user: Hi\nassistant: Hello\n";

    private static Map<String, Object> message(String role, String content) {
        return Conversation.message(role, content);
    }

    private static String text(Row row) {
        return PLAIN.render(Chats.conversation(row));
    }

    @Test
    void messages_prompts_and_instructions_become_conversations() {
        assertThat(text(row("messages", List.of(message("user", "Hi"), message("assistant", "Hello")))))
                .isEqualTo(EXPECTED);
        assertThat(text(row("prompt", "Hi", "completion", "Hello"))).isEqualTo(EXPECTED);
        assertThat(text(row("prompt", List.of(message("user", "Hi")), "completion",
                List.of(message("assistant", "Hello"))))).isEqualTo(EXPECTED);
        assertThat(text(row("conversations", List.of(Map.of("from", "human", "value", "Hi"),
                Map.of("from", "gpt", "value", "Hello"))))).isEqualTo(EXPECTED);
        assertThat(text(row("instruction", "Hi", "input", "", "output", "Hello"))).isEqualTo(EXPECTED);
        assertThat(text(row("instruction", "Add", "input", "1 2", "output", "3")))
                .isEqualTo("user: Add\n\n1 2\nassistant: 3\n");
    }

    @Test
    void a_preference_is_two_conversations_with_one_beginning() {
        Chats.Preference texts = Chats.preference(row("prompt", "Hi", "chosen", "Hello", "rejected", "Go"));
        Chats.Preference whole = Chats.preference(row("chosen",
                List.of(message("user", "Hi"), message("assistant", "Hello")), "rejected",
                List.of(message("user", "Hi"), message("assistant", "Go"))));

        assertThat(PLAIN.render(texts.chosen())).isEqualTo(EXPECTED).isEqualTo(PLAIN.render(whole.chosen()));
        assertThat(PLAIN.render(texts.rejected())).isEqualTo("user: Hi\nassistant: Go\n")
                .isEqualTo(PLAIN.render(whole.rejected()));
    }

    @Test
    void what_stands_in_a_prompt_is_given_and_only_the_completion_is_learned() {
        Row row = row("prompt", List.of(message("user", "a"), message("assistant", "b"), message("user", "c")),
                "completion", List.of(message("assistant", "d"), message("user", "e"), message("assistant", "f")));
        List<String> templates = List.of(
                "{% for m in messages %}{{ m.role[0] }}: {% generation %}{{ m.content }};{% endgeneration %}{% endfor %}",
                "{% for m in messages %}{{ m.role[0] }}: {{ m.content }};{% endfor %}{% if add_generation_prompt %}a: {% endif %}",
                // The first turns are written otherwise once others follow.
                "{% for m in messages %}{{ m.role[0] }}{% if loop.last %}!{% endif %}: {% generation %}{{ m.content }};{% endgeneration %}{% endfor %}");

        assertThat(templates.stream().limit(2).map(each -> learned(each, row)))
                .containsExactly("d;e;f;", "d;f;");
        assertThat(
                learned(templates.get(2).replace("{% generation %}", "{% if m.role == 'assistant' %}{% generation %}")
                        .replace("{% endgeneration %}", "{% endgeneration %}{% endif %}"), row))
                .isEqualTo("d;f;");
        assertThat(learned(templates.get(1), row("messages", List.of(message("user", "a"), message("assistant", "b"),
                message("user", "c"), message("assistant", "d"))))).isEqualTo("b;d;");
        Chats.Preference whole = Chats.preference(row("chosen",
                List.of(message("user", "a"), message("assistant", "b"), message("user", "c"),
                        message("assistant", "d")),
                "rejected",
                List.of(message("user", "a"), message("assistant", "b"), message("user", "c"),
                        message("assistant", "e"))));
        assertThat(whole.prompt()).isEqualTo(3);
    }

    private static String learned(String template, Row row) {
        RenderedChat chat = ChatTemplate.of("t", template).renderWithTurns(Chats.conversation(row), Chats.prompt(row));
        return chat.assistantTurns().stream().map(turn -> chat.text().substring(turn.start(), turn.end()))
                .collect(Collectors.joining());
    }

    @Test
    void a_row_that_is_no_conversation_is_told() {
        assertThatThrownBy(() -> text(row("question", "Hi"))).hasMessage("row 1: a conversation needs the column "
                + "messages or conversations, or prompt and completion, or instruction and output; the columns are question");
        assertThatThrownBy(() -> text(row("messages", List.of("Hi"))))
                .hasMessageStartingWith("row 1: the conversation, entry 0: a message must be an object");
        assertThatThrownBy(() -> Chats.preference(row("chosen", "a", "rejected", "b")))
                .hasMessage("row 1: \"chosen\" is a text, so a prompt is needed; the columns are chosen, rejected");
    }

    @Test
    void the_public_instructions_become_conversations() {
        assertThat(Rows.of(SharedData.path("instruct/alpaca-demo.json.gz")).count()).isEqualTo(900);
        Rows.of(SharedData.path("instruct/alpaca-demo.json.gz")).forEach(row -> Chats.conversation(row));
        Rows.of(SharedData.path("instruct/preference.json")).forEach(row -> Chats.preference(row));
    }
}
