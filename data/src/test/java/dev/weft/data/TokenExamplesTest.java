package dev.weft.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.tensor.TensorScope;
import java.util.List;
import org.junit.jupiter.api.Test;

class TokenExamplesTest {
    @Test
    void examples_begin_at_the_first_place_and_what_fills_them_is_no_target() {
        try (var scope = TensorScope.open()) {
            TokenBatch batch = new TokenExamples(List.of(new int[]{1, 2, 3, 4}, new int[]{5, 6}), 16).random(1, 0, 0);
            long tokens = 0;
            for (long row = 0; row < 16; row++) {
                long[] inputs = batch.inputs().select(0, row).toLongs();
                long[] targets = batch.targets().select(0, row).toLongs();
                if (inputs[0] == 1) {
                    assertThat(inputs).containsExactly(1, 2, 3);
                    assertThat(targets).containsExactly(2, 3, 4);
                    tokens += 3;
                } else {
                    assertThat(inputs).containsExactly(java.util.Arrays.copyOf(new long[]{5}, inputs.length));
                    assertThat(targets[0]).isEqualTo(6);
                    assertThat(java.util.Arrays.copyOfRange(targets, 1, targets.length))
                            .containsOnly(TokenExamples.IGNORED);
                    tokens += 1;
                }
            }
            assertThat(batch.tokens()).isEqualTo(tokens);
        }
    }

    @Test
    void the_same_step_gives_the_same_batch() {
        var examples = new TokenExamples(List.of(new int[]{1, 2}, new int[]{3, 4}, new int[]{5, 6}), 8);
        try (var scope = TensorScope.open()) {
            assertThat(examples.random(1, 5, 0).inputs().toLongs())
                    .isEqualTo(examples.random(1, 5, 0).inputs().toLongs())
                    .isNotEqualTo(examples.random(1, 6, 0).inputs().toLongs());
        }
    }

    @Test
    void an_example_of_one_token_is_refused() {
        assertThatThrownBy(() -> new TokenExamples(List.of(new int[]{1, 2}, new int[]{3}), 1))
                .hasMessage("Example 2 has 1 tokens; to predict one, two are needed");
    }
}
