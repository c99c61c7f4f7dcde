package dev.weft.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Against numbers computed by hand.
class ScoreStepTest {
    private static final Prompts PROMPT = Prompts.of(List.of(new int[]{5, 6}), 0);
    private static final float NEVER = Float.NEGATIVE_INFINITY;
    private TensorScope scope;

    @BeforeEach
    void open() {
        scope = TensorScope.open();
    }

    @AfterEach
    void close() {
        scope.close();
    }

    /// One row.
    private static float[] applied(ScoreStep step, int[] ids, float... scores) {
        return step.apply(new Sequences(new int[][]{ids}), Tensor.of(scores, 1, scores.length)).toFloats();
    }

    /// Scores whose softmax is this.
    private static float[] logs(double... probabilities) {
        float[] logs = new float[probabilities.length];
        for (int i = 0; i < logs.length; i++) {
            logs[i] = (float) Math.log(probabilities[i]);
        }
        return logs;
    }

    /// Which ids are left.
    private static String kept(float[] scores) {
        var kept = new StringBuilder();
        for (float score : scores) {
            kept.append(score == NEVER ? '.' : 'x');
        }
        return kept.toString();
    }

    @Test
    void temperature_divides() {
        assertThat(applied(ScoreStep.temperature(0.5), new int[]{0}, 1, -2, 0)).containsExactly(2, -4, 0);
    }

    @Test
    void top_k_keeps_the_k_best_and_what_is_equal_to_the_last_of_them() {
        assertThat(applied(ScoreStep.topK(2), new int[]{0}, 1, 4, 3, 2)).containsExactly(NEVER, 4, 3, NEVER);
        assertThat(kept(applied(ScoreStep.topK(2), new int[]{0}, 3, 4, 3, 2))).isEqualTo("xxx.");
        assertThat(kept(applied(ScoreStep.topK(9), new int[]{0}, 3, 4, 3, 2))).isEqualTo("xxxx");
    }

    @Test
    void top_p_keeps_the_smallest_set_whose_probability_reaches_p() {
        float[] scores = logs(0.1, 0.4, 0.2, 0.3);
        // 0.4 alone is short of 0.5; with 0.3 it is 0.7.
        assertThat(kept(applied(ScoreStep.topP(0.5, 1), new int[]{0}, scores))).isEqualTo(".x.x");
        assertThat(kept(applied(ScoreStep.topP(0.75, 1), new int[]{0}, scores))).isEqualTo(".xxx");
        assertThat(kept(applied(ScoreStep.topP(0.95, 1), new int[]{0}, scores))).isEqualTo("xxxx");
    }

    @Test
    void top_p_keeps_at_least_one_and_as_many_as_it_must() {
        float[] scores = logs(0.1, 0.4, 0.2, 0.3);
        assertThat(kept(applied(ScoreStep.topP(0.01, 1), new int[]{0}, scores))).isEqualTo(".x..");
        assertThat(kept(applied(ScoreStep.topP(0.01, 3), new int[]{0}, scores))).isEqualTo(".xxx");
    }

    @Property(tries = 200)
    void what_top_p_keeps_reaches_p_and_without_its_least_probable_does_not(
            @ForAll @Size(min = 2, max = 12) List<@IntRange(min = -40, max = 40) Integer> tenths,
            @ForAll @DoubleRange(min = 0.05, max = 0.95) double p) {
        float[] scores = new float[tenths.size()];
        double[] probabilities = new double[scores.length];
        double sum = 0;
        for (int i = 0; i < scores.length; i++) {
            // Made different, so that the smallest set is one set.
            scores[i] = tenths.get(i) / 10f + i * 0.01f;
            probabilities[i] = Math.exp(scores[i]);
            sum += probabilities[i];
        }
        float[] kept;
        try (var inner = TensorScope.open()) {
            kept = applied(ScoreStep.topP(p, 1), new int[]{0}, scores);
        }
        double mass = 0;
        double least = 1;
        for (int i = 0; i < scores.length; i++) {
            if (kept[i] != NEVER) {
                mass += probabilities[i] / sum;
                least = Math.min(least, probabilities[i] / sum);
            }
        }
        assertThat(mass).isGreaterThan(p - 1e-5);
        assertThat(mass - least).isLessThan(p + 1e-5);
    }

    @Test
    void min_p_keeps_what_has_a_share_of_the_best_ones_probability() {
        float[] scores = logs(0.04, 0.5, 0.2, 0.26);
        assertThat(kept(applied(ScoreStep.minP(0.45, 1), new int[]{0}, scores))).isEqualTo(".x.x");
        assertThat(kept(applied(ScoreStep.minP(0.39, 1), new int[]{0}, scores))).isEqualTo(".xxx");
        assertThat(kept(applied(ScoreStep.minP(1, 3), new int[]{0}, scores))).isEqualTo(".xxx");
    }

    @Test
    void repetition_penalty_divides_positive_scores_and_multiplies_negative_ones_once() {
        assertThat(applied(ScoreStep.repetitionPenalty(2), new int[]{0, 1, 1, 2}, 3, -1, 0, 5))
                .containsExactly(1.5f, -2, 0, 5);
    }

    @Test
    void no_ngram_comes_twice() {
        // 5 6 was followed by 7, and the text ends with 5 6 again.
        assertThat(kept(applied(ScoreStep.noRepeatNgrams(3), new int[]{5, 6, 7, 5, 6}, new float[8])))
                .isEqualTo("xxxxxxx.");
        assertThat(kept(applied(ScoreStep.noRepeatNgrams(2), new int[]{1, 1}, new float[3]))).isEqualTo("x.x");
        assertThat(kept(applied(ScoreStep.noRepeatNgrams(1), new int[]{2, 0}, new float[3]))).isEqualTo(".x.");
        assertThat(kept(applied(ScoreStep.noRepeatNgrams(4), new int[]{1, 1}, new float[3]))).isEqualTo("xxx");
    }

    @Test
    void each_row_has_its_own_ngrams() {
        var ids = new Sequences(new int[][]{{0, 1, 0}, {2, 1, 0}, {2, 2, 2}});
        float[] scores = ScoreStep.noRepeatNgrams(2).apply(ids, Tensor.of(new float[9], 3, 3)).toFloats();
        assertThat(kept(scores)).isEqualTo("x.x" + "xxx" + "xx.");
    }

    @Test
    void the_end_is_not_reached_before_the_minimum() {
        List<Integer> ends = List.of(0, 2);
        var ids = new Sequences(new int[][]{{5, 5}});
        Tensor scores = Tensor.of(new float[4], 1, 4);
        assertThat(kept(ScoreStep.minLength(3, ends).apply(ids, scores).toFloats())).isEqualTo(".x.x");
        assertThat(kept(ScoreStep.minNewTokens(1, ends).apply(ids, scores).toFloats())).isEqualTo(".x.x");
        ids.append(new int[]{1});
        assertThat(kept(ScoreStep.minLength(3, ends).apply(ids, scores).toFloats())).isEqualTo("xxxx");
        assertThat(kept(ScoreStep.minNewTokens(1, ends).apply(ids, scores).toFloats())).isEqualTo("xxxx");
    }

    @Test
    void bad_words_and_suppressed_ids_never_come() {
        List<List<Integer>> words = List.of(List.of(3), List.of(7, 1), List.of(8, 0), List.of(4, 4, 4, 4, 2));
        assertThat(kept(applied(ScoreStep.badWords(words), new int[]{5, 7}, new float[4]))).isEqualTo("x.x.");
        assertThat(kept(applied(ScoreStep.suppress(List.of(0, 3)), new int[]{5}, new float[4]))).isEqualTo(".xx.");
        var ids = new Sequences(new int[][]{{5}});
        Tensor scores = Tensor.of(new float[2], 1, 2);
        assertThat(kept(ScoreStep.suppressAtBegin(List.of(0), 0).apply(ids, scores).toFloats())).isEqualTo(".x");
        ids.append(new int[]{1});
        assertThat(kept(ScoreStep.suppressAtBegin(List.of(0), 0).apply(ids, scores).toFloats())).isEqualTo("xx");
    }

    @Test
    void steps_that_would_change_nothing_are_left_out() {
        assertThat(
                ScoreStep.of(Generation.greedy().withTemperature(0.7).withTopP(0.5), PROMPT, PROMPT.ids(), List.of()))
                .isEmpty();
        assertThat(ScoreStep.of(Generation.sampled(1).withTopK(0), PROMPT, PROMPT.ids(), List.of())).isEmpty();
        assertThat(
                ScoreStep.of(Generation.sampled(1).withTemperature(0.7).withTopP(0.5), PROMPT, PROMPT.ids(), List.of()))
                .hasSize(3);
    }

    @Test
    void own_steps_come_after_penalties_and_before_sampling() {
        ScoreStep own = (ids, scores) -> scores;
        List<ScoreStep> steps = ScoreStep.of(Generation.sampled(1).withRepetitionPenalty(2), PROMPT, PROMPT.ids(),
                List.of(own));
        assertThat(steps.indexOf(own)).isEqualTo(1);
        assertThat(steps).hasSize(3);
    }

    @Test
    void what_is_no_number_is_none_any_more() {
        assertThat(applied(ScoreStep.removeInvalidValues(), new int[]{5}, Float.NaN, NEVER, 2,
                Float.POSITIVE_INFINITY)).containsExactly(0, -Float.MAX_VALUE, 2, Float.MAX_VALUE);
    }

    private static final float[] SCORES = {2, 1.5f, 0.5f, 0, -1, -3, 1, 0.2f};

    /// What the Python library (transformers 5.18) leaves of the same scores.
    @ParameterizedTest
    @CsvSource({"typical, 0.2, 1, .x......", "typical, 0.5, 1, xx....x.", "typical, 0.9, 1, xxx...xx",
            "typical, 0.1, 3, xx....x.", "epsilon, 0.05, 1, xxxx..xx", "epsilon, 0.2, 1, xx......",
            "epsilon, 0.6, 1, x.......", "epsilon, 0.9, 3, xx....x.", "eta, 0.01, 1, xxxxx.xx",
            "eta, 0.1, 1, xxx...xx", "eta, 0.5, 1, xx....x.", "h, 0.1, 1, x.......", "h, 0.5, 1, xx......",
            "h, 0.8, 1, xxx...x.", "h, 0.1, 2, xx......"})
    void what_is_not_typical_or_too_improbable_goes(String step, double bound, int atLeast, String kept) {
        ScoreStep cut = switch (step) {
            case "h" -> ScoreStep.topH(bound, atLeast);
            case "typical" -> ScoreStep.typicalP(bound, atLeast);
            case "epsilon" -> ScoreStep.epsilonCutoff(bound, atLeast);
            default -> ScoreStep.etaCutoff(bound, atLeast);
        };
        assertThat(kept(applied(cut, new int[]{3, 1, 4, 1}, SCORES))).isEqualTo(kept);
    }

    @Test
    void what_is_ruled_out_does_not_count_when_the_typical_is_looked_for() {
        float[] masked = SCORES.clone();
        masked[0] = NEVER;
        assertThat(kept(applied(ScoreStep.typicalP(0.6, 1), new int[]{3}, masked))).isEqualTo(".xx...x.");
    }

    @Test
    void ids_and_sequences_of_the_answered_text_are_known() {
        int[] ids = {3, 1, 4, 1};
        assertThat(applied(ScoreStep.encoderRepetitionPenalty(1.5, new int[][]{{0, 4, 7}}), ids, SCORES))
                .usingComparatorWithPrecision(1e-5f).containsExactly(3, 1.5f, 0.5f, 0, -0.66667f, -3, 1, 0.3f);
        assertThat(kept(
                applied(ScoreStep.encoderNoRepeatNgrams(2, new int[][]{{1, 5, 1, 7, 4, 2}}), ids, SCORES)))
                .isEqualTo("xxxxx.x.");
    }

    @Test
    void biases_are_added_to_what_would_complete_a_sequence() {
        var biases = List.of(new Generation.Bias(List.of(2), -1.5), new Generation.Bias(List.of(4, 1, 6), 2),
                new Generation.Bias(List.of(3, 3), 5), new Generation.Bias(List.of(1, 2), 0.25));
        assertThat(applied(ScoreStep.sequenceBias(biases), new int[]{3, 1, 4, 1}, SCORES))
                .usingComparatorWithPrecision(1e-5f).containsExactly(2, 1.5f, -0.75f, 0, -1, -3, 3, 0.2f);
    }

    @Test
    void the_end_comes_nearer_with_each_id_beyond_a_length() {
        var ids = new Sequences(new int[][]{{3}});
        for (int id : new int[]{1, 4, 1}) {
            ids.append(new int[]{id});
        }
        float[] found = ScoreStep.lengthDecay(1, 1.5, List.of(4, 0)).apply(ids, Tensor.of(SCORES, 1, 8)).toFloats();
        assertThat(found).usingComparatorWithPrecision(1e-5f).containsExactly(4.5f, 1.5f, 0.5f, 0, 0.25f, -3, 1, 0.2f);
    }

    @Test
    void what_was_generated_loses_once_and_as_often_as_it_was() {
        var ids = new Sequences(new int[][]{{2, 2}});
        for (int id : new int[]{1, 0, 1}) {
            ids.append(new int[]{id});
        }
        float[] found = ScoreStep.presenceAndFrequency(0.5, 0.25).apply(ids, Tensor.of(new float[3], 1, 3)).toFloats();
        assertThat(found).containsExactly(-0.75f, -1, 0);
    }

    @Test
    void a_forced_id_leaves_no_other_where_it_is_due() {
        assertThat(applied(ScoreStep.forcedAt(2, List.of(1)), new int[]{5, 5}, 1, NEVER, 3))
                .containsExactly(NEVER, 0, NEVER);
        assertThat(applied(ScoreStep.forcedAt(2, List.of(1)), new int[]{5}, 1, NEVER, 3)).containsExactly(1, NEVER, 3);
    }
}
