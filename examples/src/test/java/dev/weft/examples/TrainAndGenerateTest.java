package dev.weft.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainAndGenerateTest {
    @TempDir
    Path folder;

    @Test
    void a_model_trained_on_one_sentence_goes_on_with_it() throws IOException {
        Path corpus = folder.resolve("corpus.txt");
        Files.writeString(corpus, "the weft goes under and over the warp, ".repeat(50));
        Path run = folder.resolve("run");

        TrainAndGenerate.train(corpus.toString(), run, 100);

        assertThat(TrainAndGenerate.write(run, "the weft goes ")).hasSize(100).startsWith("under and over the warp");
    }
}
