package dev.weft.checkpoint;

import dev.weft.tensor.Engine;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import dev.weft.testing.Scratch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/// What the fuzzer runs. Each reader either reads the bytes in full or refuses them in one line that names the file; all
/// else is a finding, and so is a run out of memory or time.
final class Fuzzed {
    /// Elements of a tensor that is looked at: a few bytes can say, rightly, that a tensor repeats one number very often.
    private static final int MOST_READ = 1_000_000;

    private Fuzzed() {}

    /// A `.safetensors` file.
    public static final class OfSafetensors {
        private OfSafetensors() {}

        public static void fuzzerInitialize() {
            Engine.start();
        }

        public static void fuzzerTestOneInput(byte[] input) {
            readOrRefuse(Scratch.write("fuzzed.safetensors", input), Safetensors::open);
        }
    }

    /// A PyTorch archive: the file itself, or after a first byte of 0 the pickle inside a good one.
    public static final class OfTorchArchive {
        private OfTorchArchive() {}

        public static void fuzzerInitialize() {
            Engine.start();
        }

        public static void fuzzerTestOneInput(byte[] input) {
            byte[] file = input;
            if (input.length > 0 && input[0] == 0) {
                try {
                    file = TorchArchiveTest.archive(Scratch.path("pickled.bin"), new String(input, 1, input.length - 1,
                            StandardCharsets.ISO_8859_1));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
            readOrRefuse(Scratch.write("fuzzed.bin", file), TorchArchive::open);
        }
    }

    /// A `.gguf` file.
    public static final class OfGguf {
        private OfGguf() {}

        public static void fuzzerInitialize() {
            Engine.start();
        }

        public static void fuzzerTestOneInput(byte[] input) {
            readOrRefuse(Scratch.write("fuzzed.gguf", input), Fuzzed::gguf);
        }
    }

    /// An `.onnx` file.
    public static final class OfOnnx {
        private OfOnnx() {}

        public static void fuzzerInitialize() {
            Engine.start();
        }

        public static void fuzzerTestOneInput(byte[] input) {
            readOrRefuse(Scratch.write("fuzzed.onnx", input), Onnx::open);
        }
    }

    /// A `config.json`, which is also taken for an index of shards.
    public static final class OfJson {
        private static final List<Consumer<String>> NONE = List.of();

        private OfJson() {}

        public static void fuzzerTestOneInput(byte[] input) {
            Path file = Scratch.write("model.safetensors.index.json", input);
            Scratch.write("config.json", input);
            inOneLine(file.getParent(), () -> ModelFolder.open(file.getParent()).weightFiles());
            inOneLine(file, () -> look(file, Json.read(file), 0));
        }

        private static void look(Path file, Json json, int depth) {
            for (String name : json.names()) {
                for (Consumer<String> reader : depth > 4 ? NONE : readers(file, json, depth)) {
                    inOneLine(file, () -> reader.accept(name));
                }
            }
        }

        private static List<Consumer<String>> readers(Path file, Json json, int depth) {
            return List.of(json::integer, json::positive, json::number, json::flag, json::text, json::integers,
                    json::numbers, json::texts, name -> look(file, json.object(name), depth + 1),
                    name -> json.objects(name).forEach(inner -> look(file, inner, depth + 1)));
        }
    }

    /// Opens a file and asks for all that is in it.
    static Gguf gguf(Path path) {
        Gguf file = Gguf.open(path);
        try {
            inOneLine(path, file::config);
            inOneLine(path, file::vocabulary);
            inOneLine(path, file::chatTemplate);
            return file;
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    static void readOrRefuse(Path path, Function<Path, TensorFile> open) {
        long before = TensorScope.liveTensors();
        inOneLine(path, () -> {
            try (var scope = TensorScope.open(); TensorFile file = open.apply(path)) {
                for (String name : file.names()) {
                    long[] shape = file.shape(name);
                    if (Arrays.stream(shape).asDoubleStream().reduce(1,
                            (product, size) -> product * size) < MOST_READ) {
                        Tensor tensor = file.tensor(name);
                        require(Arrays.equals(tensor.shape(), shape), "a tensor has another shape than its file says");
                        require(tensor.dtype() == file.dtype(name), "a tensor has another type than its file says");
                        tensor.toDoubles();
                    }
                }
            }
        });
        require(TensorScope.liveTensors() <= before, "a tensor was left behind");
    }

    private static void inOneLine(Path path, Runnable body) {
        try {
            body.run();
        } catch (IllegalArgumentException e) {
            String message = String.valueOf(e.getMessage());
            // A subclass such as NumberFormatException was not meant for the reader.
            if (e.getClass() != IllegalArgumentException.class || !message.startsWith(path.toString())
                    || message.length() < path.toString().length() + 5
                    || message.matches("(?s).*[\\p{Cc}\\u2028\\u2029].*")) {
                throw new AssertionError("no message for a reader: " + message, e);
            }
        }
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }
}
