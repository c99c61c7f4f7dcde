package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Other chips, as far as this one can pretend to be them, each in a process of its own: libraries choose their kernels by
/// the instructions they are told there are. What this chip lacks is not used whatever they are told.
class ChipsTest {
    /// A family of each kind of mechanism: norms, positions, masks, heads, experts, both halves, tied and turned weights.
    private static final List<String> CHOSEN = List.of("gemma2", "bart-model", "bert-multi-label", "falcon-7b",
            "deberta-v2-masked-lm", "bigbird-two-random-blocks", "gpt-neox", "gpt2-token-classification");

    @TempDir
    Path folder;

    @ParameterizedTest(name = "oneDNN {0}, ATen {1}, {2}, packing {3}, {4} threads")
    @CsvSource({"SSE41, default, OpenBLAS, true, 1", "AVX2, avx2, MKL, true, 2", "AVX512_CORE, '', OpenBLAS, true, 2",
            "'', avx512, MKL, true, 1", "'', '', MKL, false, 2"})
    void numbers_and_families_are_right(String oneDnn, String aten, String blas, boolean packing, int threads)
            throws Exception {
        var environment = new HashMap<String, String>();
        if (!oneDnn.isEmpty()) {
            environment.put("ONEDNN_MAX_CPU_ISA", oneDnn);
        }
        if (!aten.isEmpty() && !(aten.equals("avx512") && !cpuInfo().contains("avx512f"))) {
            environment.put("ATEN_CPU_CAPABILITY", aten);
        }
        List<String> options = List.of("-Dweft.pack=" + packing, "-Dweft.threads=" + threads,
                "-Dorg.bytedeco.openblas.load=" + (blas.equals("MKL") && onClassPath() ? "mkl" : ""));
        Path cases = Path.of(ChipsTest.class.getResource("/cases").toURI());
        var parity = new ArrayList<>(List.of("parity"));
        CHOSEN.forEach(name -> parity.add(cases.resolve(name).toString()));

        String families = ended(start(environment, options, parity), 0);
        assertThat(families).contains(CHOSEN.size() + " passed, 0 failed");
        String numbers = ended(start(environment, options, List.of("doctor", "--numbers")), 0);
        assertThat(numbers).contains(" right, 0 wrong").doesNotContain("WRONG");
    }

    private static boolean onClassPath() {
        return ChipsTest.class.getClassLoader()
                .getResource("org/bytedeco/mkl/linux-x86_64/libmkl_rt.so.2") != null;
    }

    private static String cpuInfo() throws IOException {
        Path info = Path.of("/proc/cpuinfo");
        return Files.exists(info) ? Files.readString(info) : "";
    }

    /// Containers, jobs and executors start so: nobody has unpacked anything yet, and some bring MKL and some do not.
    @Test
    void four_processes_start_at_once_on_an_empty_cache() throws Exception {
        Path cache = Files.createDirectory(folder.resolve("cache"));
        List<Started> all = IntStream.range(0, 4).mapToObj(i -> start(Map.of(),
                List.of("-Dorg.bytedeco.javacpp.cachedir=" + cache,
                        "-Dorg.bytedeco.openblas.load=" + (i % 2 == 0 && onClassPath() ? "mkl" : "")),
                List.of("doctor"))).toList();
        for (int i = 0; i < 4; i++) {
            assertThat(ended(all.get(i), 0))
                    .containsPattern("blas +" + (i % 2 == 0 && onClassPath() ? "MKL" : "OpenBLAS"))
                    .contains(cache.toString());
        }
        // One that was killed while it unpacked leaves the folder marked as not ready, and whatever it had written.
        Path lock = cache.resolve("weft.lock");
        assertThat(lock).content().startsWith("ready: libtorch");
        Files.writeString(lock, "");
        Path library;
        try (Stream<Path> files = Files.walk(cache)) {
            library = files.filter(file -> file.getFileName().toString().equals(System.mapLibraryName("torch_cpu")))
                    .findFirst().orElseThrow();
        }
        Files.write(library, new byte[4096]);
        assertThat(ended(start(Map.of(), List.of("-Dorg.bytedeco.javacpp.cachedir=" + cache,
                "-Dorg.bytedeco.openblas.load="), List.of("doctor")), 0)).contains("libtorch");
    }

    @Test
    void without_libraries_for_the_platform_one_line_says_what_to_add() throws Exception {
        String without = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !entry.matches(".*pytorch-[^/\\\\]*-(linux|macosx|windows)[^/\\\\]*\\.jar"))
                .collect(Collectors.joining(File.pathSeparator));
        Path model = Path.of(ChipsTest.class.getResource("/cases/gemma2").toURI());
        for (List<String> command : List.of(List.of("doctor"), List.of("info", model.toString()),
                List.of("run", "text-classification",
                        "../run/src/test/resources/pipelines/text-classification-single-label", "a"))) {
            String said = ended(start(without, Map.of(), List.of(), command), 1);
            assertThat(said).startsWith("weft: LibTorch for ")
                    .contains("is not on the class path; add org.bytedeco:pytorch").hasLineCount(1);
        }
        assertThat(ended(start(Map.of(), List.of("-Dweft.threads=none"), List.of("doctor")), 1))
                .isEqualToIgnoringNewLines("weft: weft.threads must be a whole number of at least 1, found \"none\"");
        assertThat(ended(start(Map.of(), List.of("-Dweft.pack=nope"), List.of("doctor")), 1))
                .isEqualToIgnoringNewLines("weft: weft.pack must be true or false, found \"nope\"");
    }

    private record Started(Process process, Path output) {}

    private Started start(Map<String, String> environment, List<String> options, List<String> arguments) {
        return start(System.getProperty("java.class.path"), environment, options, arguments);
    }

    private Started start(String classPath, Map<String, String> environment, List<String> options,
            List<String> arguments) {
        try {
            Path output = Files.createTempFile(folder, "out", ".txt");
            var command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-Xmx1g", "--enable-native-access=ALL-UNNAMED"));
            command.addAll(options);
            command.addAll(List.of("-cp", classPath, "dev.weft.cli.Weft"));
            command.addAll(arguments);
            var builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
            builder.environment().putAll(environment);
            return new Started(builder.start(), output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String ended(Started started, int status) throws Exception {
        int found = started.process().waitFor();
        String output = Files.readString(started.output(), StandardCharsets.UTF_8);
        assertThat(found).as(output).isEqualTo(status);
        return output;
    }
}
