package dev.weft.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorTest {
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
    void a_refused_product_names_the_operation_and_both_shapes_in_one_line() {
        Tensor a = Tensor.zeros(DType.FLOAT32, 2, 3);
        Tensor b = Tensor.zeros(DType.FLOAT32, 4, 5);
        assertThatThrownBy(() -> a.matmul(b)).isInstanceOf(TensorException.class)
                .hasMessageStartingWith("matmul([2, 3] float32, [4, 5] float32): ")
                .hasMessageNotContaining("\n")
                .hasMessageNotContaining("Exception raised from");
    }

    @Test
    void values_come_back_as_they_went_in() {
        assertThat(Tensor.of(new float[]{1, 2, 3, 4}, 2, 2).transpose(0, 1).toFloats()).containsExactly(1, 3, 2, 4);
        assertThat(Tensor.of(new long[]{5, -7}, 2).toLongs()).containsExactly(5, -7);
        assertThat(Tensor.of(new boolean[]{true, false}, 2).toBooleans()).containsExactly(true, false);
        assertThat(Tensor.of(new float[0], 0, 4).toFloats()).isEmpty();
        assertThatThrownBy(() -> Tensor.of(new float[3], 2, 2)).hasMessage("Shape [2, 2] holds 4 values, found 3");
    }

    @Test
    void half_types_keep_their_bytes_when_written_and_mapped(@TempDir Path folder) throws Exception {
        Tensor narrow = Tensor.of(new float[]{1.5f, -2, 0.25f}, 3).to(DType.BFLOAT16);
        var bytes = new ByteArrayOutputStream();
        narrow.writeTo(Channels.newChannel(bytes));
        ByteBuffer buffer = ByteBuffer.wrap(bytes.toByteArray()).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(buffer.getShort(0)).isEqualTo((short) 0x3FC0);
        Path file = Files.write(folder.resolve("x"), bytes.toByteArray());
        assertThat(Tensor.mapped(file).viewAs(DType.BFLOAT16).toFloats()).containsExactly(1.5f, -2, 0.25f);
    }

    @Test
    void a_view_of_a_mapped_file_is_not_a_copy(@TempDir Path folder) throws Exception {
        Path file = Files.write(folder.resolve("x"), new byte[64]);
        Tensor whole = Tensor.mapped(file);
        assertThat(whole.narrow(0, 0, 16).viewAs(DType.FLOAT32).sharesMemory(whole)).isTrue();
    }

    @Test
    void sorting_ranking_and_choosing() {
        Tensor x = Tensor.of(new float[]{3, 1, 2}, 3);
        assertThat(x.sort(0, true).indices().toLongs()).containsExactly(0, 2, 1);
        assertThat(x.topK(2, 0).values().toFloats()).containsExactly(3, 2);
        assertThat(x.argmax(0).itemLong()).isZero();
        assertThat(Tensor.where(x.gt(1.5), x, x.neg()).toFloats()).containsExactly(3, -1, 2);
        assertThat(Tensor.cat(List.of(x, x), 0).cumsum(0).toFloats()).containsExactly(3, 4, 6, 9, 10, 12);
    }

    @Test
    void not_a_number_and_infinity_are_not_finite() {
        assertThat(Tensor.of(new float[]{1, 2}, 2).isFinite()).isTrue();
        assertThat(Tensor.of(new float[]{1, Float.NaN}, 2).isFinite()).isFalse();
        assertThat(Tensor.of(new float[]{1, Float.NEGATIVE_INFINITY}, 2).isFinite()).isFalse();
    }

    @Test
    void every_schema_called_by_name_resolves_to_the_arguments_we_give() {
        for (AtenOps.Op op : AtenOps.schemas()) {
            assertThat(AtenOps.printed(op)).startsWith(op.schemaStart() + " ->");
        }
    }

    @Test
    void chances_have_their_probability_whatever_the_shape_and_do_not_know_of_each_other() {
        try (var scope = TensorScope.open(); var random = Randomness.seeded(3)) {
            for (double p : new double[]{0.1, 0.7, 0.9}) {
                Tensor drawn = random.chances(p, 1000, 403).to(DType.FLOAT64);
                assertThat(drawn.mean().item()).isCloseTo(p, within(0.003));
                // Neighbours come of one random number.
                for (int apart = 1; apart < 5; apart++) {
                    Tensor both = drawn.flatten(0, 1).narrow(0, 0, 400_000)
                            .mul(drawn.flatten(0, 1).narrow(0, apart, 400_000));
                    assertThat(both.mean().item()).isCloseTo(p * p, within(0.004));
                }
            }
            assertThat(random.chances(0, 3, 3).to(DType.FLOAT32).sum().item()).isZero();
            assertThat(random.chances(1, 3, 3).to(DType.FLOAT32).sum().item()).isEqualTo(9);
            assertThat(random.chances(0.5, 0, 3).count()).isZero();
        }
    }

    @Test
    void streams_of_one_seed_agree_and_continue_from_a_stored_state() {
        try (var a = Randomness.seeded(7); var b = Randomness.seeded(7); var c = Randomness.seeded(8)) {
            assertThat(a.normal(0, 1, 5).toFloats()).isEqualTo(b.normal(0, 1, 5).toFloats())
                    .isNotEqualTo(c.normal(0, 1, 5).toFloats());
            Tensor state = a.state();
            float[] next = a.uniform(0, 1, 4).toFloats();
            c.restore(state);
            assertThat(c.uniform(0, 1, 4).toFloats()).isEqualTo(next);
        }
        assertThat(Randomness.mix(1, 2)).isNotEqualTo(Randomness.mix(2, 1)).isNotEqualTo(Randomness.mix(1, 2, 0));
    }

    @Test
    void a_tensor_narrowed_for_several_products_gives_theirs_and_a_wide_gradient() {
        try (var scope = TensorScope.open(); var random = Randomness.seeded(4)) {
            Tensor x = random.normal(0, 1, 5, 8).requiresGrad(true);
            Tensor weight = random.normal(0, 1, 8, 3);
            assertThat(Autocast.narrowed(x)).isSameAs(x);
            try (var mixed = Autocast.open(Device.CPU, DType.BFLOAT16)) {
                Tensor narrow = Autocast.narrowed(x);
                assertThat(narrow.dtype()).isEqualTo(DType.BFLOAT16);
                assertThat(Autocast.narrowed(narrow)).isSameAs(narrow);
                Tensor product = narrow.matmul(weight);
                assertThat(product.toFloats()).isEqualTo(x.matmul(weight).toFloats());
                product.sum().backward();
            }
            assertThat(x.grad().dtype()).isEqualTo(DType.FLOAT32);
        }
    }

    @Test
    void autocast_narrows_products_while_open_and_no_longer() {
        Tensor a = Tensor.zeros(DType.FLOAT32, 4, 4);
        try (var mixed = Autocast.open(Device.CPU, DType.BFLOAT16)) {
            assertThat(a.matmul(a).dtype()).isEqualTo(DType.BFLOAT16);
        }
        assertThat(a.matmul(a).dtype()).isEqualTo(DType.FLOAT32);
    }

    @Test
    void devices_and_types_are_read_from_words() {
        assertThat(Device.parse("cpu")).isEqualTo(Device.CPU);
        assertThat(Device.parse("auto").toString()).isIn("cpu", "cuda:0");
        assertThatThrownBy(() -> Device.parse("tpu")).hasMessageContaining("choose cpu, cuda");
        assertThat(DType.parse("bf16")).isEqualTo(DType.BFLOAT16).hasToString("bfloat16");
        assertThatThrownBy(() -> DType.parse("int7")).hasMessageContaining("int7");
    }

    @Test
    void one_setting_changes_the_number_of_threads() {
        int before = Engine.threads();
        Engine.threads(1);
        assertThat(Engine.threads()).isEqualTo(1);
        Engine.threads(before);
        assertThat(Engine.describe()).containsKeys("libtorch", "blas", "instructions", "threads");
        assertThatThrownBy(() -> Engine.threads(0)).hasMessageContaining("at least 1");
    }

    @Test
    void a_part_of_a_tensor_is_overwritten_with_values() {
        try (var scope = TensorScope.open()) {
            Tensor target = Tensor.zeros(DType.FLOAT32, 2, 3);
            target.copyInPlace(2, new float[]{1, 2, 3, 4}, 3).copyInPlace(6, new float[0], 0);
            assertThat(target.toFloats()).containsExactly(0, 0, 1, 2, 3, 0);
            assertThatThrownBy(() -> target.copyInPlace(4, new float[3], 3))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("3 values from 4 on do not fit").hasMessageEndingWith("[2, 3] float32");
            assertThatThrownBy(() -> target.transpose(0, 1).copyInPlace(0, new float[1], 1))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> target.copyInPlace(-1, new float[1], 1))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }
}
