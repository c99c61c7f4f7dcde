package dev.weft.nn.numbers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.tensor.Engine;
import java.util.ArrayList;
import org.junit.jupiter.api.Test;

class NumbersCheckTest {
    @Test
    void everything_that_models_are_made_of_computes_rightly_here() {
        int threads = Engine.threads();
        var lines = new ArrayList<NumbersCheck.Line>();
        boolean right = NumbersCheck.run(lines::add);
        assertThat(lines).allMatch(NumbersCheck.Line::right).hasSizeGreaterThan(500);
        assertThat(right).isTrue();
        assertThat(lines).anyMatch(line -> line.name().startsWith("product float32, [1, 64] x [64, 50257], 2 threads"))
                .anyMatch(line -> line.name().startsWith("attention, causal, gradients bfloat16"));
        assertThat(Engine.threads()).isEqualTo(threads);
    }

    @Test
    void an_error_beyond_rounding_is_called_wrong() {
        assertThat(new NumbersCheck.Line("product", 1.5, "").right()).isFalse();
        assertThat(new NumbersCheck.Line("product", Double.NaN, "").right()).isFalse();
        assertThat(new NumbersCheck.Line("product", 1.5, "")).hasToString("WRONG product 1.5");
    }
}
