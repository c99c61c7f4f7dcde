package dev.weft.nn.position;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.nn.Embedding;
import dev.weft.nn.Init;
import dev.weft.nn.Weights;
import dev.weft.tensor.Device;
import dev.weft.tensor.TensorScope;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RelativeBiasTest {
    private static final int[] DISTANCES = {-1000, -128, -127, -65, -64, -16, -15, -9, -8, -7, -1, 0, 1, 7, 8, 9, 15,
            16,
            64, 65, 127, 128, 1000};

    private static RelativeBias of(boolean bidirectional) {
        return new RelativeBias(Embedding.load(Weights.random(1), 32, 2, Init.normal(1)), 32, 128, bidirectional);
    }

    private static int[] buckets(RelativeBias bias) {
        return IntStream.of(DISTANCES).map(bias::bucket).toArray();
    }

    @Test
    void distances_share_the_buckets_that_the_reference_gives_them() {
        try (var scope = TensorScope.open()) {
            assertThat(buckets(of(true))).containsExactly(15, 15, 15, 14, 14, 10, 9, 8, 8, 7, 1, 0, 17, 23, 24, 24, 25,
                    26, 30, 30, 31, 31, 31);
            assertThat(buckets(of(false))).containsExactly(31, 31, 31, 26, 26, 16, 15, 9, 8, 7, 1, 0, 0, 0, 0, 0, 0, 0,
                    0, 0, 0, 0, 0);
        }
    }

    @Test
    void the_last_queries_alone_have_the_bias_that_they_have_among_all() {
        try (var scope = TensorScope.open()) {
            RelativeBias bias = of(false);
            float[] all = bias.of(5, 5, null, Device.CPU).narrow(2, 3, 2).contiguous().toFloats();
            assertThat(bias.of(2, 5, null, Device.CPU).contiguous().toFloats()).containsExactly(all);
        }
    }
}
