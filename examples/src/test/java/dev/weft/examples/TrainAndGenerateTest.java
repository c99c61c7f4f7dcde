package dev.weft.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainAndGenerateTest {
    private static final Path ROOT = Path.of(System.getProperty("weft.root"));

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

    @Test
    void the_code_in_the_readme_is_the_code_that_is_compiled_here() throws IOException {
        String readme = Files.readString(ROOT.resolve("README.md"));
        String example = unindented(
                Files.readString(ROOT.resolve("examples/src/main/java/dev/weft/examples/TrainAndGenerate.java")));

        var blocks = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL).matcher(readme).results()
                .map((MatchResult block) -> unindented(block.group(1))).toList();

        assertThat(blocks).isNotEmpty().allSatisfy(block -> assertThat(example).contains(block));
    }

    private static String unindented(String code) {
        return code.lines().map(String::strip).collect(Collectors.joining("\n"));
    }
}
