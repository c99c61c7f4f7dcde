package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.testing.Fuzzing;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The readers of tokenizers and templates, with files that [Fuzzing] makes up.
class FuzzTest {
    enum Target implements Fuzzing.Target {
        TEMPLATE(Fuzzed.OfTemplate.class), TOKENIZER_JSON(Fuzzed.OfTokenizerJson.class), SENTENCEPIECE(
                Fuzzed.OfSentencePiece.class);

        private final Class<?> type;

        Target(Class<?> type) {
            this.type = type;
        }

        @Override
        public Class<?> type() {
            return type;
        }

        void read(byte[] input) {
            switch (this) {
                case TEMPLATE -> Fuzzed.OfTemplate.fuzzerTestOneInput(input);
                case TOKENIZER_JSON -> Fuzzed.OfTokenizerJson.fuzzerTestOneInput(input);
                case SENTENCEPIECE -> Fuzzed.OfSentencePiece.fuzzerTestOneInput(input);
            }
        }

        @Override
        public List<byte[]> seeds() throws IOException {
            Path resources = Path.of("src", "test", "resources");
            var seeds = new ArrayList<byte[]>();
            switch (this) {
                case TEMPLATE -> {
                    addFiles(resources.resolve("templates"), ".jinja", seeds);
                    for (JsonNode one : new JsonMapper()
                            .readTree(Files.readAllBytes(Path.of(System.getProperty("weft.root", ".."), "jinja")
                                    .resolve(resources).resolve("templates/expressions.json")))) {
                        seeds.add(one.get("template").stringValue().getBytes(StandardCharsets.UTF_8));
                    }
                }
                case TOKENIZER_JSON -> addFiles(resources.resolve("fuzz-seeds"), ".json", seeds);
                case SENTENCEPIECE -> addFiles(resources.resolve("sentencepiece"), ".model", seeds);
            }
            return seeds;
        }
    }

    private static void addFiles(Path folder, String ending, List<byte[]> seeds) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.filter(one -> one.toString().endsWith(ending)).sorted().toList()) {
                seeds.add(Files.readAllBytes(file));
            }
        }
    }

    private static Fuzzing fuzzing;

    @BeforeAll
    static void start() {
        fuzzing = new Fuzzing("dev.weft.text.**:dev.weft.jinja.**", Target.values());
    }

    @AfterAll
    static void stop() {
        fuzzing.close();
    }

    @ParameterizedTest
    @EnumSource
    void nothing_the_fuzzer_makes_up_breaks_a_reader(Target target) throws ExecutionException, InterruptedException {
        Assumptions.assumeTrue(Fuzzing.SECONDS > 0, "weft.fuzz.seconds is 0");
        Fuzzing.Finished finished = fuzzing.finished(target);
        assertThat(finished.status()).as(finished.output()).isZero();
        assertThat(finished.inputs()).as(finished.output()).isPositive();
        System.out.printf("%s: %s inputs in %d seconds%n", target, finished.inputs(), Fuzzing.SECONDS);
    }

    @ParameterizedTest
    @EnumSource
    void what_the_fuzzer_found_once_is_read_or_refused(Target target) throws IOException {
        for (byte[] input : Fuzzing.known(target)) {
            target.read(input);
        }
    }
}
