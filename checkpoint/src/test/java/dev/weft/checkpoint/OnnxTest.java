package dev.weft.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.tensor.DType;
import dev.weft.tensor.TensorScope;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnnxTest {
    @TempDir
    Path folder;

    /// A message of fields that are written one after the other.
    static final class Message {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        Message number(int field, long value) {
            varint((long) field << 3);
            varint(value);
            return this;
        }

        Message bytes(int field, byte[] value) {
            varint((long) field << 3 | 2);
            varint(value.length);
            bytes.writeBytes(value);
            return this;
        }

        Message text(int field, String value) {
            return bytes(field, value.getBytes(StandardCharsets.UTF_8));
        }

        Message message(int field, Message value) {
            return bytes(field, value.toBytes());
        }

        Message numbers(int field, long... values) {
            var packed = new Message();
            Arrays.stream(values).forEach(packed::varint);
            return bytes(field, packed.toBytes());
        }

        Message floats(int field, float... values) {
            ByteBuffer buffer = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
            for (float value : values) {
                buffer.putFloat(value);
            }
            return bytes(field, buffer.array());
        }

        byte[] toBytes() {
            return bytes.toByteArray();
        }

        private void varint(long value) {
            long rest = value;
            for (; (rest & ~0x7FL) != 0; rest >>>= 7) {
                bytes.write((int) (rest & 0x7F | 0x80));
            }
            bytes.write((int) rest);
        }
    }

    private static Message tensor(String name, int type, long... shape) {
        return new Message().numbers(1, shape).number(2, type).text(8, name);
    }

    private static Message matmul() {
        return new Message().text(1, "x").text(1, "w").text(2, "y").text(3, "/layer.0/dense/MatMul").text(4, "MatMul");
    }

    private static byte[] file(Message... parts) {
        var graph = new Message();
        for (Message part : parts) {
            graph.message(part == parts[0] ? 1 : 5, part);
        }
        return new Message().number(1, 8).text(2, "pytorch").message(7, graph.message(12, new Message().text(1, "y")))
                .toBytes();
    }

    /// One of each way to write a constant.
    static byte[] small() {
        var value = new Message().text(1, "value").message(5, tensor("", 7, 2).numbers(7, -1, 12));
        var constant = new Message().message(5, value).text(2, "c").text(4, "Constant");
        return file(constant, tensor("w", 1, 2, 2).floats(9, 1, 2, 3, 4), tensor("spelt", 1, 2).floats(4, 5, -6),
                tensor("half", 10, 2).numbers(5, 0x3C00, 0xC000), tensor("brain", 16, 1).numbers(5, 0x3F80),
                tensor("ids", 7, 2).numbers(7, -3, 1L << 40), tensor("none", 1, 0));
    }

    private Path written(byte[] bytes) throws IOException {
        return Files.write(folder.resolve("model.onnx"), bytes);
    }

    @Test
    void constants_are_read_however_the_file_writes_them() throws IOException {
        try (var scope = TensorScope.open(); Onnx file = Onnx.open(written(small()))) {
            assertThat(file.names()).containsExactly("c", "w", "spelt", "half", "brain", "ids", "none");
            assertThat(file.tensor("w").toFloats()).containsExactly(1, 2, 3, 4);
            assertThat(file.shape("w")).containsExactly(2, 2);
            assertThat(file.tensor("spelt").toFloats()).containsExactly(5, -6);
            assertThat(file.dtype("half")).isEqualTo(DType.FLOAT16);
            assertThat(file.tensor("half").to(DType.FLOAT32).toFloats()).containsExactly(1, -2);
            assertThat(file.tensor("brain").to(DType.FLOAT32).toFloats()).containsExactly(1);
            assertThat(file.tensor("ids").toLongs()).containsExactly(-3, 1L << 40);
            assertThat(file.tensor("c").toLongs()).containsExactly(-1, 12);
            assertThat(file.shape("none")).containsExactly(0);
            assertThat(file.outputs()).containsExactly("y");
        }
    }

    @Test
    void an_operation_tells_where_it_stands_as_either_exporter_says_it() throws IOException {
        var note = new Message().text(1, "pkg.torch.onnx.name_scopes").text(2,
                "['', 'layer.0', 'layer.0.dense', 'linear']");
        var noted = new Message().text(3, "node_linear").text(4, "MatMul").message(9, note);
        try (Onnx file = Onnx.open(written(file(matmul())))) {
            Onnx.Node node = file.nodes().getFirst();
            assertThat(node.module()).isEqualTo("layer.0.dense");
            assertThat(node.inputs()).containsExactly("x", "w");
        }
        try (Onnx file = Onnx.open(written(file(noted)))) {
            assertThat(file.nodes().getFirst().module()).isEqualTo("layer.0.dense");
        }
    }

    @Test
    void a_broken_file_is_refused_in_one_line_that_names_it() throws IOException {
        refused("no ONNX file".getBytes(StandardCharsets.UTF_8), "");
        refused(new Message().text(2, "pytorch").toBytes(), "holds no graph");
        byte[] whole = file(matmul(), tensor("w", 1, 2, 2).floats(9, 1, 2, 3, 4));
        refused(Arrays.copyOf(whole, whole.length - 3), "was its download interrupted?");
        refused(file(matmul(), tensor("w", 1, 2, 3).floats(9, 1, 2, 3, 4)),
                "`w` has 16 bytes in 1 parts for 6 numbers");
        refused(file(matmul(), tensor("w", 1, 1L << 40, 1L << 40)), "`w` cannot have the shape");
        refused(file(matmul(), tensor("w", 22, 2).bytes(9, new byte[1])), "`w` is of ONNX's type 22");
        refused(file(matmul(), tensor("w", 7, 3).numbers(7, 1, 2)), "`w` has 2 numbers, its shape asks for 3");
        refused(file(matmul(), tensor("w", 1, 0), tensor("w", 1, 0)), "`w` stands twice");
        refused(file(matmul(), tensor("w\n", 1, 5)), "`w?` has 0 bytes");
    }

    private void refused(byte[] bytes, String message) throws IOException {
        Path path = written(bytes);
        assertThatThrownBy(() -> Onnx.open(path)).isExactlyInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(path.toString()).hasMessageContaining(message)
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n"));
    }
}
