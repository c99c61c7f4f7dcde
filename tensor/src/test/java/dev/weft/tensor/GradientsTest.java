package dev.weft.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class GradientsTest {
    private TensorScope scope;

    /// x², with the gradient written by hand.
    record Square() implements Gradients.Function {
        @Override
        public Tensor forward(List<Tensor> inputs, List<Tensor> saved) {
            return inputs.get(0).mul(inputs.get(0));
        }

        @Override
        public List<@Nullable Tensor> backward(Tensor gradient, List<Tensor> inputs, List<Tensor> saved) {
            return Arrays.asList(gradient.mul(inputs.get(0)).mul(2));
        }
    }

    /// a · b with a saved product, of another shape than either input.
    record Product() implements Gradients.Function {
        @Override
        public Tensor forward(List<Tensor> inputs, List<Tensor> saved) {
            Tensor product = inputs.get(0).matmul(inputs.get(1));
            saved.add(product);
            return product.exp();
        }

        @Override
        public List<@Nullable Tensor> backward(Tensor gradient, List<Tensor> inputs, List<Tensor> saved) {
            Tensor inner = gradient.mul(saved.get(0).exp());
            return Arrays.asList(inner.matmul(inputs.get(1).transpose(0, 1)),
                    inputs.get(0).transpose(0, 1).matmul(inner));
        }
    }

    @BeforeEach
    void open() {
        scope = TensorScope.open();
    }

    @AfterEach
    void close() {
        scope.close();
    }

    @Test
    void a_function_with_its_own_gradient_agrees_with_autograd_inside_a_larger_graph() {
        try (var random = Randomness.seeded(1)) {
            Tensor a = random.normal(0, 0.5, 3, 4);
            Tensor b = random.normal(0, 0.5, 4, 5);
            Tensor[] plain = {a.copy().requiresGrad(true), b.copy().requiresGrad(true)};
            Tensor[] custom = {a.copy().requiresGrad(true), b.copy().requiresGrad(true)};
            chain(plain[0], plain[1], plain[0].mul(2).matmul(plain[1].sin()).exp()).backward();
            chain(custom[0], custom[1], Gradients.apply(new Product(), custom[0].mul(2), custom[1].sin())).backward();
            for (int i = 0; i < 2; i++) {
                assertThat(custom[i].grad().sub(plain[i].grad()).abs().max().item()).isLessThan(1e-5);
            }
        }
    }

    /// Uses the inputs a second time beside the function, so that gradients must be added up.
    private static Tensor chain(Tensor a, Tensor b, Tensor y) {
        return y.mul(y).sum().add(a.mul(a).sum()).add(b.mul(3).sum());
    }

    @Test
    void an_input_that_needs_no_gradient_gets_none() {
        Tensor a = Tensor.full(0.1, DType.FLOAT32, 2, 2).requiresGrad(true);
        Tensor b = Tensor.full(0.2, DType.FLOAT32, 2, 2);
        Gradients.apply(new Product(), a, b).sum().backward();
        assertThat(a.grad()).isNotNull();
        assertThat(b.grad()).isNull();
    }

    @Test
    void nothing_is_recorded_while_gradients_are_off() {
        Tensor a = Tensor.full(3, DType.FLOAT32).requiresGrad(true);
        try (var off = Gradients.off()) {
            assertThat(a.mul(2).requiresGrad()).isFalse();
            assertThat(Gradients.apply(new Square(), a).requiresGrad()).isFalse();
            try (var on = Gradients.on()) {
                assertThat(a.mul(2).requiresGrad()).isTrue();
            }
        }
        assertThat(Gradients.recording()).isTrue();
    }

    @Test
    void running_backward_from_what_has_no_graph_is_a_clear_error() {
        assertThatThrownBy(() -> Tensor.scalar(1).backward()).isInstanceOf(TensorException.class)
                .hasMessageStartingWith("backward([] float32): ");
    }

    @Test
    void the_fused_update_is_the_formula_of_adamw() {
        Tensor p = Tensor.of(new float[]{1, -2}, 2);
        Tensor m = Tensor.zeros(DType.FLOAT32, 2);
        Tensor v = Tensor.zeros(DType.FLOAT32, 2);
        Tensor steps = Tensor.scalar(0);
        double lr = 0.1;
        double wd = 0.01;
        double eps = 1e-8;
        double[] expected = {1, -2};
        double[] first = new double[2];
        double[] second = new double[2];
        for (int t = 1; t <= 3; t++) {
            float[] g = {0.5f * t, -0.25f};
            for (int i = 0; i < 2; i++) {
                first[i] = 0.9 * first[i] + 0.1 * g[i];
                second[i] = 0.999 * second[i] + 0.001 * g[i] * g[i];
                expected[i] *= 1 - lr * wd;
                expected[i] -= lr / (1 - Math.pow(0.9, t)) * first[i]
                        / (Math.sqrt(second[i]) / Math.sqrt(1 - Math.pow(0.999, t)) + eps);
            }
            Updates.add(List.of(steps), 1);
            Updates.adamW(List.of(p), List.of(Tensor.of(g, 2)), List.of(m), List.of(v), List.of(steps), lr, 0.9, 0.999,
                    wd, eps);
        }
        assertThat(p.toFloats()[0]).isCloseTo((float) expected[0], org.assertj.core.data.Offset.offset(1e-5f));
        assertThat(p.toFloats()[1]).isCloseTo((float) expected[1], org.assertj.core.data.Offset.offset(1e-5f));
    }

    @Test
    void the_global_norm_runs_over_all_tensors_and_scaling_reaches_each() {
        List<Tensor> tensors = List.of(Tensor.of(new float[]{3}, 1), Tensor.of(new float[]{0, 4}, 1, 2));
        assertThat(Updates.globalNorm(tensors).item()).isEqualTo(5);
        Updates.scale(tensors, Tensor.scalar(0.5));
        assertThat(Updates.globalNorm(tensors).item()).isEqualTo(2.5);
    }
}
