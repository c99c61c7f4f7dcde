package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The conformance cases of the families that Weft has.
class ParityTest {
    private static final Path CASES = Path.of(System.getProperty("weft.shared", "../shared"), "conformance");

    private static final List<String> TEXT = List.of("gpt2-", "llama-", "lora-", "mistral-", "mixtral", "qwen2",
            "gemma",
            "bert-",
            "roberta-", "distilbert-", "roformer-", "bigbird-", "longformer-", "t5-", "bart-", "marian-");

    private static List<String> cases(List<String> families) throws Exception {
        Assumptions.assumeTrue(Files.isDirectory(CASES),
                () -> "Conformance cases are absent: " + CASES + " (set -Dweft.shared to the folder of test data)");
        try (Stream<Path> folders = Files.list(CASES)) {
            return folders.map(Path::toString).filter(folder -> families.stream()
                    .anyMatch(Path.of(folder).getFileName().toString()::startsWith)).sorted().toList();
        }
    }

    @Test
    void every_family_of_text_and_every_adapter_passes_all_its_checks() throws Exception {
        passes(Stream.of("parity"), cases(TEXT));
    }

    /// Cases of our own, of every family and head.
    @Test
    void every_case_of_our_own_passes_all_its_checks() throws Exception {
        Path own = Path.of(ParityTest.class.getResource("/cases").toURI());
        try (Stream<Path> folders = Files.list(own)) {
            List<String> cases = folders.map(Path::toString).sorted().toList();
            assertThat(cases).hasSizeGreaterThan(100);
            passes(Stream.of("parity"), cases);
        }
    }

    private static void passes(Stream<String> command, List<String> cases) {
        Ran ran = Ran.weft(Stream.concat(command, cases.stream()).toArray(String[]::new));
        assertThat(ran.out()).endsWith(cases.size() + " passed, 0 failed" + System.lineSeparator());
        assertThat(ran.out().lines().limit(cases.size()))
                .allMatch(line -> line.matches("ok \\S+ \\d\\.\\de[+-]\\d\\d"));
        assertThat(ran.status()).isZero();
    }

    @Test
    void what_weft_lacks_and_what_is_altered_fails_by_name(@TempDir Path root) throws Exception {
        Ran lacking = Ran.weft("parity", CASES.resolve("whisper-transcription").toString(),
                cases(List.of("gpt2-torch")).getFirst());
        assertThat(lacking.out()).contains("FAIL whisper-transcription preprocess ").endsWith(
                "1 passed, 1 failed" + System.lineSeparator());
        assertThat(lacking.status()).isEqualTo(1);
        Path altered = Files.createDirectories(root.resolve("altered"));
        try (Stream<Path> files = Files.list(CASES.resolve("gpt2-lm"))) {
            for (Path file : files.toList()) {
                Files.copy(file, altered.resolve(file.getFileName()));
            }
        }
        byte[] expected = Files.readAllBytes(altered.resolve("expected.safetensors"));
        for (int i = expected.length / 2; i < expected.length; i += 4) {
            expected[i + 3 < expected.length ? i + 3 : i] ^= 0x08;
        }
        Files.write(altered.resolve("expected.safetensors"), expected);
        Ran ran = Ran.weft("parity", altered.toString(), "--checks", "forward");
        assertThat(ran.out()).startsWith("FAIL altered forward ")
                .endsWith("0 passed, 1 failed" + System.lineSeparator());
    }
}
