package dev.weft.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsTest {
    @TempDir
    Path folder;
    private TensorScope scope;

    @BeforeEach
    void open() {
        scope = TensorScope.open();
    }

    @AfterEach
    void close() {
        scope.close();
    }

    @Test
    void every_type_and_shape_comes_back_as_it_was_written() {
        var tensors = new LinkedHashMap<String, Tensor>();
        for (DType dtype : DType.values()) {
            tensors.put("of." + dtype, Tensor.of(new float[]{1, 0, 1, 1, 0, 1}, 2, 3).to(dtype));
        }
        tensors.put("scalar", Tensor.scalar(7));
        tensors.put("empty", Tensor.zeros(DType.FLOAT16, 0, 4));
        tensors.put("turned", Tensor.of(new float[]{1, 2, 3, 4, 5, 6}, 2, 3).transpose(0, 1));
        Path path = folder.resolve("model.safetensors");
        Safetensors.write(path, tensors, Map.of("step", "3"));
        try (var file = Safetensors.open(path)) {
            assertThat(file.names()).containsExactlyInAnyOrderElementsOf(tensors.keySet());
            assertThat(file.metadata()).isEqualTo(Map.of("format", "pt", "step", "3"));
            tensors.forEach((name, tensor) -> {
                assertThat(file.dtype(name)).isEqualTo(tensor.dtype()).isEqualTo(file.tensor(name).dtype());
                assertThat(file.shape(name)).isEqualTo(tensor.shape()).isEqualTo(file.tensor(name).shape());
                assertThat(file.tensor(name).toFloats()).isEqualTo(tensor.toFloats());
            });
            assertThatThrownBy(() -> file.tensor("x")).hasMessageEndingWith("model.safetensors: has no tensor `x`");
        }
    }

    @Test
    void tensors_are_views_of_the_file_that_outlive_it_and_never_change_it() throws IOException {
        Path path = folder.resolve("a.safetensors");
        Safetensors.write(path, Map.of("w", Tensor.of(new float[]{1, 2}, 2)), Map.of());
        byte[] before = Files.readAllBytes(path);
        Tensor first;
        try (var file = Safetensors.open(path)) {
            first = file.tensor("w");
            assertThat(first.sharesMemory(file.tensor("w"))).isTrue();
        }
        first.fillInPlace(9);
        assertThat(Files.readAllBytes(path)).isEqualTo(before);
        Safetensors.write(path, Map.of("w", first), Map.of());
        assertThat(first.toFloats()).containsExactly(9, 9);
        try (var file = Safetensors.open(path)) {
            assertThat(file.tensor("w").toFloats()).containsExactly(9, 9);
        }
    }

    @Test
    void opening_and_closing_leaves_no_tensor_behind() {
        Path path = folder.resolve("a.safetensors");
        Safetensors.write(path, Map.of("w", Tensor.scalar(1)), Map.of());
        long before = TensorScope.liveTensors();
        try (var inner = TensorScope.open(); var file = Safetensors.open(path)) {
            file.tensor("w");
        }
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
    }

    @Test
    void an_unaligned_tensor_is_copied() throws IOException {
        byte[] data = ByteBuffer.allocate(9).order(ByteOrder.LITTLE_ENDIAN).put((byte) 5).putFloat(1.5f).putFloat(-2)
                .array();
        try (var file = Safetensors.open(file("""
                {"b": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
                 "w": {"dtype": "F32", "shape": [2, 1], "data_offsets": [1, 9]}}""", data))) {
            assertThat(file.tensor("w").toFloats()).containsExactly(1.5f, -2);
            assertThat(file.tensor("b").toLongs()).containsExactly(5);
        }
    }

    @Test
    void a_full_disk_leaves_the_old_file() throws IOException {
        Path path = folder.resolve("a.safetensors");
        Safetensors.write(path, Map.of("w", Tensor.scalar(1)), Map.of());
        Map<String, Tensor> large = Map.of("w", Tensor.zeros(DType.FLOAT32, 1000));
        byte[] header = Safetensors.header(large, Map.of());
        assertThatThrownBy(() -> AtomicFile.write(path, header.length + 4000,
                channel -> Safetensors.write(new FullAfter(channel, 300), large, header)))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("a.safetensors: cannot be written: No space left on device; it needs %d bytes, "
                        .formatted(header.length + 4000));
        try (var file = Safetensors.open(path)) {
            assertThat(file.tensor("w").item()).isEqualTo(1);
        }
        assertThat(AtomicFileTest.names(folder)).containsExactly("a.safetensors");
    }

    private record FullAfter(WritableByteChannel channel, int[] left) implements WritableByteChannel {
        FullAfter(WritableByteChannel channel, int bytes) {
            this(channel, new int[]{bytes});
        }

        @Override
        public int write(ByteBuffer source) throws IOException {
            left[0] -= source.remaining();
            if (left[0] < 0) {
                throw new IOException("No space left on device");
            }
            return channel.write(source);
        }

        @Override
        public boolean isOpen() {
            return channel.isOpen();
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }

    @Test
    void what_is_wrong_with_a_file_is_said_in_one_line_that_names_it() throws IOException {
        String w = "{\"w\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 8]}";
        refused(Files.write(folder.resolve("x"), new byte[0]), "the file is empty");
        refused(Files.write(folder.resolve("x"), new byte[5]), "truncated: .*found 5 bytes");
        refused(raw(1000, "{}"), "truncated: the header says it has 1000 bytes, but only 2 follow");
        refused(raw(6L << 30, "{}"), "header length 6442450944 is beyond the limit of 100000000 bytes");
        refused(raw(-1, "{}"), "header length 18446744073709551615 is beyond");
        refused(file("{\"w\": ", new byte[0]), "header: not valid JSON");
        refused(file("[]", new byte[0]), "header: must be a JSON object, found \\[\\]");
        refused(raw(3, "{\"\u00ff"), "header: not valid JSON");
        refused(file(w + "," + w.substring(1) + "}", new byte[8]), "header: not valid JSON.*Duplicate.*w");
        refused(file(w.replace("F32", "F8_E4M3") + "}", new byte[8]), "`w` has the unknown dtype \"F8_E4M3\"; known");
        refused(file(w + "}", new byte[7]), "`w`: data_offsets \\[0,8\\] lie outside the 7 bytes of data");
        refused(file(w + "}", new byte[9]), "1 bytes at the end belong to no tensor");
        refused(file(w.replace("[2]", "[3]") + "}", new byte[8]), "`w`: \\[3\\] of float32 needs 12 bytes.*hold 8");
        refused(file(w.replace("[2]", "[-2]") + "}", new byte[8]), "`w`: shape must be .*found \\[-2\\]");
        refused(file(w.replace("[2]", "2") + "}", new byte[8]), "`w`: shape must be .*found 2");
        refused(file(w.replace("[2]", "[4611686018427387904, 4]") + "}", new byte[8]),
                "`w`: shape .* is larger than any");
        refused(file(w.replace("[0, 8]", "[8, 0]") + "}", new byte[8]), "`w`: data_offsets \\[8,0\\] lie outside");
        String v = "\"v\": {\"dtype\": \"U8\", \"shape\": [4], \"data_offsets\": ";
        refused(file(w + "," + v + "[4, 8]}}", new byte[8]), "`v` overlaps the tensor before it by 4 bytes");
        refused(file(w + "," + v + "[9, 13]}}", new byte[13]), "there is a hole of 1 bytes before `v`");
        refused(folder, "is not a file");
        refused(folder.resolve("none"), "there is no such file");
    }

    private void refused(Path path, String reason) {
        assertThatThrownBy(() -> Safetensors.open(path)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(path + ": ")
                .hasMessageMatching(".*: " + reason + ".*")
                .hasMessageNotContaining("\n");
    }

    private Path file(String header, byte[] data) throws IOException {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer all = ByteBuffer.allocate(8 + json.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
        return Files.write(folder.resolve("hostile"), all.putLong(json.length).put(json).put(data).array());
    }

    private Path raw(long length, String header) throws IOException {
        byte[] json = header.getBytes(StandardCharsets.ISO_8859_1);
        ByteBuffer all = ByteBuffer.allocate(8 + json.length).order(ByteOrder.LITTLE_ENDIAN);
        return Files.write(folder.resolve("hostile"), all.putLong(length).put(json).array());
    }
}
