package dev.weft.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.text.CharacterTrainer;
import dev.weft.text.Tokenizer;
import dev.weft.text.chat.ChatTemplate;
import dev.weft.text.chat.Conversation;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatTest {
    private static final String TEMPLATE = "{% for m in messages %}{{ m.role[0] }}:{{ m.content }}\n{% endfor %}"
            + "{% if add_generation_prompt %}a:{% endif %}";

    @TempDir
    Path folder;

    @Test
    void a_question_becomes_the_prompt_of_the_model() throws IOException {
        Files.writeString(folder.resolve("chat_template.jinja"), TEMPLATE);

        assertThat(Chat.prompt(folder, "Hi")).isEqualTo("s:You are short.\nu:Hi\na:");
    }

    @Test
    void only_what_the_assistant_said_is_learned() throws IOException {
        Tokenizer tokenizer = new CharacterTrainer().train(new StringReader("u:Hi\na:Yo\n"));
        var conversation = Conversation.of(List.of(Conversation.message("user", "Hi"),
                Conversation.message("assistant", "Yo")));

        assertThat(Chat.whatToLearn(ChatTemplate.of("t", TEMPLATE), tokenizer, conversation))
                .containsExactly(false, false, false, false, false, false, false, true, true, true);
    }
}
