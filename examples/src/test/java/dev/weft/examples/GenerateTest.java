package dev.weft.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.run.TextGenerator;
import dev.weft.run.pipeline.Pipelines;
import dev.weft.run.pipeline.SentenceEmbedder;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GenerateTest {
    private static final Path FOLDER = Path.of(System.getProperty("weft.root"))
            .resolve("run/src/test/resources/pipelines/chat");
    private static final String PROMPT = "What is the capital of Norway?";
    private static TextGenerator writer;

    @BeforeAll
    static void open() {
        writer = TextGenerator.open(FOLDER);
    }

    @AfterAll
    static void close() {
        writer.close();
    }

    @Test
    void beams_come_with_scores_and_the_best_first() {
        var found = Generate.beams(writer, PROMPT);
        assertThat(found).hasSize(2);
        assertThat(found.get(0).score()).isGreaterThanOrEqualTo(found.get(1).score());
        assertThat(found.get(0).logProbabilities()).hasSize(found.get(0).newTokens());
    }

    @Test
    void an_assistant_and_a_shared_beginning_change_nothing() {
        assertThat(Generate.assisted(writer, writer, PROMPT))
                .isEqualTo(writer.generate(PROMPT, writer.defaults().withMaxNewTokens(200)));
        List<String> questions = List.of(" capital of Norway?", " capital of Spain?");
        assertThat(Generate.manyEndings(writer, "What is the", questions)).isEqualTo(
                questions.stream().map(each -> writer.generate("What is the" + each, writer.defaults())).toList());
    }

    @Test
    void a_beginning_is_kept_in_a_file(@TempDir Path folder) {
        Path file = folder.resolve("beginning.safetensors");
        Generate.keep(writer, PROMPT, file);
        try (var known = writer.promptCache(file)) {
            assertThat(known.length()).isEqualTo(writer.tokenizer().encode(PROMPT).size());
        }
    }

    @Test
    void a_vector_in_bfloat16_is_nearly_the_same() {
        Path embeddings = FOLDER.resolveSibling("embeddings");
        float[] half = Generate.half(embeddings, "a text");
        try (var embedder = Pipelines.embeddings(embeddings)) {
            assertThat(SentenceEmbedder.similarity(half, embedder.embed("a text")))
                    .isGreaterThan(0.99);
        }
    }
}
