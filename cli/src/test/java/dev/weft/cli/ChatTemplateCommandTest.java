package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatTemplateCommandTest {
    private static final String TALK = "[{\"role\": \"user\", \"content\": \"Hi\"}, {\"role\": \"assistant\", \"content\": \"Yo\"}]";

    @TempDir
    Path folder;

    private Path talk;

    @BeforeEach
    void write() throws IOException {
        Files.writeString(folder.resolve("chat_template.jinja"), """
                {% for m in messages %}<{{ m.role }}>{{ m.content }}{{ eos_token }}
                {% endfor %}
                {% if tools %}{{ tools|tojson }}{% endif %}
                {% if mood is defined %}{{ mood }}{% endif %}
                {% if add_generation_prompt %}<assistant>{% endif %}
                """);
        Files.writeString(folder.resolve("tokenizer_config.json"), "{\"eos_token\": {\"content\": \"</s>\"}}");
        talk = Files.writeString(folder.resolve("talk.json"), TALK);
    }

    private Ran weft(String... more) {
        String[] arguments = new String[more.length + 2];
        arguments[0] = "chat-template";
        arguments[1] = folder.toString();
        System.arraycopy(more, 0, arguments, 2, more.length);
        return Ran.weft(arguments);
    }

    @Test
    void a_conversation_becomes_the_text_of_the_template() {
        assertThat(weft(talk.toString(), "--add-generation-prompt").out())
                .isEqualTo("<user>Hi</s>\n<assistant>Yo</s>\n<assistant>");
    }

    @Test
    void tools_and_variables_reach_the_template() throws IOException {
        Path tools = Files.writeString(folder.resolve("tools.json"), "[{\"name\": \"f\"}]");
        assertThat(weft(talk.toString(), "--tools", tools.toString(), "--set", "mood=[1, 2.0]").out())
                .endsWith("[{\"name\": \"f\"}][1, 2.0]");
        assertThat(weft(talk.toString(), "--set", "mood=as it is").out()).endsWith("as it is");
    }

    @Test
    void the_assistants_turns_are_shown_with_their_places() {
        assertThat(weft(talk.toString(), "--spans").out()).isEqualTo("24-31\t\"Yo</s>\\n\"%n".formatted());
        assertThat(weft(talk.toString(), "--spans", "--json").out()).contains("\"assistant_turns\":[[24,31]]");
    }

    @Test
    void a_conversation_comes_from_standard_input_too() {
        InputStream in = System.in;
        try {
            System.setIn(new ByteArrayInputStream(("{\"messages\": " + TALK + "}").getBytes(StandardCharsets.UTF_8)));
            assertThat(weft("-").out()).startsWith("<user>Hi</s>");
        } finally {
            System.setIn(in);
        }
    }

    @Test
    void what_is_wrong_is_said_in_one_line() throws IOException {
        assertThat(weft(folder.resolve("none.json").toString()).refusal()).contains("none.json", "no such file");
        assertThat(weft(talk.toString(), "--template", "rag").refusal()).contains("\"rag\"", "there are: default");
        Path bad = Files.writeString(folder.resolve("bad.json"), "{\"a\": 1}");
        assertThat(weft(bad.toString()).refusal()).contains("bad.json", "messages");
        Files.writeString(folder.resolve("chat_template.jinja"),
                "{{ bos_token }}\n{{ raise_exception('roles must\nalternate') }}");
        Ran refused = weft(talk.toString());
        assertThat(refused.status()).isEqualTo(1);
        assertThat(refused.refusal()).contains("line 2", "roles must alternate");
    }
}
