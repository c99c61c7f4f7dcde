package dev.weft.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.weft.run.pipeline.Pipelines;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SemanticSearchTest {
    @Test
    void a_line_is_found_by_its_meaning_with_a_model_from_the_class_path(@TempDir Path folder) throws IOException {
        SemanticSearch.unpack(folder);

        try (var embedder = Pipelines.embeddings(folder)) {
            // As the model's publishers have it.
            assertThat(Arrays.copyOf(embedder.embed("This is an example sentence"), 3))
                    .containsExactly(new float[]{0.06765689f, 0.06349587f, 0.04871311f}, within(2e-7f));
        }
        var lines = Stream.concat(
                IntStream.range(0, 300).mapToObj(i -> "Shelf %d holds screws of size %d.".formatted(i, i % 9)),
                Stream.of("The harbour freezes over in January.", "My sister plays the violin in an orchestra.",
                        "The invoice has to be paid within thirty days.", "Bees do not fly in the rain."))
                .toList();
        assertThat(SemanticSearch.search(folder, lines, "When must I settle the bill?", 1)).first()
                .extracting(SemanticSearch.Found::line).isEqualTo("The invoice has to be paid within thirty days.");
        assertThat(SemanticSearch.search(folder, lines, "Who makes music?", 1)).first()
                .extracting(SemanticSearch.Found::line).isEqualTo("My sister plays the violin in an orchestra.");
    }
}
