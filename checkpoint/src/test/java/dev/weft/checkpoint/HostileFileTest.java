package dev.weft.checkpoint;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/// Broken files give valid content or one clear exception, and never end the process.
class HostileFileTest {
    private static Path folder;
    private static byte[] safetensors;
    private static byte[] archive;
    private static byte[] gguf;

    @BeforeContainer
    static void writeGoodFiles() throws IOException {
        folder = Files.createTempDirectory("hostile");
        try (var scope = TensorScope.open()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            tensors.put("a", Tensor.of(new float[]{1, 2, 3, 4, 5, 6}, 2, 3));
            tensors.put("b", Tensor.zeros(DType.BFLOAT16, 5));
            tensors.put("c", Tensor.zeros(DType.BOOL, 3));
            Path file = folder.resolve("good");
            Safetensors.write(file, tensors, Map.of());
            safetensors = Files.readAllBytes(file);
            archive = TorchArchiveTest.archive(file, TorchArchiveTest.PICKLE);
            gguf = GgufBuilder.llama().tensor("blk.0.ffn_up.weight", 8, 64, new byte[34], 1, 32)
                    .texts("tokenizer.ggml.tokens", "a", "b").text("tokenizer.ggml.model", "gpt2")
                    .list("tokenizer.ggml.scores", GgufBuilder.F32, 2, new byte[8]).bytes();
        }
    }

    @AfterContainer
    static void removeFiles() throws IOException {
        try (var files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }

    @Property(tries = 1500)
    void a_mutated_safetensors_file_is_read_or_refused(@ForAll long seed) throws IOException {
        readOrRefuse(mutated(safetensors, seed), Safetensors::open);
    }

    @Property(tries = 1500)
    void a_mutated_pytorch_archive_is_read_or_refused(@ForAll long seed) throws IOException {
        readOrRefuse(mutated(archive, seed), TorchArchive::open);
    }

    @Property(tries = 1500)
    void a_mutated_gguf_file_is_read_or_refused(@ForAll long seed) throws IOException {
        readOrRefuse(mutated(gguf, seed), Fuzzed::gguf);
    }

    private static void readOrRefuse(byte[] content, Function<Path, TensorFile> open) throws IOException {
        Fuzzed.readOrRefuse(Files.write(folder.resolve("mutated"), content), open);
    }

    /// Bytes flipped, numbers put in, pieces cut out, doubled or cut off at the end.
    private static byte[] mutated(byte[] good, long seed) {
        var random = new Random(seed);
        byte[] bytes = good.clone();
        for (int i = random.nextInt(4); i >= 0 && bytes.length > 0; i--) {
            int at = random.nextInt(bytes.length);
            int length = random.nextInt(Math.min(20, bytes.length - at) + 1);
            switch (random.nextInt(6)) {
                case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes[at] = List.of((byte) 0, (byte) -1, (byte) '9', (byte) '"', (byte) '-', (byte) 'R')
                        .get(random.nextInt(6));
                case 2 -> bytes = Arrays.copyOf(bytes, at);
                case 3 -> bytes = spliced(bytes, at, at + length, new byte[0]);
                case 4 -> bytes = spliced(bytes, at, at, Arrays.copyOfRange(bytes, at, at + length));
                default -> bytes = spliced(bytes, at, Math.min(bytes.length, at + 1),
                        Integer.toString(random.nextInt(1 << random.nextInt(31))).getBytes());
            }
        }
        return bytes;
    }

    private static byte[] spliced(byte[] bytes, int from, int to, byte[] inserted) {
        byte[] result = new byte[bytes.length - (to - from) + inserted.length];
        System.arraycopy(bytes, 0, result, 0, from);
        System.arraycopy(inserted, 0, result, from, inserted.length);
        System.arraycopy(bytes, to, result, from + inserted.length, bytes.length - to);
        return result;
    }

    @Example
    void a_shard_cut_off_at_any_byte_is_named() throws IOException {
        Path model = Files.createDirectory(folder.resolve("model"));
        Path shard = model.resolve("b.safetensors");
        try {
            Files.writeString(model.resolve("config.json"), "{}");
            Files.writeString(model.resolve("model.safetensors.index.json"),
                    "{\"weight_map\": {\"a\": \"b.safetensors\", \"c\": \"b.safetensors\"}}");
            for (int length = 0; length < safetensors.length; length++) {
                Files.write(shard, Arrays.copyOf(safetensors, length));
                assertThatThrownBy(() -> CheckpointWeights.open(ModelFolder.open(model)))
                        .isInstanceOf(IllegalArgumentException.class).hasMessageStartingWith(shard + ": ");
            }
            for (int length = 0; length < gguf.length - 32; length++) {
                Path file = Files.write(model.resolve("b.gguf"), Arrays.copyOf(gguf, length));
                assertThatThrownBy(() -> ModelFolder.open(file)).isInstanceOf(IllegalArgumentException.class)
                        .hasMessageStartingWith(file + ": ");
            }
        } finally {
            for (String name : List.of("config.json", "model.safetensors.index.json", "b.safetensors", "b.gguf")) {
                Files.deleteIfExists(model.resolve(name));
            }
            Files.delete(model);
        }
    }

    /// What an index or a config can have wrong, with what it should say.
    @Example
    void a_broken_index_is_refused_in_one_line_that_names_it() throws IOException {
        Path model = Files.createDirectory(folder.resolve("indexed"));
        Path index = model.resolve("model.safetensors.index.json");
        try {
            Files.writeString(model.resolve("config.json"), "{}");
            var wrong = new LinkedHashMap<String, String>();
            wrong.put("", "must be a JSON object, found");
            wrong.put("[]", "must be a JSON object, found []");
            wrong.put("{\"weight_map\": ", "not valid JSON at line 1");
            wrong.put("{}", "\"weight_map\" is missing; it must be an object");
            wrong.put("{\"weight_map\": 3}", "\"weight_map\" must be an object, found 3");
            wrong.put("{\"weight_map\": {\"a\": 7}}", "\"weight_map.a\" must be a text, found 7");
            wrong.put("{\"weight_map\": {\"a\": \"/etc/passwd\"}}", "a shard must lie in the same folder");
            wrong.put("{\"weight_map\": {\"a\\n\": 7}}", "\"weight_map.a?\" must be a text, found 7");
            wrong.put("{\"weight_map\": {\"a\": \"..\"}}", "a shard must lie in the same folder");
            wrong.put("{\"weight_map\": {\"a\": \"b\\u0000\"}}", "a shard must lie in the same folder");
            wrong.put("{\"weight_map\": {\"a\": \"gone\"}}",
                    "names the shard gone, which is missing; found config.json");
            wrong.put("{\"weight_map\": {}}", "names no shard");
            for (Map.Entry<String, String> each : wrong.entrySet()) {
                Files.writeString(index, each.getKey());
                assertThatThrownBy(() -> CheckpointWeights.open(ModelFolder.open(model))).as(each.getKey())
                        .isInstanceOf(IllegalArgumentException.class).hasMessageStartingWith(index + ": ")
                        .hasMessageContaining(each.getValue()).hasMessageNotContaining("\n");
            }
        } finally {
            Files.deleteIfExists(model.resolve("config.json"));
            Files.deleteIfExists(index);
            Files.delete(model);
        }
    }
}
