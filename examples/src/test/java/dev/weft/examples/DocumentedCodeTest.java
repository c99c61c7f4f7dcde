package dev.weft.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Java that a page shows is Java that is compiled: it stands, line by line, in a source of this project.
class DocumentedCodeTest {
    private static final Path ROOT = Path.of(System.getProperty("weft.root"));
    private static final Pattern BLOCK = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    static Stream<Path> pages() throws IOException {
        return Stream.concat(Stream.of(ROOT.resolve("README.md")), files(ROOT.resolve("docs"), "**.md").stream())
                .filter(page -> BLOCK.matcher(read(page)).find());
    }

    @ParameterizedTest
    @MethodSource("pages")
    void code_in_a_page_is_compiled(Path page) throws IOException {
        String sources = files(ROOT, "**/src/main/java/**.java").stream().map(DocumentedCodeTest::read)
                .map(DocumentedCodeTest::unindented).collect(Collectors.joining("\n"));

        assertThat(BLOCK.matcher(read(page)).results().map(block -> unindented(block.group(1))))
                .allSatisfy(block -> assertThat(sources.contains(block)).as(block).isTrue());
    }

    private static List<Path> files(Path folder, String pattern) throws IOException {
        var matcher = FileSystems.getDefault().getPathMatcher("glob:" + pattern);
        try (var files = Files.walk(folder)) {
            return files.filter(matcher::matches).toList();
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String unindented(String code) {
        return code.lines().map(String::strip).collect(Collectors.joining("\n"));
    }
}
