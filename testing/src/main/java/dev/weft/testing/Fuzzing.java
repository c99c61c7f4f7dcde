package dev.weft.testing;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Jazzer makes up inputs and watches which paths they take through the code: two processes at a time, each for
/// `weft.fuzz.seconds` (60; 0 runs none), by chance that begins at `weft.fuzz.seed` (1). It goes on from the inputs it found
/// interesting before, in `target/fuzz`.
/// What was found lies in `src/test/resources/fuzz/TARGET`.
public final class Fuzzing implements AutoCloseable {
    /// What is fuzzed, mostly a constant of an enum.
    public interface Target {
        String name();

        /// A class with `public static void fuzzerTestOneInput(byte[])`, which fails on a finding.
        Class<?> type();

        /// Inputs to begin with.
        List<byte[]> seeds() throws IOException;
    }

    /// How a process of Jazzer's ended: with what status, and all that it printed.
    public record Finished(int status, String output) {
        private static final Pattern RUNS = Pattern.compile("stat::number_of_executed_units: +(\\d+)");

        /// The number of inputs, or -1 where the process did not come so far as to tell.
        public long inputs() {
            Matcher runs = RUNS.matcher(output);
            return runs.find() ? Long.parseLong(runs.group(1)) : -1;
        }
    }

    public static final int SECONDS = Integer.getInteger("weft.fuzz.seconds", 60);

    private static final Path FOLDER = Path.of("target", "fuzz");

    private final ExecutorService two = Executors.newFixedThreadPool(2);
    private final Map<Target, Future<Finished>> running = new LinkedHashMap<>();

    /// Starts a process for each target, unless [#SECONDS] is 0.
    ///
    /// @param instrumented whose paths Jazzer watches, such as `dev.weft.text.**`
    public Fuzzing(String instrumented, Target... targets) {
        if (SECONDS > 0) {
            for (Target target : targets) {
                running.put(target, two.submit(() -> fuzz(instrumented, target)));
            }
        }
    }

    /// Waits for a target's process.
    public Finished finished(Target target) throws ExecutionException, InterruptedException {
        Future<Finished> process = running.get(target);
        if (process == null) {
            throw new IllegalStateException(target.name() + " is not fuzzed");
        }
        return process.get();
    }

    /// The seeds of a target and what was found for it once: what is to be read again in every run.
    public static List<byte[]> known(Target target) throws IOException {
        var inputs = new ArrayList<>(target.seeds());
        Path found = Path.of("src", "test", "resources", "fuzz", lower(target));
        if (Files.isDirectory(found)) {
            try (Stream<Path> files = Files.list(found)) {
                for (Path file : files.toList()) {
                    inputs.add(Files.readAllBytes(file));
                }
            }
        }
        return inputs;
    }

    private static String lower(Target target) {
        return target.name().toLowerCase(Locale.ROOT);
    }

    private static Finished fuzz(String instrumented, Target target) throws IOException, InterruptedException {
        Path folder = Files.createDirectories(FOLDER.resolve(lower(target)));
        Path corpus = Files.createDirectories(folder.resolve("corpus"));
        Path seeds = Files.createDirectories(folder.resolve("seeds"));
        int number = 0;
        for (byte[] seed : target.seeds()) {
            Files.write(seeds.resolve("seed-" + number++), seed);
        }
        var command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m", "-XX:+UseSerialGC", "-XX:+EnableDynamicAgentLoading",
                "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"),
                "com.code_intelligence.jazzer.Jazzer", "--target_class=" + target.type().getName(),
                "--instrumentation_includes=" + instrumented, "--custom_hook_includes=" + instrumented,
                // A tokenizer's file holds regular expressions; that one can be wrong is no hole.
                "--disabled_hooks=com.code_intelligence.jazzer.sanitizers.RegexInjection",
                "--reproducer_path=" + folder, "-artifact_prefix=" + folder + File.separator,
                "-seed=" + Integer.getInteger("weft.fuzz.seed", 1), "-max_total_time=" + SECONDS, "-timeout=20",
                "-rss_limit_mb=2000", "-max_len=8192",
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

    @Override
    public void close() {
        two.shutdownNow();
    }
}
