package dev.weft.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.nn.position.Sinusoidal;
import dev.weft.tensor.DType;
import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PartsTest {
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
    void a_projection_is_the_same_map_in_either_layout() {
        try (var random = Randomness.seeded(1)) {
            Tensor weight = random.normal(0, 1, 3, 5);
            Tensor bias = random.normal(0, 1, 3);
            Tensor x = random.normal(0, 1, 2, 4, 5);
            Tensor one = new Linear(weight, bias, Linear.Layout.OUT_IN).forward(x);
            Tensor two = new Linear(weight.transpose(0, 1).contiguous(), bias, Linear.Layout.IN_OUT).forward(x);
            assertThat(two.shape()).containsExactly(2, 4, 3);
            assertThat(Shared.difference(one, two)).isLessThan(1e-5);
        }
    }

    @Test
    void new_weights_depend_on_the_seed_and_their_name_alone() {
        Weights first = Weights.random(7);
        first.get("before", Init.normal(1), 4);
        float[] a = first.at("h").at(0).get("weight", Init.normal(1), 4).toFloats();
        float[] b = Weights.random(7).get("h.0.weight", Init.normal(1), 4).toFloats();
        assertThat(a).isEqualTo(b);
        assertThat(Weights.random(8).get("h.0.weight", Init.normal(1), 4).toFloats()).isNotEqualTo(b);
        assertThat(first.given()).containsOnlyKeys("before", "h.0.weight");
    }

    private static WeightSource zeros(String... names) {
        return new WeightSource() {
            @Override
            public Set<String> names() {
                return Set.of(names);
            }

            @Override
            public Tensor read(String name, Init init, long... shape) {
                return Tensor.zeros(DType.FLOAT32, shape);
            }
        };
    }

    @Test
    void weights_that_nobody_asked_for_are_named_but_for_those_that_mean_nothing() {
        Weights weights = Weights.from(zeros("wte.weight", "extra.weight", "mask", "embeddings.position_ids"));
        Embedding.load(weights.at("wte"), 4, 2, Init.zeros());
        weights.ignore("mask");
        assertThat(weights.unread()).containsExactly("extra.weight");
    }

    @Test
    void a_base_model_without_its_prefix_is_read_under_the_names_it_has_and_kept_under_its_own() {
        Weights weights = Weights.from(zeros("wte.weight"));
        Weights base = weights.at("transformer").storedAt("transformer");
        Embedding.load(base.at("wte"), 4, 2, Init.zeros());
        assertThat(weights.given()).containsOnlyKeys("transformer.wte.weight");
        assertThat(weights.unread()).isEmpty();
        assertThat(base.holds("wte.weight")).isTrue();
        assertThat(Weights.from(zeros("transformer.wte.weight")).storedAt("transformer").has("wte.weight"))
                .isTrue();
    }

    @Test
    void what_may_be_new_is_made_and_named() {
        Weights weights = Weights.from(zeros("wte.weight"), ProjectionPlan.PLAIN, name -> name.startsWith("score."),
                name -> false);
        assertThat(weights.at("score").get("weight", Init.ones(), 2).toFloats()).containsExactly(1, 1);
        assertThat(weights.made()).containsExactly("score.weight");
        assertThat(weights.getEither("score.bias", "wte.weight", Init.ones(), 2).toFloats()).containsExactly(0, 0);
    }

    @Test
    void a_plan_replaces_projections_by_name_and_no_others() {
        Weights plain = Weights.from(WeightSource.random(1), (at, spec) -> {
            Projection read = ProjectionPlan.PLAIN.load(at, spec);
            return at.full("weight").startsWith("a.") ? x -> read.forward(x).mul(0) : read;
        });
        Tensor x = Tensor.full(1, DType.FLOAT32, 1, 2);
        assertThat(Linear.load(plain.at("a"), Linear.Layout.OUT_IN, 2, 2, Init.ones()).forward(x).toFloats())
                .containsOnly(0);
        assertThat(Linear.load(plain.at("b"), Linear.Layout.OUT_IN, 2, 2, Init.ones()).forward(x).toFloats())
                .containsOnly(2);
    }

    @Test
    void a_plan_that_holds_a_weight_in_another_form_never_sees_it_as_floats() {
        WeightSource eighths = new WeightSource() {
            @Override
            public Set<String> names() {
                return Set.of("a.eighths");
            }

            @Override
            public Tensor read(String name, Init init, long... shape) {
                return Tensor.of(new int[]{8, 16, 24, 32}, 2, 2).to(DType.UINT8).unscoped();
            }
        };
        Weights weights = Weights.from(eighths, (at, spec) -> {
            Tensor stored = at.get("eighths", spec.init(), spec.out(), spec.in());
            return x -> x.matmul(stored.to(DType.FLOAT32).div(8).transpose(0, 1));
        });

        Projection held = Linear.load(weights.at("a"), 2, 2, false, Init.ones());

        assertThat(held.forward(Tensor.full(1, DType.FLOAT32, 1, 2)).toFloats()).containsExactly(3, 7);
        assertThat(weights.given()).containsOnlyKeys("a.eighths");
        assertThat(weights.unread()).isEmpty();
    }

    @Test
    void dropout_keeps_the_mean_repeats_from_a_position_and_is_absent_when_off() {
        Tensor x = Tensor.full(1, DType.FLOAT32, 100, 100);
        Dropout dropout = Dropout.on(1, 2);
        Tensor first = dropout.apply(x, 0.25);
        assertThat(first.mean().item()).isCloseTo(1, org.assertj.core.data.Offset.offset(0.05));
        assertThat(first.eq(0).to(DType.FLOAT32).mean().item()).isCloseTo(0.25,
                org.assertj.core.data.Offset.offset(0.03));
        Tensor second = dropout.apply(x, 0.25);
        assertThat(Shared.difference(first, second)).isPositive();
        dropout.rewind(1);
        assertThat(Shared.difference(dropout.apply(x, 0.25), second)).isZero();
        assertThat(Dropout.OFF.apply(x, 0.25)).isSameAs(x);
    }

    @Test
    void every_activation_is_found_by_its_names_and_others_are_refused() {
        assertThat(Map.of("gelu", Activation.GELU, "gelu_new", Activation.GELU_TANH, "swish", Activation.SILU,
                "quick_gelu",
                Activation.QUICK_GELU))
                .allSatisfy((name, expected) -> assertThat(Activation.parse(name)).isEqualTo(expected));
        assertThatThrownBy(() -> Activation.parse("gelo")).hasMessageContaining("gelu_new");
        Tensor x = Tensor.of(new float[]{-2, 0, 3}, 3);
        assertThat(Activation.QUICK_GELU.forward(x).toFloats()[2]).isCloseTo((float) (3 / (1 + Math.exp(-1.702 * 3))),
                org.assertj.core.data.Offset.offset(1e-6f));
        assertThat(Activation.SQUARED_RELU.forward(x).toFloats()).containsExactly(0, 0, 9);
        assertThat(Activation.SILU.forward(x).toFloats()[0]).isCloseTo((float) (-2 / (1 + Math.exp(2))),
                org.assertj.core.data.Offset.offset(1e-6f));
    }

    @Test
    void feed_forward_parts_are_their_formulas() {
        Projection twice = x -> x.mul(2);
        Tensor x = Tensor.of(new float[]{0, 3}, 2);
        assertThat(new FeedForward.Plain(twice, Activation.RELU, twice).forward(x, ForwardPass.plain()).toFloats())
                .containsExactly(0, 12);
        assertThat(
                new FeedForward.Gated(twice, twice, Activation.RELU, twice).forward(x, ForwardPass.plain()).toFloats())
                .containsExactly(0,
                        72);
    }

    @Test
    void sinusoidal_positions_are_the_formula_of_the_paper() {
        float[] table = Sinusoidal.table(3, 4, Sinusoidal.Layout.INTERLEAVED).toFloats();
        assertThat(table[2 * 4]).isEqualTo((float) Math.sin(2));
        assertThat(table[2 * 4 + 3]).isEqualTo((float) Math.cos(2 / Math.pow(10_000, 0.5)));
        float[] halves = Sinusoidal.table(3, 4, Sinusoidal.Layout.HALVES).toFloats();
        assertThat(halves[2 * 4 + 2]).isEqualTo((float) Math.cos(2));
    }
}
