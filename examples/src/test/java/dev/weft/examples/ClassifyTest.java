package dev.weft.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class ClassifyTest {
    @Test
    void each_text_gets_a_label() {
        Path folder = Path.of(System.getProperty("weft.root"))
                .resolve("run/src/test/resources/pipelines/text-classification-single-label");

        assertThat(Classify.labels(folder, List.of("great film", "wool"))).hasSize(2)
                .allMatch(List.of("bad", "good", "mixed")::contains);
    }
}
