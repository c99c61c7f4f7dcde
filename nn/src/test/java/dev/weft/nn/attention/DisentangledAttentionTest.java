package dev.weft.nn.attention;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.nn.attention.DisentangledAttention.Buckets;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DisentangledAttentionTest {
    private static int[] buckets(int count, int maxDistance, int... distances) {
        var buckets = new Buckets(count, maxDistance);
        return IntStream.of(distances).map(buckets::bucket).toArray();
    }

    @Test
    void distances_share_the_buckets_that_the_reference_gives_them() {
        assertThat(
                buckets(256, 512, -511, -300, -129, -128, -40, 0, 1, 128, 129, 130, 200, 255, 256, 300, 400, 510, 511))
                .containsExactly(-255, -207, -129, -128, -40, 0, 1, 128, 129, 130, 169, 192, 192, 207, 233, 255, 255);
        assertThat(buckets(4, 40, -40, -5, -3, -2, 0, 2, 3, 4, 20, 39, 40))
                .containsExactly(-4, -3, -3, -2, 0, 2, 3, 3, 3, 3, 4);
        assertThat(buckets(8, 64, -511, -40, -5, 7, 12, 20, 39, 63, 128, 200)).containsExactly(-10, -7, -5, 5, 6, 6, 7,
                7,
                8, 9);
        assertThat(buckets(-1, 8, -511, -8, 7, 511)).containsExactly(-511, -8, 7, 511);
    }

    @Test
    void a_distance_beyond_the_table_has_the_row_at_its_end() {
        var buckets = new Buckets(4, 40);
        assertThat(IntStream.of(-500, -39, 0, 39, 40, 500).map(buckets::row)).containsExactly(0, 1, 4, 7, 7, 7);
    }
}
