package dev.weft.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/// Broken files give valid content or one clear exception, and never end the process.
class HostileFileTest {
    private static Path folder;
    private static byte[] safetensors;
    private static byte[] archive;

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

    private static void readOrRefuse(byte[] content, Function<Path, TensorFile> open) throws IOException {
        Path path = Files.write(folder.resolve("mutated"), content);
        long before = TensorScope.liveTensors();
        try (var scope = TensorScope.open(); TensorFile file = open.apply(path)) {
            for (String name : file.names()) {
                Tensor tensor = file.tensor(name);
                assertThat(tensor.shape()).isEqualTo(file.shape(name));
                if (tensor.count() < 1_000_000) {
                    tensor.toDoubles();
                }
            }
        } catch (IllegalArgumentException e) {
            assertThat(e).hasMessageStartingWith(path.toString()).hasMessageNotContaining("\n");
            assertThat(e).isNotInstanceOf(NumberFormatException.class);
        } catch (UncheckedIOException e) {
            throw new AssertionError("a broken file is no broken disk", e);
        }
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
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
}
