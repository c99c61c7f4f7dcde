package dev.weft.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.run.Finish;
import dev.weft.run.pipeline.Pipelines;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class ConverseTest {
    private static final Path FOLDER = Path.of(System.getProperty("weft.root"))
            .resolve("run/src/test/resources/pipelines/chat");
    private static final List<String> QUESTIONS = List.of("What is the capital of Norway?", "And of Spain?");

    @Test
    void the_second_answer_knows_the_first_question() {
        var shown = new StringBuilder();
        try (var chat = Pipelines.chat(FOLDER)) {
            assertThat(Converse.talk(chat, QUESTIONS.getFirst(), QUESTIONS.getLast(), shown::append).finish())
                    .isEqualTo(Finish.END_ID);
        }
        assertThat(shown.toString()).isEqualTo("Oslo.\nMadrid.");
    }

    @Test
    void a_service_of_langchain4j_does_the_same() {
        try (var chat = Pipelines.chat(FOLDER)) {
            assertThat(AskWithLangChain4j.answers(chat, QUESTIONS)).containsExactly("Oslo.", "Madrid.");
        }
    }
}
