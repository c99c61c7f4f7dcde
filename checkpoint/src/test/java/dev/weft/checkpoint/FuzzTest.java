package dev.weft.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.testing.Fuzzing;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The readers of files, with files that [Fuzzing] makes up.
class FuzzTest {
    enum Target implements Fuzzing.Target {
        SAFETENSORS(Fuzzed.OfSafetensors.class), TORCH_ARCHIVE(Fuzzed.OfTorchArchive.class), GGUF(
                Fuzzed.OfGguf.class), ONNX(Fuzzed.OfOnnx.class), JSON(Fuzzed.OfJson.class);

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
                case SAFETENSORS -> Fuzzed.OfSafetensors.fuzzerTestOneInput(input);
                case TORCH_ARCHIVE -> Fuzzed.OfTorchArchive.fuzzerTestOneInput(input);
                case GGUF -> Fuzzed.OfGguf.fuzzerTestOneInput(input);
                case ONNX -> Fuzzed.OfOnnx.fuzzerTestOneInput(input);
                case JSON -> Fuzzed.OfJson.fuzzerTestOneInput(input);
            }
        }

        @Override
        public List<byte[]> seeds() throws IOException {
            var seeds = new ArrayList<byte[]>();
            switch (this) {
                case SAFETENSORS -> seeds.add(Files.readAllBytes(GgufTest.fixture("qwen2.safetensors")));
                case TORCH_ARCHIVE -> {
                    seeds.add(TorchArchiveTest.archive(Files.createTempFile("seed", ".bin"), TorchArchiveTest.PICKLE));
                    seeds.add(("\0" + TorchArchiveTest.PICKLE).getBytes(StandardCharsets.ISO_8859_1));
                }
                case GGUF -> {
                    seeds.add(GgufBuilder.llama().bytes());
                    for (String name : List.of("llama", "gemma2", "gemma3", "phi2", "phi3", "gpt2", "blocks")) {
                        seeds.add(Files.readAllBytes(GgufTest.fixture(name + ".gguf")));
                    }
                }
                case ONNX -> seeds.add(OnnxTest.small());
                case JSON -> {
                    for (String name : List.of("llama", "gemma3", "phi3")) {
                        seeds.add(Files.readAllBytes(GgufTest.fixture(name + ".json")));
                    }
                    seeds.add(
                            "{\"weight_map\": {\"a\": \"b.safetensors\"}, \"x\": [{\"a\": 1e5}], \"y\": null, \"z\": true}"
                                    .getBytes(StandardCharsets.UTF_8));
                }
            }
            return seeds;
        }
    }

    private static Fuzzing fuzzing;

    @BeforeAll
    static void start() {
        fuzzing = new Fuzzing("dev.weft.checkpoint.**", Target.values());
    }

    @AfterAll
    static void stop() {
        fuzzing.close();
    }

    @ParameterizedTest
    @EnumSource
    void no_file_the_fuzzer_makes_up_breaks_a_reader(Target target) throws ExecutionException, InterruptedException {
        Assumptions.assumeTrue(Fuzzing.SECONDS > 0, "weft.fuzz.seconds is 0");
        Fuzzing.Finished finished = fuzzing.finished(target);
        assertThat(finished.status()).as(finished.output()).isZero();
        assertThat(finished.inputs()).as(finished.output()).isPositive();
        System.out.printf("%s: %s files in %d seconds%n", target, finished.inputs(), Fuzzing.SECONDS);
    }

    @ParameterizedTest
    @EnumSource
    void what_the_fuzzer_found_once_is_read_or_refused(Target target) throws IOException {
        for (byte[] input : Fuzzing.known(target)) {
            target.read(input);
        }
    }
}
