package dev.weft.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Jazzer makes up files and watches which paths they take through the readers: two processes at a time, each for
/// `weft.fuzz.seconds` (60; 0 runs none). It goes on from the files it found interesting before, in `target/fuzz`.
/// What was found lies in `src/test/resources/fuzz` and is read again in every run.
class FuzzTest {
    enum Target {
        SAFETENSORS(Fuzzed.OfSafetensors.class), TORCH_ARCHIVE(Fuzzed.OfTorchArchive.class), GGUF(
                Fuzzed.OfGguf.class), JSON(Fuzzed.OfJson.class);

        private final Class<?> type;

        Target(Class<?> type) {
            this.type = type;
        }

        void read(byte[] input) {
            switch (this) {
                case SAFETENSORS -> Fuzzed.OfSafetensors.fuzzerTestOneInput(input);
                case TORCH_ARCHIVE -> Fuzzed.OfTorchArchive.fuzzerTestOneInput(input);
                case GGUF -> Fuzzed.OfGguf.fuzzerTestOneInput(input);
                case JSON -> Fuzzed.OfJson.fuzzerTestOneInput(input);
            }
        }
    }

    private record Finished(int status, String output) {}

    private static final int SECONDS = Integer.getInteger("weft.fuzz.seconds", 60);
    private static final Path FOLDER = Path.of("target", "fuzz");
    private static final Pattern RUNS = Pattern.compile("stat::number_of_executed_units: +(\\d+)");
    private static final Map<Target, Future<Finished>> RUNNING = new EnumMap<>(Target.class);
    private static final ExecutorService TWO = Executors.newFixedThreadPool(2);

    @BeforeAll
    static void start() {
        if (SECONDS > 0) {
            for (Target target : Target.values()) {
                RUNNING.put(target, TWO.submit(() -> fuzz(target)));
            }
        }
    }

    @AfterAll
    static void stop() {
        TWO.shutdownNow();
    }

    private static Finished fuzz(Target target) throws IOException, InterruptedException {
        Path folder = Files.createDirectories(FOLDER.resolve(target.name().toLowerCase(java.util.Locale.ROOT)));
        Path corpus = Files.createDirectories(folder.resolve("corpus"));
        Path seeds = Files.createDirectories(folder.resolve("seeds"));
        int number = 0;
        for (byte[] seed : seeds(target)) {
            Files.write(seeds.resolve("seed-" + number++), seed);
        }
        var command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC", "-XX:+EnableDynamicAgentLoading", "--enable-native-access=ALL-UNNAMED", "-cp",
                System.getProperty("java.class.path"), "com.code_intelligence.jazzer.Jazzer",
                "--target_class=" + target.type.getName(), "--instrumentation_includes=dev.weft.checkpoint.**",
                "--custom_hook_includes=dev.weft.checkpoint.**",
                "--reproducer_path=" + folder, "-artifact_prefix=" + folder + File.separator,
                "-max_total_time=" + SECONDS, "-timeout=20", "-rss_limit_mb=2000", "-max_len=8192",
                "-print_final_stats=1", corpus.toString(), seeds.toString()));
        Path log = folder.resolve("log.txt");
        Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
        try {
            if (!process.waitFor(SECONDS + 120L, TimeUnit.SECONDS)) {
                return new Finished(-1, "it did not end after %d seconds; see %s".formatted(SECONDS, log));
            }
        } finally {
            process.destroyForcibly();
        }
        return new Finished(process.exitValue(), new String(Files.readAllBytes(log), StandardCharsets.UTF_8));
    }

    private static List<byte[]> seeds(Target target) throws IOException {
        var seeds = new ArrayList<byte[]>();
        switch (target) {
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

    @ParameterizedTest
    @EnumSource
    void no_file_the_fuzzer_makes_up_breaks_a_reader(Target target) throws ExecutionException, InterruptedException {
        Assumptions.assumeTrue(SECONDS > 0, "weft.fuzz.seconds is 0");
        Finished finished = RUNNING.get(target).get();
        assertThat(finished.status()).as(finished.output()).isZero();
        Matcher runs = RUNS.matcher(finished.output());
        assertThat(runs.find()).as(finished.output()).isTrue();
        System.out.printf("%s: %s files in %d seconds%n", target, runs.group(1), SECONDS);
    }

    @ParameterizedTest
    @EnumSource
    void what_the_fuzzer_found_once_is_read_or_refused(Target target) throws IOException {
        for (byte[] seed : seeds(target)) {
            target.read(seed);
        }
        Path found = Path.of("src", "test", "resources", "fuzz", target.name().toLowerCase(java.util.Locale.ROOT));
        if (Files.isDirectory(found)) {
            try (Stream<Path> files = Files.list(found)) {
                for (Path file : files.toList()) {
                    target.read(Files.readAllBytes(file));
                }
            }
        }
    }
}
