package dev.weft.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class LanguageModelScoreTest {
    @Test
    void guessing_evenly_among_four_tokens_costs_two_bits_each() {
        var score = new LanguageModelScore(10 * Math.log(4), 10, 40);
        assertThat(score.loss()).isCloseTo(Math.log(4), within(1e-12));
        assertThat(score.perplexity()).isCloseTo(4, within(1e-12));
        assertThat(score.bitsPerByte()).isCloseTo(0.5, within(1e-12));
    }

    @Test
    void scores_of_two_texts_add_up() {
        var sum = new LanguageModelScore(3, 2, 5).plus(new LanguageModelScore(1, 2, 3));
        assertThat(sum).isEqualTo(new LanguageModelScore(4, 4, 8));
        assertThat(sum.loss()).isEqualTo(1);
    }

    @Test
    void a_score_of_nothing_is_refused() {
        assertThatThrownBy(() -> new LanguageModelScore(0, 0, 0)).hasMessageContaining("at least one token");
    }
}
