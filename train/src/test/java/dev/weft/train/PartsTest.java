package dev.weft.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.data.TokenWindows;
import dev.weft.data.Tokens;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PartsTest {
    @Test
    void schedules_rise_over_the_warm_up_and_end_where_they_should() {
        var cosine = new Schedule.Cosine(1, 0.1, 10, 110);
        assertThat(cosine.rate(0)).isCloseTo(0.1, within(1e-12));
        assertThat(cosine.rate(9)).isEqualTo(1);
        assertThat(cosine.rate(60)).isCloseTo(0.55, within(1e-12));
        assertThat(cosine.rate(110)).isCloseTo(0.1, within(1e-12));
        assertThat(cosine.rate(500)).isCloseTo(0.1, within(1e-12));
        var linear = new Schedule.Linear(1, 0, 0, 100);
        assertThat(linear.rate(25)).isCloseTo(0.75, within(1e-12));
        assertThat(new Schedule.Constant(0.5, 4).rate(1)).isEqualTo(0.25);
        var noam = new Schedule.InverseSquareRoot(1, 100);
        assertThat(noam.rate(99)).isEqualTo(1);
        assertThat(noam.rate(399)).isCloseTo(0.5, within(1e-12));
        assertThatThrownBy(() -> Schedule.parse("step", 1, 0, 0, 1)).hasMessageContaining("choose constant");
    }

    @Test
    void matrices_are_decayed_and_vectors_are_not() {
        try (var scope = TensorScope.open()) {
            Tensor matrix = Tensor.full(1, DType.FLOAT32, 2, 2).requiresGrad(true);
            Tensor vector = Tensor.full(1, DType.FLOAT32, 2).requiresGrad(true);
            try (var optimizer = Optimizer.adamW(Map.of("m", matrix, "v", vector), 0.9, 0.999, 1e-8, 0.5, false)) {
                matrix.sum().add(vector.sum()).mul(0).backward();
                optimizer.step(0.1);
            }
            assertThat(matrix.toFloats()).containsOnly(0.95f);
            assertThat(vector.toFloats()).containsOnly(1f);
        }
    }

    @Test
    void momentum_remembers_earlier_gradients() {
        try (var scope = TensorScope.open()) {
            Tensor weight = Tensor.full(0, DType.FLOAT32, 1).requiresGrad(true);
            try (var optimizer = Optimizer.sgd(Map.of("w", weight), 0.5, 0)) {
                for (int step = 0; step < 2; step++) {
                    weight.sum().backward();
                    optimizer.step(1);
                    weight.clearGrad();
                }
            }
            assertThat(weight.toFloats()).containsExactly(-2.5f);
        }
    }

    @Test
    void an_evaluation_counts_every_target_once_whatever_the_window() {
        Tokens tokens = new Tokens() {
            @Override
            public long count() {
                return 101;
            }

            @Override
            public int vocabSize() {
                return TinyModel.VOCAB;
            }

            @Override
            public void read(long start, int[] ids) {
                for (int i = 0; i < ids.length; i++) {
                    ids[i] = (int) ((start + i) * 7 % TinyModel.VOCAB);
                }
            }
        };
        // The tiny model looks at one token only, so that the cut into windows must not matter.
        try (var model = new TinyModel(2)) {
            CausalEvaluation.Sum one = CausalEvaluation.score(model, new TokenWindows(tokens, 3, 8), Device.CPU);
            CausalEvaluation.Sum other = CausalEvaluation.score(model, new TokenWindows(tokens, 1, 100), Device.CPU);
            assertThat(one.tokens()).isEqualTo(other.tokens()).isEqualTo(100);
            assertThat(one.loss()).isCloseTo(other.loss(), within(1e-5));
        }
    }

    @Test
    void the_tensorboard_file_is_records_with_right_sums(@TempDir Path folder) throws Exception {
        try (var events = new EventFile(folder)) {
            events.scalar("loss", 300, 1.5);
        }
        Path file;
        try (var entries = Files.list(folder)) {
            file = entries.findFirst().orElseThrow();
        }
        assertThat(file.getFileName().toString()).startsWith("events.out.tfevents.");
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        byte[] version = record(bytes);
        assertThat(new String(version, java.nio.charset.StandardCharsets.ISO_8859_1)).contains("brain.Event:2");
        byte[] event = record(bytes);
        assertThat(bytes.hasRemaining()).isFalse();
        // field 2 (step), varint 300; field 5 (summary) of 13 bytes; its field 1 of 11; tag "loss"; value 1.5
        assertThat(event).endsWith((byte) 0x10, (byte) 0xAC, (byte) 0x02, (byte) 0x2A, (byte) 13, (byte) 0x0A,
                (byte) 11,
                (byte) 0x0A, (byte) 4, (byte) 'l', (byte) 'o', (byte) 's', (byte) 's', (byte) 0x15, (byte) 0, (byte) 0,
                (byte) 0xC0, (byte) 0x3F);
    }

    private static byte[] record(ByteBuffer bytes) {
        byte[] length = new byte[8];
        bytes.get(length);
        assertThat(bytes.getInt()).isEqualTo(masked(length));
        byte[] content = new byte[(int) ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong()];
        bytes.get(content);
        assertThat(bytes.getInt()).isEqualTo(masked(content));
        return content;
    }

    private static int masked(byte[] content) {
        var crc = new CRC32C();
        crc.update(content);
        long value = crc.getValue();
        return (int) ((value >>> 15 | value << 17) + 0xa282ead8L);
    }

    @Test
    void settings_that_mean_nothing_are_refused() {
        assertThatThrownBy(() -> Settings.of(0)).hasMessageContaining("steps must be at least 1");
        assertThatThrownBy(() -> Settings.of(1).withMicroBatches(0)).hasMessageContaining("microBatches");
    }
}
