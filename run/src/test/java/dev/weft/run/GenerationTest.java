package dev.weft.run;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.checkpoint.Json;
import dev.weft.run.Generation.Bound;
import dev.weft.run.Generation.EarlyStopping;
import java.util.List;
import java.util.Map;
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
    void that_there_is_no_such_id_is_told_by_none_null_minus_one_or_an_empty_list() {
        Generation folder = Generation.greedy().withEndIds(List.of(3)).withPadId(3);
        for (String none : List.of("-1", "[]", "[-1]", "none", "null")) {
            Generation told = folder.with("eos_token_id", none);
            assertThat(told.limits().endIds()).as(none).isEmpty();
            assertThat(told.endingAs(folder)).as(none).isEqualTo(told);
            assertThat(Generation.greedy().with("forced_eos_token_id", "4").with("forced_eos_token_id", none))
                    .as(none).isEqualTo(Generation.greedy());
            assertThat(Generation.greedy().with("eos_token_id", none)).isEqualTo(Generation.greedy()
                    .withEndIds(List.of())).isNotEqualTo(Generation.greedy());
        }
        for (String none : List.of("-1", "none", "null")) {
            assertThat(Generation.greedy().withForcedFirstId(4).with("forced_bos_token_id", none))
                    .isEqualTo(Generation.greedy());
            assertThat(Generation.greedy().withDecoderStartId(4).with("decoder_start_token_id", none))
                    .isEqualTo(Generation.greedy());
        }
        assertThat(folder.with("eos_token_id", "[5, -1]").limits().endIds()).containsExactly(5);
        assertThat(Generation.greedy().endingAs(folder)).isEqualTo(folder);
        // In a file as well; null says nothing there.
        assertThat(Generation.fromJson(json("{'eos_token_id': -1}"), json("{'eos_token_id': 3}")).limits().endIds())
                .isEmpty();
        assertThat(Generation.fromJson(json("{'eos_token_id': null}"), json("{'eos_token_id': 3}")).limits().endIds())
                .containsExactly(3);
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
        assertThatThrownBy(() -> base.withTopP(-0.1)).hasMessageContaining("top_p").hasMessageContaining("-0.1");
        for (String seed : List.of("abc", "1.5", "\"7\"", "123456789012345678901")) {
            assertThatThrownBy(() -> base.with("seed", seed)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("\"seed\" must be a whole number");
        }
        assertThatThrownBy(() -> base.with("top_k", "null")).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"top_k\" must be a value, or left out");
        assertThatThrownBy(() -> base.withLengthDecay(2, 0)).hasMessageContaining("above 0, found 0.0");
        assertThatThrownBy(() -> base.with("exponential_decay_length_penalty", "[1.5, 2]"))
                .hasMessageContaining("whole number");
        for (String name : List.of("eos_token_id", "forced_eos_token_id", "forced_bos_token_id",
                "decoder_start_token_id")) {
            assertThatThrownBy(() -> base.with(name, "-7")).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(name).hasMessageContaining("-1 for none, found -7");
        }
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

    @Test
    void every_setting_can_be_given_by_its_name_and_a_wrong_name_is_told_with_the_right_ones() {
        Map<String, String> other = Map.ofEntries(entry("max_new_tokens", "7"), entry("max_length", "30"),
                entry("min_new_tokens", "2"), entry("min_length", "4"), entry("eos_token_id", "[3, 4]"),
                entry("pad_token_id", "9"), entry("stop_strings", "[\"a\"]"),
                entry("exponential_decay_length_penalty", "[2, 1.5]"), entry("do_sample", "true"),
                entry("temperature", "0.5"), entry("top_k", "7"), entry("top_p", "0.5"), entry("min_p", "0.5"),
                entry("typical_p", "0.5"), entry("epsilon_cutoff", "0.5"), entry("eta_cutoff", "0.5"),
                entry("top_h", "0.5"), entry("penalty_alpha", "0.5"), entry("seed", "5"),
                entry("repetition_penalty", "2"), entry("encoder_repetition_penalty", "2"),
                entry("presence_penalty", "2"), entry("frequency_penalty", "2"), entry("no_repeat_ngram_size", "2"),
                entry("encoder_no_repeat_ngram_size", "2"), entry("bad_words_ids", "[[1]]"),
                entry("suppress_tokens", "[1]"), entry("begin_suppress_tokens", "[1]"),
                entry("sequence_bias", "[[[1], 2.0]]"), entry("force_words_ids", "[[1, 2], [[3], [4]]]"),
                entry("decoder_start_token_id", "1"), entry("forced_bos_token_id", "1"),
                entry("forced_eos_token_id", "1"), entry("num_beams", "2"), entry("length_penalty", "2"),
                entry("early_stopping", "never"), entry("num_beam_groups", "2"), entry("diversity_penalty", "2"),
                entry("guidance_scale", "2"), entry("renormalize_logits", "true"),
                entry("remove_invalid_values", "true"), entry("num_assistant_tokens", "2"),
                entry("num_assistant_tokens_schedule", "heuristic"), entry("assistant_confidence_threshold", "0.1"),
                entry("prompt_lookup_num_tokens", "2"), entry("max_matching_ngram_size", "3"),
                entry("num_return_sequences", "2"));
        other.forEach((name, value) -> assertThat(Generation.greedy().with(name, value)).as(name)
                .isNotEqualTo(Generation.greedy()));
        assertThatThrownBy(() -> Generation.greedy().with("num_beam", "2"))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("\"num_beam\"")
                .satisfies(refusal -> assertThat(refusal.getMessage().split("there are ")[1].split(", "))
                        .containsExactlyInAnyOrder(other.keySet().toArray(String[]::new)));
        assertThatThrownBy(() -> Generation.greedy().with("num_beams", "many"))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("num_beams");
        assertThat(Generation.greedy().with("force_words_ids", "[[1, 2], [[3], [4]]]"))
                .isEqualTo(Generation.greedy().withForceWordsIds(
                        List.of(List.of(List.of(1, 2)), List.of(List.of(3), List.of(4)))));
    }

    @Test
    void settings_that_contradict_each_other_are_refused_with_both() {
        Generation base = Generation.greedy();
        Map.of(base.withNumBeamGroups(2), "num_beams (1) must be a multiple of num_beam_groups (2)",
                base.withNumBeams(4).withNumBeamGroups(2), "diversity_penalty 0",
                base.withNumBeams(4).withDiversityPenalty(1), "num_beam_groups above 1",
                base.withForceWordsIds(List.of(List.of(List.of(1)))), "num_beams above 1",
                base.withNumBeams(2).withForceWordsIds(List.of(List.of(List.of(1)))).withDoSample(true), "do_sample",
                base.withPenaltyAlpha(0.6).withNumBeams(2), "num_beams (2)",
                base.withPenaltyAlpha(0.6).withDoSample(true), "do_sample",
                base.withPenaltyAlpha(0.6).withTopK(1), "top_k of 2 or more to choose from, found 1",
                base.withPromptLookupNumTokens(3).withPenaltyAlpha(0.6), "penalty_alpha (0.6)",
                base.withPromptLookupNumTokens(3).withGuidanceScale(2), "guidance_scale (2.0)")
                .forEach((options, told) -> assertThatThrownBy(() -> options.requireConsistent(false))
                        .isInstanceOf(IllegalArgumentException.class).hasMessageContaining(told));
        base.withNumBeams(4).withNumBeamGroups(2).withDiversityPenalty(1).requireConsistent(false);
        Generation.sampled(1).requireConsistent(true);
    }
}
