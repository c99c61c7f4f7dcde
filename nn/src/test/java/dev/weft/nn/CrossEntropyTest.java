package dev.weft.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.weft.tensor.DType;
import dev.weft.tensor.Kernels;
import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CrossEntropyTest {
    private static final long IGNORED = -100;

    /// With 300,000 classes one row is all that fits at once, with 100,000 five, which leaves a rest.
    @ParameterizedTest
    @CsvSource({"6, 5, 0", "6, 5, 0.1", "12, 100000, 0.1", "3, 300000, 0"})
    void the_gradient_made_with_the_loss_is_that_of_libtorch(int rows, int classes, double smoothing) {
        try (var scope = TensorScope.open(); var random = Randomness.seeded(5)) {
            long[] labels = new long[rows];
            for (int row = 0; row < rows; row++) {
                labels[row] = row % 3 == 1 ? IGNORED : (row * 7L) % classes;
            }
            Tensor targets = Tensor.of(labels, rows);
            Tensor own = random.normal(0, 2, rows, classes).requiresGrad(true);
            Tensor reference = own.detach().copy().requiresGrad(true);
            Tensor narrow = own.detach().to(DType.BFLOAT16).requiresGrad(true);

            Tensor expected = Kernels.crossEntropy(reference, targets, null, Kernels.Reduction.SUM, IGNORED, smoothing);
            expected.mul(0.5).backward();
            Tensor loss = CrossEntropy.sum(own, targets, IGNORED, smoothing);
            loss.mul(0.5).backward();
            Tensor narrowed = CrossEntropy.sum(narrow, targets, IGNORED, smoothing);
            narrowed.mul(0.5).backward();

            assertThat(loss.item()).isCloseTo(expected.item(), within(1e-4));
            assertThat(CrossEntropy.sum(own.detach(), targets, IGNORED, smoothing).item())
                    .isCloseTo(expected.item(), within(1e-4));
            assertThat(Shared.difference(own.grad(), reference.grad())).isLessThan(1e-5);
            assertThat(narrowed.dtype()).isEqualTo(DType.FLOAT32);
            assertThat(narrowed.item()).isCloseTo(expected.item(), within(0.05));
            assertThat(Shared.difference(narrow.grad().to(DType.FLOAT32), reference.grad())).isLessThan(4e-3);
        }
    }

    @Test
    void many_steps_leave_no_tensors() {
        try (var outer = TensorScope.open()) {
            Tensor logits = Tensor.zeros(DType.FLOAT32, 3, 20_000).requiresGrad(true);
            Tensor labels = Tensor.of(new long[]{1, IGNORED, 2}, 3);
            long before = 0;
            for (int step = 0; step < 5; step++) {
                try (var scope = TensorScope.open()) {
                    CrossEntropy.sum(logits, labels, IGNORED, 0.1).backward();
                    logits.clearGrad();
                }
                before = step == 0 ? TensorScope.liveTensors() : before;
            }
            assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
        }
    }
}
