package dev.weft.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FastPathTest {
    @BeforeEach
    @AfterEach
    void forget() {
        FastPath.forget(null);
    }

    private static FastPath.Trial trial(float[] found, float... plain) {
        try (var scope = TensorScope.open()) {
            return FastPath.Trial.of(Tensor.of(found, found.length), Tensor.of(plain, plain.length), 1e-6);
        }
    }

    @Test
    void one_wrong_column_or_something_that_is_no_number_is_found() {
        assertThat(trial(new float[]{1, 2, 3, 4}, 1, 2, 3, 4).error()).isZero();
        assertThat(trial(new float[]{1, 2, 3, 4.00001f}, 1, 2, 3, 4).error()).isBetween(1.0, 2.0);
        assertThat(trial(new float[]{1, 2, 3, 0}, 1, 2, 3, 4).error()).isGreaterThan(1e5);
        assertThat(trial(new float[]{1, 2, 3, Float.NaN}, 1, 2, 3, 4).error()).isInfinite();
    }

    @Test
    void nothing_is_proved_by_zeros_or_by_what_is_broken_already() {
        for (float[] plain : new float[][]{{0, 0}, {1, Float.NaN}, {1, Float.POSITIVE_INFINITY}}) {
            assertThat(trial(plain, plain).error()).isNaN();
        }
        var runs = new AtomicInteger();
        for (int i = 0; i < 2; i++) {
            assertThat(FastPath.FUSED_ATTENTION.proven("nothing", () -> {
                runs.incrementAndGet();
                return FastPath.Trial.UNDECIDED;
            })).isFalse();
        }
        assertThat(runs).as("asked again with other numbers").hasValue(2);
        assertThat(FastPath.refusals()).isEmpty();
    }

    @Test
    void each_class_of_shapes_is_tried_once_and_for_each_number_of_threads() {
        var runs = new AtomicInteger();
        FastPath.Proof proof = () -> {
            runs.incrementAndGet();
            return new FastPath.Trial(0.5);
        };
        int threads = Engine.threads();
        try {
            for (int count : new int[]{1, 1, 2, 1}) {
                Engine.threads(count);
                assertThat(FastPath.FUSED_ATTENTION.proven(List.of(3, 5), proof)).isTrue();
                assertThat(FastPath.RECOMPUTED_ATTENTION.proven(List.of(3, 5), proof)).isTrue();
            }
        } finally {
            Engine.threads(threads);
        }
        assertThat(runs).hasValue(4);
    }

    @Test
    void what_fails_or_is_refused_is_named() {
        assertThat(FastPath.FUSED_ATTENTION.proven("wrong shapes", () -> new FastPath.Trial(3e4))).isFalse();
        assertThat(FastPath.PACKED_FLOAT16.proven("missing here", () -> {
            throw new TensorException("no such operator");
        })).isFalse();
        assertThat(FastPath.refusals()).hasSize(2).anyMatch(line -> line.startsWith("fused attention, wrong shapes"))
                .anyMatch(line -> line.startsWith("FBGEMM's float16 products: LibTorch does not have"));
    }

    @Test
    void a_proof_leaves_the_callers_random_numbers_graph_and_tensors_alone() {
        try (var scope = TensorScope.open()) {
            Tensor weight = Tensor.full(1, DType.FLOAT32, 3).requiresGrad(true);
            long live = TensorScope.liveTensors();
            assertThat(FastPath.FUSED_ATTENTION.proven("quiet", () -> {
                assertThat(Gradients.recording()).isFalse();
                return FastPath.Trial.of(weight.mul(2), weight.add(weight), 1e-6);
            })).isTrue();
            assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(live);
            assertThat(Gradients.recording()).isTrue();
        }
    }

    private enum Update {
        ADAMW, NORM, SCALE, ADD
    }

    @ParameterizedTest
    @EnumSource
    void an_update_is_the_same_without_its_fused_form(Update update) {
        var results = new ArrayList<double[]>();
        for (boolean fused : new boolean[]{true, false}) {
            FastPath.forget(FastPath.FUSED_UPDATES);
            try (var scope = TensorScope.open(); var random = Randomness.seeded(3)) {
                List<Tensor> weights = List.of(random.normal(0, 1, 7, 5), random.normal(0, 1, 33));
                if (!fused) {
                    for (String which : List.of("AdamW", "norms", "scaling", "adding")) {
                        FastPath.FUSED_UPDATES.proven(List.of(which, DType.FLOAT32, Device.CPU),
                                () -> new FastPath.Trial(2));
                    }
                }
                Tensor result = switch (update) {
                    case ADAMW -> {
                        List<Tensor> gradients = List.of(random.normal(0, 1, 7, 5), random.normal(0, 1, 33));
                        List<Tensor> first = weights.stream().map(each -> each.mul(0)).toList();
                        List<Tensor> second = weights.stream().map(each -> each.mul(0)).toList();
                        List<Tensor> steps = List.of(Tensor.scalar(0), Tensor.scalar(0));
                        for (int i = 0; i < 3; i++) {
                            Updates.add(steps, 1);
                            Updates.adamW(weights, gradients, first, second, steps, 0.1, 0.9, 0.99, 0.1, 1e-8);
                        }
                        yield weights.getFirst();
                    }
                    case NORM -> Updates.globalNorm(weights).reshape(1);
                    case SCALE -> {
                        Updates.scale(weights, Tensor.scalar(0.7));
                        yield weights.getLast();
                    }
                    case ADD -> {
                        Updates.add(weights, 0.7);
                        yield weights.getLast();
                    }
                };
                results.add(result.toDoubles());
                assertThat(FastPath.refusals().isEmpty()).as(String.join("\n", FastPath.refusals())).isEqualTo(fused);
            }
        }
        assertThat(results.getFirst()).usingComparatorWithPrecision(1e-6).containsExactly(results.getLast());
    }
}
