package dev.weft.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class TensorScopeTest {
    @Test
    void what_is_born_in_a_scope_is_freed_with_it_and_what_is_kept_lives_one_scope_longer() {
        try (var outer = TensorScope.open()) {
            long before = TensorScope.liveTensors();
            Tensor kept = TensorScope.tidy(() -> Tensor.scalar(1).add(1).mul(2));
            assertThat(TensorScope.liveTensors()).isEqualTo(before + 1);
            assertThat(kept.item()).isEqualTo(4);
        }
    }

    @Test
    void a_freed_tensor_says_so() {
        Tensor gone;
        try (var scope = TensorScope.open()) {
            gone = Tensor.scalar(1);
        }
        assertThatThrownBy(() -> gone.add(1)).isInstanceOf(IllegalStateException.class).hasMessageContaining("keep()");
    }

    @Test
    void closing_early_or_twice_is_harmless() {
        try (var scope = TensorScope.open()) {
            long before = TensorScope.liveTensors();
            Tensor a = Tensor.scalar(1);
            Tensor b = Tensor.scalar(2);
            a.close();
            a.close();
            assertThat(b.item()).isEqualTo(2);
            assertThat(TensorScope.liveTensors()).isEqualTo(before + 1);
        }
    }

    @Test
    void scopes_close_in_order_and_on_their_own_thread() throws InterruptedException {
        var outer = TensorScope.open();
        var inner = TensorScope.open();
        assertThatThrownBy(outer::close).hasMessageContaining("after the scopes opened inside");
        var failure = new AtomicReference<Throwable>();
        Thread other = Thread.ofVirtual().start(() -> {
            try {
                inner.close();
            } catch (IllegalStateException e) {
                failure.set(e);
            }
        });
        other.join();
        assertThat(failure.get()).hasMessageContaining("thread that opened it");
        inner.close();
        outer.close();
    }

    @Test
    void a_hundred_training_steps_leave_no_tensor_behind() {
        Tensor weight = Tensor.full(0.5, DType.FLOAT32, 4, 4).unscoped().requiresGrad(true);
        long before = TensorScope.liveTensors();
        for (int step = 0; step < 100; step++) {
            try (var scope = TensorScope.open()) {
                Tensor x = Tensor.full(step, DType.FLOAT32, 2, 4);
                Gradients.apply(new GradientsTest.Square(), x.matmul(weight)).sum().backward();
                weight.clearGrad();
            }
        }
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
        weight.close();
    }

    @Test
    void a_graph_that_is_never_run_backward_leaves_nothing_behind_either() {
        Tensor weight = Tensor.full(0.5, DType.FLOAT32, 4, 4).unscoped().requiresGrad(true);
        long before = TensorScope.liveTensors();
        for (int step = 0; step < 10; step++) {
            try (var scope = TensorScope.open()) {
                Gradients.apply(new GradientsTest.Square(), weight).sum();
            }
        }
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
        weight.close();
    }
}
