package dev.weft.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.checkpoint.Json;
import dev.weft.run.Generation.Bound;
import dev.weft.run.Generation.EarlyStopping;
import java.util.List;
import org.junit.jupiter.api.Test;

class GenerationTest {
    private static Json json(String text) {
        return Json.parse("generation_config.json", text.replace('\'', '"'));
    }

    @Test
    void every_setting_is_read() {
        Generation read = Generation.fromJson(json("""
                {'max_new_tokens': 7, 'max_length': 99, 'min_length': 3, 'do_sample': true, 'temperature': 0.5,
                 'top_k': 3, 'top_p': 0.9, 'min_p': 0.1, 'repetition_penalty': 1.2, 'no_repeat_ngram_size': 2,
                 'num_beams': 4, 'num_return_sequences': 2, 'length_penalty': 0.8, 'early_stopping': 'never',
                 'stop_strings': ['a', 'b'], 'eos_token_id': [5, 6], 'pad_token_id': 1, 'bad_words_ids': [[1], [2, 3]],
                 'suppress_tokens': [8], 'begin_suppress_tokens': [9], 'bos_token_id': 4, '_from_model_config': true}
                """), json("{}"));
        assertThat(read).isEqualTo(Generation.sampled(0).withMaxNewTokens(7).withMinLength(3).withTemperature(0.5)
                .withTopK(3).withTopP(0.9).withMinP(0.1).withRepetitionPenalty(1.2).withNoRepeatNgramSize(2)
                .withNumBeams(4).withNumReturnSequences(2).withLengthPenalty(0.8)
                .withEarlyStopping(EarlyStopping.NEVER).withStopStrings(List.of("a", "b")).withEndIds(List.of(5, 6))
                .withPadId(1).withBadWordsIds(List.of(List.of(1), List.of(2, 3))).withSuppressTokens(List.of(8))
                .with(json("{'begin_suppress_tokens': [9]}")));
        assertThat(read.limits().longest()).isEqualTo(new Bound.NewTokens(7));
    }

    @Test
    void ids_that_the_generation_config_lacks_come_from_the_config() {
        Json config = json("{'eos_token_id': 66, 'pad_token_id': 100, 'num_beams': 3}");
        Generation read = Generation.fromJson(json("{'max_length': 30}"), config);
        assertThat(read.limits().endIds()).containsExactly(66);
        assertThat(read.limits().padId()).isEqualTo(100);
        assertThat(read.limits().longest()).isEqualTo(new Bound.Total(30));
        assertThat(read.beams().numBeams()).isEqualTo(1);
        assertThat(Generation.fromJson(json("{'eos_token_id': 2}"), config).limits().endIds()).containsExactly(2);
    }

    @Test
    void without_a_pad_id_the_first_end_id_fills_up() {
        assertThat(Generation.fromJson(json("{'eos_token_id': [9, 8]}"), json("{'eos_token_id': 3}")).limits().padId())
                .isEqualTo(9);
        assertThat(Generation.fromJson(json("{}"), json("{'eos_token_id': 3, 'pad_token_id': -1}")).limits().padId())
                .isEqualTo(3);
    }

    @Test
    void options_replace_what_they_name_and_leave_the_rest() {
        Generation base = Generation.greedy().withNumBeams(4).withMaxLength(40).withNoRepeatNgramSize(3);
        assertThat(base.with(json("{'max_new_tokens': 5, 'early_stopping': true}")))
                .isEqualTo(base.withMaxNewTokens(5).withEarlyStopping(EarlyStopping.TRUE));
    }

    @Test
    void wrong_values_are_refused() {
        Generation base = Generation.greedy();
        assertThatThrownBy(() -> base.withTopP(0)).hasMessageContaining("top_p").hasMessageContaining("0.0");
        assertThatThrownBy(() -> base.withTemperature(-1)).hasMessageContaining("temperature");
        assertThatThrownBy(() -> base.withMaxNewTokens(0)).hasMessageContaining("max_new_tokens");
        assertThatThrownBy(() -> base.withStopStrings(List.of(""))).hasMessageContaining("stop string");
        assertThatThrownBy(() -> base.with(json("{'early_stopping': 'soon'}")))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("true, false or \"never\"");
        assertThatThrownBy(() -> base.with(json("{'bad_words_ids': [3]}")))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("list of lists");
    }

    @Test
    void a_setting_that_is_not_known_is_refused_only_where_it_would_change_the_text() {
        assertThat(
                Generation.greedy()
                        .with(json("{'guidance_scale': 1.0, 'num_beam_groups': 1, 'watermarking_config': null}")))
                .isEqualTo(Generation.greedy());
        assertThatThrownBy(() -> Generation.greedy().with(json("{'watermarking_config': {'bias': 2}}")))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("watermarking_config");
    }
}
