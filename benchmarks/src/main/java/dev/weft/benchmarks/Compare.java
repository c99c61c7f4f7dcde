package dev.weft.benchmarks;

import dev.weft.checkpoint.Json;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/// Weft and PyTorch in turn, each run a process of its own, so that both meet the same noise of the machine.
///
/// `Compare ROOT [ROUNDS] [options of TrainStep except --dtype]` prints a table of medians and adds its lines to
/// `benchmarks/RESULTS.md`. `WEFT_PEERS` is the folder of the peers' programs (`../shared/peers` beside the root if it is
/// not set), `WEFT_PYTHON` a Python that has PyTorch (`python3`). Without them it prints Weft's numbers alone.
public final class Compare {
    private static final int ROUNDS = 3;

    /// Runs a Python program as it is and adds a line with the peak of its resident memory in KiB.
    private static final String MEASURED = """
            import resource, runpy, sys
            sys.argv = sys.argv[1:]
            runpy.run_path(sys.argv[0], run_name="__main__")
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
            """;

    private record Measured(double tokensPerSecond, double peakMb) {
        static Measured median(List<Measured> runs) {
            return new Measured(middle(runs.stream().map(Measured::tokensPerSecond).toList()),
                    middle(runs.stream().map(Measured::peakMb).toList()));
        }

        private static double middle(List<Double> values) {
            return values.stream().sorted().toList().get(values.size() / 2);
        }
    }

    private final Path root;
    private final int rounds;
    private final List<String> options;
    private final Optional<List<String>> peer;

    private Compare(Path root, int rounds, List<String> options) {
        this.root = root;
        this.rounds = rounds;
        this.options = options;
        peer = peer(root);
    }

    public static void main(String... args) throws IOException, InterruptedException {
        boolean counted = args.length > 1 && args[1].matches("\\d+");
        new Compare(Path.of(args[0]), counted ? Integer.parseInt(args[1]) : ROUNDS,
                List.of(args).subList(counted ? 2 : 1, args.length)).run();
    }

    private void run() throws IOException, InterruptedException {
        System.out.printf("%-10s %-18s %12s %10s%n", "dtype", "", "tokens/s", "peak MB");
        for (String dtype : List.of("f32", "bf16")) {
            record(dtype, compare(dtype));
        }
    }

    /// The medians of Weft and, if the peer is there, of PyTorch with each kind of attention, by name.
    private Map<String, Measured> compare(String dtype) throws IOException, InterruptedException {
        var runs = new LinkedHashMap<String, List<Measured>>();
        for (int round = 0; round < rounds; round++) {
            runs.computeIfAbsent("weft", name -> new ArrayList<>()).add(weft(dtype));
            for (String attention : peer.isPresent() ? List.of("fused", "explicit") : List.<String>of()) {
                runs.computeIfAbsent("pytorch " + attention, name -> new ArrayList<>())
                        .add(pytorch(peer.orElseThrow(), dtype, attention));
            }
        }
        var medians = new LinkedHashMap<String, Measured>();
        runs.forEach((name, measured) -> medians.put(name, Measured.median(measured)));
        medians.forEach((name, median) -> System.out.printf(Locale.ROOT, "%-10s %-18s %,12.0f %10.0f%n", dtype, name,
                median.tokensPerSecond(), median.peakMb()));
        return medians;
    }

    private void record(String dtype, Map<String, Measured> medians) throws IOException, InterruptedException {
        Measured weft = Objects.requireNonNull(medians.get("weft"));
        Optional<Measured> best = medians.entrySet().stream().filter(entry -> !entry.getKey().equals("weft"))
                .map(Map.Entry::getValue).max(Comparator.comparingDouble(Measured::tokensPerSecond));
        best.ifPresent(pytorch -> System.out.printf(Locale.ROOT, "%-10s %-18s %11.2fx %9.2fx%n", dtype,
                "weft / best pytorch", weft.tokensPerSecond() / pytorch.tokensPerSecond(),
                weft.peakMb() / pytorch.peakMb()));
        String line = String.format(Locale.ROOT, "| %s | %s | %s | train %s | %,.0f | %s | %.0f | %s |%n",
                LocalDate.now(),
                commit(), machine(), String.join(" ", concat(List.of(dtype), options)), weft.tokensPerSecond(),
                best.map(it -> String.format(Locale.ROOT, "%,.0f (%.2f)", it.tokensPerSecond(),
                        weft.tokensPerSecond() / it.tokensPerSecond())).orElse("–"),
                weft.peakMb(),
                best.map(it -> String.format(Locale.ROOT, "%.0f (%.2f)", it.peakMb(), weft.peakMb() / it.peakMb()))
                        .orElse("–"));
        Files.writeString(root.resolve("benchmarks/RESULTS.md"), line, StandardOpenOption.APPEND);
    }

    private Measured weft(String dtype) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of(ProcessHandle.current().info().command().orElse("java")));
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(
                List.of("-cp", System.getProperty("java.class.path"), TrainStep.class.getName(), "--dtype", dtype));
        Json result = Json.parse("TrainStep", output(concat(command, options)).getLast());
        return new Measured(result.number("tokens_per_second"), result.number("peak_mb"));
    }

    private Measured pytorch(List<String> peer, String dtype, String attention)
            throws IOException, InterruptedException {
        List<String> lines = output(
                concat(concat(peer, List.of("--dtype", dtype, "--attention", attention)), options));
        Json result = Json.parse("train_gpt.py", lines.get(lines.size() - 2));
        return new Measured(result.number("tokens_per_second"), Double.parseDouble(lines.getLast()) / 1024);
    }

    /// The command of the PyTorch program, if program and Python are there; else says what is missing.
    private static Optional<List<String>> peer(Path root) {
        String folder = System.getenv("WEFT_PEERS");
        Path program = (folder == null ? root.resolve("../shared/peers") : Path.of(folder)).resolve("train_gpt.py");
        String python = Objects.requireNonNullElse(System.getenv("WEFT_PYTHON"), "python3");
        if (!Files.isRegularFile(program)) {
            System.out.println(
                    "Weft alone: there is no " + program.normalize() + "; set WEFT_PEERS to the peers' folder.");
            return Optional.empty();
        }
        try {
            output(List.of(python, "-c", "import torch"));
            return Optional.of(List.of(python, "-c", MEASURED, program.toString()));
        } catch (IOException | InterruptedException e) {
            System.out.println("Weft alone: " + python + " has no PyTorch; set WEFT_PYTHON to a Python that has it.");
            return Optional.empty();
        }
    }

    private String commit() throws IOException, InterruptedException {
        List<String> git = List.of("git", "-C", root.toString());
        boolean changed = !output(concat(git, List.of("status", "--porcelain", "--untracked-files=no"))).isEmpty();
        return output(concat(git, List.of("rev-parse", "--short", "HEAD"))).getFirst() + (changed ? " + changes" : "");
    }

    private static String machine() {
        String cpu = System.getProperty("os.arch");
        try {
            cpu = Files.readAllLines(Path.of("/proc/cpuinfo")).stream().filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip()).findFirst().orElse(cpu);
        } catch (IOException e) {
            return cpu; // another system than Linux
        }
        return cpu + ", " + Runtime.getRuntime().availableProcessors() + " CPUs";
    }

    /// What a command prints, line by line.
    ///
    /// @throws IOException if it fails, with what it said
    private static List<String> output(List<String> command) throws IOException, InterruptedException {
        Path errors = Files.createTempFile("weft-benchmark", ".txt");
        try {
            Process process = new ProcessBuilder(command).redirectError(errors.toFile())
                    .redirectInput(new File("/dev/null")).start();
            String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new IOException("%s failed with status %d: %s".formatted(command, process.exitValue(),
                        Files.readString(errors).strip()));
            }
            return printed.lines().toList();
        } finally {
            Files.delete(errors);
        }
    }

    private static List<String> concat(List<String> first, List<String> second) {
        var all = new ArrayList<>(first);
        all.addAll(second);
        return all;
    }
}
