package dev.weft.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class TasksTest {
    private static Path model(String name) {
        return Path.of("../run/src/test/resources/pipelines").resolve(name);
    }

    @Test
    void every_task_of_the_page_gives_an_answer() {
        assertThat(Tasks.labels(model("text-classification-single-label"), List.of("great film", "")))
                .satisfiesExactly(label -> assertThat(label).isIn("good", "bad", "mixed"),
                        label -> assertThat(label).startsWith("none: the text is empty"));
        assertThat(Tasks.topic(model("zero-shot-classification"), "wool")).isIn("politics", "sports", "wool");
        assertThat(Tasks.names(model("token-classification"), "Ada lives in Paris.")).isNotEmpty()
                .allSatisfy(name -> assertThat(name.label()).isIn("PER", "LOC"));
        assertThat(Tasks.answers(model("question-answering"), "Who?", "Ada wrote.")).hasSize(3);
        assertThat(Tasks.ending(model("multiple-choice"), "Ada", List.of("wrote", "wool"))).isIn("wrote", "wool");
        assertThat(Tasks.words(model("fill-mask"), "Paris is the [MASK].")).hasSize(5);
        assertThat(Tasks.summary(model("text-to-text"), "wool ".repeat(300))).endsWith("(of several parts)");
        assertThat(Tasks.german(model("translation"), "loom")).isNotEmpty();
        assertThat(Tasks.reply(model("text-to-text"), "wool")).isNotNull();
        assertThat(Tasks.features(model("embeddings"), "wool")[0]).hasSize(16);
        assertThat(Tasks.vectors(model("embeddings"), List.of("wool", "sea"))).hasSize(2);
        assertThat(Tasks.alike(model("embeddings"), "wool", List.of("wool", "sea"))[0]).isGreaterThan(0.999);
        assertThat(Tasks.bestPassage(model("text-classification-regression"), "what?", List.of("a", "b")))
                .isIn("a", "b");
    }
}
