package dev.weft.benchmarks;

import dev.weft.checkpoint.CheckpointWeights;
import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.Safetensors;
import dev.weft.checkpoint.TensorFile;
import dev.weft.nn.Init;
import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Opening a checkpoint of 500 MB, or as many as the first argument says: how long, in how much memory, and how much of
/// it a second process shares. Then loading for training, which should take each number once, and blocks of few bits
/// widened to float32, beside a copy of as many numbers. Linux only: it reads `/proc/self/smaps_rollup`.
public final class Loading {
    private static final int ROWS = 1024;
    private static final int COLUMNS = 1024;
    private static final double MB = 1e6;

    private Loading() {}

    public static void main(String... args) throws IOException {
        int megabytes = args.length > 0 ? Integer.parseInt(args[0]) : 500;
        Path folder = Files.createTempDirectory("weft-loading");
        try {
            Path wide = write(folder.resolve("f32.safetensors"), DType.FLOAT32, megabytes);
            Path narrow = write(folder.resolve("bf16.safetensors"), DType.BFLOAT16, megabytes);
            Path blocks = writeBlocks(folder.resolve("q8_0.gguf"), megabytes);
            System.out.printf(Locale.ROOT, "%-44s %8s %10s %10s %10s %10s%n", "MB where not said otherwise", "seconds",
                    "resident", "proportion", "shared", "own");
            mapped(wide);
            training("for training, float32", wide, "FLOAT32", 1);
            training("for training, bfloat16 to float32", narrow, "FLOAT32", 2);
            training("for training, float32 to bfloat16", wide, "BFLOAT16", 0.5);
            try (var process = Child.start("widen", blocks.toString(), "FLOAT32")) {
                Json told = process.next();
                System.out.printf(Locale.ROOT,
                        "Q8_0 of %d MB widened: %.2f s, %.2f of a copy of as many float32 (%.2f s)%n", megabytes,
                        told.number("seconds"), told.number("seconds") / told.number("copy_seconds"),
                        told.number("copy_seconds"));
            }
        } finally {
            try (var files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(folder);
        }
    }

    private static void mapped(Path file) throws IOException {
        try (var first = Child.start("map", file.toString(), "FLOAT32")) {
            row("before opening", first.next());
            row("opened, all weights handed out", first.next());
            row("every number read", first.next());
            try (var second = Child.start("map", file.toString(), "FLOAT32")) {
                second.next();
                row("second process: opened", second.next());
                row("second process: every number read", second.next());
                row("first process, meanwhile", first.next());
            }
        }
    }

    /// @param size of the weights in memory, in sizes of the file
    private static void training(String what, Path file, String dtype, double size) throws IOException {
        try (var process = Child.start("train", file.toString(), dtype)) {
            Json before = process.next();
            Json after = process.next();
            row(what, after);
            double weights = Files.size(file) * size / MB;
            System.out.printf(Locale.ROOT, "%44s %.2f of the weights' size, %.2f at the highest%n",
                    "own memory grew by",
                    (after.number("own") - before.number("own")) / weights,
                    (after.number("own_peak") - before.number("own")) / weights);
        }
    }

    private static void row(String what, Json told) {
        System.out.printf(Locale.ROOT, "%-44s %8.3f %10.0f %10.0f %10.0f %10.0f%n", what, told.number("seconds"),
                told.number("resident"), told.number("proportion"), told.number("shared"), told.number("own"));
    }

    private static Path write(Path file, DType dtype, int megabytes) {
        try (var scope = TensorScope.open()) {
            Tensor weight = Tensor.full(0.5, dtype, ROWS, COLUMNS);
            var weights = new LinkedHashMap<String, Tensor>();
            for (int i = 0; i < Math.round(megabytes * MB / ROWS / COLUMNS / dtype.bytes()); i++) {
                weights.put("weight." + i, weight);
            }
            Safetensors.write(file, weights, Map.of());
        }
        return file;
    }

    /// A GGUF file of one tensor in blocks of 32 bytes and a scale.
    private static Path writeBlocks(Path file, int megabytes) throws IOException {
        int blocksInRow = COLUMNS / 32;
        long rows = Math.round(megabytes * MB / blocksInRow / 34);
        ByteBuffer header = ByteBuffer.allocate(96).order(ByteOrder.LITTLE_ENDIAN);
        header.put("GGUF".getBytes(StandardCharsets.US_ASCII)).putInt(3).putLong(1).putLong(0);
        header.putLong(1).put((byte) 'w').putInt(2).putLong(COLUMNS).putLong(rows).putInt(8).putLong(0);
        ByteBuffer row = ByteBuffer.allocate(blocksInRow * 34).order(ByteOrder.LITTLE_ENDIAN);
        while (row.hasRemaining()) {
            row.putShort(Float.floatToFloat16(0.01f));
            for (int i = 0; i < 32; i++) {
                row.put((byte) (i * 7));
            }
        }
        try (OutputStream out = Files.newOutputStream(file)) {
            out.write(header.array());
            for (long i = 0; i < rows; i++) {
                out.write(row.array());
            }
        }
        return file;
    }

    /// Another process, that tells one line at a time and waits for us in between.
    private record Child(Process process, BufferedReader lines, BufferedWriter answers) implements AutoCloseable {
        static Child start(String... arguments) throws IOException {
            var command = new ArrayList<>(List.of(ProcessHandle.current().info().command().orElse("java")));
            command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
            command.addAll(List.of("-cp", System.getProperty("java.class.path"), Reader.class.getName()));
            command.addAll(List.of(arguments));
            Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
            return new Child(process,
                    new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)),
                    process.outputWriter(StandardCharsets.UTF_8));
        }

        Json next() throws IOException {
            answers.write('\n');
            answers.flush();
            String line = lines.readLine();
            if (line == null) {
                throw new IOException("the reading process ended early");
            }
            return Json.parse("the reading process", line);
        }

        @Override
        public void close() {
            process.destroy();
        }
    }

    /// What such a process does: it maps a checkpoint, loads it for training, or widens blocks.
    static final class Reader {
        private static final Pattern LINE = Pattern.compile("(\\w+): +(\\d+) kB");

        private Reader() {}

        public static void main(String... args) throws IOException {
            Path file = Path.of(args[1]);
            DType dtype = DType.valueOf(args[2]);
            try (var warm = TensorScope.open()) {
                Tensor.full(1, DType.FLOAT32, ROWS, COLUMNS).to(DType.BFLOAT16).sum().item();
            }
            switch (args[0]) {
                case "map" -> map(file);
                case "train" -> train(file, dtype);
                default -> widen(file);
            }
            awaitQuestion();
        }

        private static void map(Path file) throws IOException {
            tell(0, 0);
            var weights = new ArrayList<Tensor>();
            long start = System.nanoTime();
            try (var checkpoint = CheckpointWeights.of(List.of(Safetensors.open(file)))) {
                for (String name : checkpoint.names()) {
                    weights.add(checkpoint.read(name, Init.zeros(), ROWS, COLUMNS));
                }
            }
            tell(start, 0);
            start = System.nanoTime();
            for (Tensor weight : weights) {
                try (var scope = TensorScope.open()) {
                    weight.sum().item();
                }
            }
            tell(start, 0);
            tell(0, 0);
            weights.forEach(Tensor::close);
        }

        private static void train(Path file, DType dtype) throws IOException {
            tell(0, 0);
            var weights = new ArrayList<Tensor>();
            long peak = 0;
            long start = System.nanoTime();
            try (var checkpoint = CheckpointWeights.of(List.of(Safetensors.open(file))).as(dtype).forTraining()) {
                for (String name : checkpoint.names()) {
                    weights.add(checkpoint.read(name, Init.zeros(), ROWS, COLUMNS));
                    peak = Math.max(peak, memory().get("Anonymous"));
                }
            }
            tell(start, peak);
            weights.forEach(Tensor::close);
        }

        private static void widen(Path file) throws IOException {
            double widened = Double.MAX_VALUE;
            double copied = Double.MAX_VALUE;
            for (int round = 0; round < 3; round++) {
                try (var scope = TensorScope.open(); var blocks = TensorFile.open(file)) {
                    long start = System.nanoTime();
                    Tensor wide = blocks.tensor("w");
                    widened = Math.min(widened, (System.nanoTime() - start) / 1e9);
                    start = System.nanoTime();
                    wide.copy();
                    copied = Math.min(copied, (System.nanoTime() - start) / 1e9);
                }
            }
            awaitQuestion();
            System.out.println(Json.object().put("seconds", widened).put("copy_seconds", copied));
        }

        /// @param peak of memory of its own, 0 for that of now
        private static void tell(long start, long peak) throws IOException {
            double seconds = start == 0 ? 0 : (System.nanoTime() - start) / 1e9;
            awaitQuestion();
            Map<String, Long> memory = memory();
            long own = memory.get("Anonymous");
            System.out.println(Json.object().put("seconds", seconds).put("resident", memory.get("Rss") / MB)
                    .put("proportion", memory.get("Pss") / MB)
                    .put("shared", (memory.get("Shared_Clean") + memory.get("Shared_Dirty")) / MB)
                    .put("own", own / MB).put("own_peak", Math.max(own, peak) / MB));
        }

        private static void awaitQuestion() throws IOException {
            if (System.in.read() < 0) {
                System.exit(0); // nobody asks any more
            }
        }

        /// Bytes of this process by kind: `Rss`, `Pss`, which counts a page by the share of each process, `Anonymous`, …
        private static Map<String, Long> memory() throws IOException {
            var bytes = new LinkedHashMap<String, Long>();
            for (String line : Files.readAllLines(Path.of("/proc/self/smaps_rollup"))) {
                Matcher found = LINE.matcher(line);
                if (found.matches()) {
                    bytes.put(found.group(1), Long.parseLong(found.group(2)) << 10);
                }
            }
            return bytes;
        }
    }
}
