package dev.weft.bridges;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.run.pipeline.Chat;
import dev.weft.run.pipeline.Pipelines;
import dev.weft.text.chat.Conversation;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class FormatsTest {
    private static final Conversation HELLO = Conversation.of(List.of(Conversation.message("user", "Hello")));

    @Test
    void a_schema_is_compiled_once_and_the_last_few_are_kept() {
        try (var chat = Pipelines.chat(Path.of("../run/src/test/resources/pipelines/chat"))) {
            var formats = new Formats(chat);
            Chat any = formats.heldTo(Formats.ANY, HELLO);
            Chat first = formats.heldTo("{\"const\": 0}", HELLO);
            assertThat(first.reply(HELLO, chat.defaults()).text()).isEqualTo("0");
            for (int i = 1; i < 8; i++) {
                formats.heldTo("{\"const\": %d}".formatted(i), HELLO);
                assertThat(formats.heldTo(Formats.ANY, HELLO)).isSameAs(any);
            }
            assertThat(formats.heldTo("{\"const\": 7}", HELLO)).isSameAs(formats.heldTo("{\"const\": 7}", HELLO));
            assertThat(formats.heldTo("{\"const\": 0}", HELLO)).isNotSameAs(first);
        }
    }

    @Test
    void tools_and_a_format_contradict_each_other() {
        try (var chat = Pipelines.chat(Path.of("../run/src/test/resources/pipelines/chat"))) {
            var formats = new Formats(chat);
            Conversation withTools = HELLO.withTools(List.of(Asked.tool("weather", null, null)));
            assertThatThrownBy(() -> formats.heldTo(Formats.ANY, withTools))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("calls tools or is held to a JSON format, not both");
            assertThatThrownBy(() -> formats.heldTo("{\"not\": {}}", HELLO)).hasMessageContaining("not");
        }
    }
}
