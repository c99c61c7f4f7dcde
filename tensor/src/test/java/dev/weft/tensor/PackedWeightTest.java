package dev.weft.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PackedWeightTest {
    /// As the loader makes them: of no scope, so that they will be seen again.
    private static Tensor weight(Randomness random, DType dtype, long... shape) {
        return random.normal(0, 0.1, shape).to(dtype).copy().unscoped();
    }

    private static double difference(Tensor one, Tensor other) {
        return one.to(DType.FLOAT32).sub(other.to(DType.FLOAT32)).abs().max().item();
    }

    @Test
    void a_packed_weight_gives_the_products_of_a_plain_one() {
        for (DType dtype : new DType[]{DType.FLOAT32, DType.BFLOAT16}) {
            double tolerance = dtype == DType.FLOAT32 ? 1e-5 : 0.05;
            try (var scope = TensorScope.open();
                    var random = Randomness.seeded(1);
                    Tensor weight = weight(random, dtype, 384, 256);
                    Tensor turned = weight(random, dtype, 256, 384)) {
                Tensor bias = random.normal(0, 1, 384).to(dtype);
                for (long[] shape : new long[][]{{1, 256}, {2, 3, 256}, {2, 4, 256}, {1, 40, 256}, {3, 1, 1, 256}}) {
                    Tensor x = random.normal(0, 1, shape).to(dtype);
                    Tensor plain = x.matmul(weight.transpose(0, 1));
                    assertThat(difference(Kernels.linear(x, weight, null), plain)).isLessThan(tolerance);
                    assertThat(difference(Kernels.linear(x, weight, bias), plain.add(bias))).isLessThan(tolerance);
                    assertThat(difference(Kernels.linearTurned(x, turned, bias), x.matmul(turned).add(bias)))
                            .isLessThan(tolerance);
                }
                assertThat(weight.packing()).isNotNull();
            }
        }
    }

    /// Sizes whose last block is not full were computed wrongly by an operator that a trial with 16 × 16 ones had passed.
    @ParameterizedTest
    @ValueSource(ints = {257, 288, 300, 304, 320, 1000, 1001, 5000})
    void a_product_is_right_to_its_last_column(int out) {
        for (DType dtype : new DType[]{DType.FLOAT32, DType.BFLOAT16}) {
            try (var scope = TensorScope.open();
                    var random = Randomness.seeded(out);
                    Tensor weight = weight(random, dtype, out, 256);
                    Tensor turned = weight(random, dtype, 256, out)) {
                for (int rows : new int[]{1, 2, 5, 8, 17, 31, 33}) {
                    Tensor x = random.normal(0, 1, rows, 256).to(dtype);
                    Tensor bias = random.normal(0, 1, out).to(dtype);
                    double allowed = dtype == DType.FLOAT32 ? 1e-5 : 0.06;
                    assertThat(difference(Kernels.linear(x, weight, bias),
                            exact(x, weight.transpose(0, 1)).add(bias.to(DType.FLOAT32)))).isLessThan(allowed);
                    assertThat(difference(Kernels.linearTurned(x, turned, null), exact(x, turned))).isLessThan(allowed);
                }
            }
        }
    }

    private static Tensor exact(Tensor x, Tensor weight) {
        return x.to(DType.FLOAT64).matmul(weight.to(DType.FLOAT64)).to(DType.FLOAT32);
    }

    @Test
    void an_order_that_computed_something_else_here_is_not_used() {
        try (var scope = TensorScope.open();
                var random = Randomness.seeded(6);
                Tensor weight = weight(random, DType.FLOAT32, 264, 272)) {
            Tensor x = random.normal(0, 1, 3, 272);
            assertThat(FastPath.PACKED_FLOAT32.proven(PackedWeight.Shapes.of(x, weight, null, false),
                    () -> new FastPath.Trial(7))).isFalse();
            assertThat(Kernels.linear(x, weight, null).toFloats())
                    .isEqualTo(Kernels.plainLinear(x, weight, null, false).toFloats());
            assertThat(FastPath.refusals()).anyMatch(line -> line.contains("[264, 272], 3 rows")
                    && line.contains("7.00 times what rounding allows"));
        } finally {
            FastPath.forget(FastPath.PACKED_FLOAT32);
        }
    }

    @Test
    void a_weight_of_zeros_vouches_for_no_other() {
        try (var scope = TensorScope.open(); Tensor zeros = Tensor.zeros(DType.FLOAT32, 280, 272).unscoped()) {
            FastPath.forget(FastPath.PACKED_FLOAT32);
            Tensor x = Tensor.full(1, DType.FLOAT32, 3, 272);
            assertThat(Kernels.linear(x, zeros, null).abs().max().item()).isZero();
            var asked = new AtomicInteger();
            FastPath.PACKED_FLOAT32.proven(PackedWeight.Shapes.of(x, zeros, null, false), () -> {
                asked.incrementAndGet();
                return new FastPath.Trial(0);
            });
            assertThat(asked).hasValue(1);
        } finally {
            FastPath.forget(FastPath.PACKED_FLOAT32);
        }
    }

    @Test
    void weights_beyond_the_range_of_float16_keep_theirs() {
        for (double size : new double[]{1e6, 1e-7}) {
            try (var scope = TensorScope.open();
                    var random = Randomness.seeded(5);
                    Tensor weight = random.normal(0, size, 300, 256).to(DType.BFLOAT16).copy().unscoped()) {
                Tensor x = random.normal(0, 1, 1, 256).to(DType.BFLOAT16);
                Tensor exact = x.to(DType.FLOAT32).matmul(weight.to(DType.FLOAT32).transpose(0, 1));
                assertThat(difference(Kernels.linear(x, weight, null), exact) / size).isLessThan(0.5);
            }
        }
    }

    @Test
    void a_weight_that_changes_is_packed_again() {
        try (var scope = TensorScope.open();
                var random = Randomness.seeded(2);
                Tensor weight = weight(random, DType.FLOAT32, 300, 256)) {
            Tensor x = random.normal(0, 1, 1, 256);
            Kernels.linear(x, weight, null);
            weight.copyInPlace(weight.mul(3));
            assertThat(difference(Kernels.linear(x, weight, null), x.matmul(weight.transpose(0, 1)))).isLessThan(1e-5);
        }
    }

    @Test
    void what_is_trained_or_seen_once_is_not_packed() {
        try (var scope = TensorScope.open();
                var random = Randomness.seeded(3);
                Tensor trained = weight(random, DType.FLOAT32, 300, 256)) {
            Tensor x = random.normal(0, 1, 1, 256);
            trained.requiresGrad(true);
            Kernels.linear(x, trained, null).sum().backward();
            assertThat(trained.packing()).isNull();
            assertThat(trained.grad()).isNotNull();

            Tensor passing = random.normal(0, 0.1, 300, 256);
            Kernels.linear(x, passing, null);
            assertThat(passing.packing()).isNull();
        }
    }

    @Test
    void gradients_flow_through_a_frozen_weight() {
        try (var scope = TensorScope.open();
                var random = Randomness.seeded(4);
                Tensor frozen = weight(random, DType.FLOAT32, 300, 256)) {
            Tensor x = random.normal(0, 1, 1, 256);
            Kernels.linear(x, frozen, null);
            Tensor input = random.normal(0, 1, 1, 256).requiresGrad(true);
            Kernels.linear(input, frozen, null).sum().backward();
            assertThat(difference(input.grad(), frozen.sum(0, true))).isLessThan(1e-4);
        }
    }

    @Test
    void packing_and_freeing_a_thousand_weights_leaves_memory_as_it_was() {
        Supplier<Long> round = () -> {
            for (int i = 0; i < 100; i++) {
                try (var scope = TensorScope.open();
                        Tensor weight = Tensor.full(0.5, DType.FLOAT32, 512, 512).unscoped()) {
                    Kernels.linear(Tensor.full(1, DType.FLOAT32, 1, 512), weight, null);
                }
            }
            return Engine.residentBytes();
        };
        round.get();
        long before = round.get();
        for (int i = 0; i < 8; i++) {
            round.get();
        }
        // 800 packings would be 800 MB.
        assertThat(Engine.residentBytes() - before).isLessThan(100L << 20);
    }
}
