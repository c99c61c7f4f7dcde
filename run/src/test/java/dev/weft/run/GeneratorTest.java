package dev.weft.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.models.Gpt2;
import dev.weft.models.Models;
import dev.weft.models.heads.CausalLanguageModel;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.AttentionMask;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class GeneratorTest {
    private static final int[] PROMPT = {5, 17, 3};
    private static CausalLanguageModel model;
    private static Generator generator;

    @BeforeAll
    static void create() {
        model = lively(Gpt2.Config.tiny(), 11);
        generator = Generator.of(model);
    }

    @AfterAll
    static void close() {
        model.close();
    }

    /// Larger weights than a model begins with, so that one id is clearly better than another and texts do not repeat.
    static CausalLanguageModel lively(Gpt2.Config config, long seed) {
        CausalLanguageModel model = Models.create(config, seed);
        try (var off = Gradients.off()) {
            model.parameters().values().stream().filter(weight -> weight.dim() == 2)
                    .forEach(weight -> weight.mulInPlace(12));
        }
        return model;
    }

    private static int[] ids(Generation options) {
        return generator.generate(PROMPT, options).first().ids();
    }

    @Test
    void decoding_token_by_token_gives_the_logits_of_one_full_pass_with_padding_on_the_left() {
        List<int[]> begin = List.of(new int[]{1, 2, 3, 4, 5}, new int[]{9, 8}, new int[]{60});
        Prompts prompts = Prompts.of(begin, 0);
        int[][] more = {{7, 11, 13}, {21, 22, 23}, {40, 41, 42}, {50, 51, 52}};
        try (var scope = TensorScope.open();
                var off = Gradients.off();
                var passes = new CachedPasses(model, Map.of(), prompts, 1)) {
            var steps = new ArrayList<Tensor>();
            steps.add(passes.begin());
            var sequences = new Sequences(prompts.ids());
            for (int[] next : more) {
                sequences.append(next);
                steps.add(passes.next(sequences));
            }
            for (int row = 0; row < begin.size(); row++) {
                int at = row;
                int[] whole = IntStream.concat(Arrays.stream(begin.get(row)),
                        Arrays.stream(more).mapToInt(next -> next[at])).toArray();
                Tensor full = model.logits(Tensor.of(whole, 1, whole.length), ForwardPass.plain());
                for (int step = 0; step < steps.size(); step++) {
                    Tensor expected = full.select(0, 0).select(0, begin.get(row).length - 1 + step);
                    Tensor found = steps.get(step).select(0, row);
                    assertThat(found.sub(expected).abs().max().item()).isLessThan(1e-5);
                }
            }
        }
    }

    @Test
    void one_unpadded_row_decodes_to_the_logits_of_one_full_pass() {
        int[] whole = {1, 2, 3, 4, 5, 6, 7, 8};
        try (var scope = TensorScope.open();
                var off = Gradients.off();
                var passes = new CachedPasses(model, Map.of(), Prompts.of(List.of(new int[]{1, 2, 3}), 0), 1)) {
            Tensor full = model.logits(Tensor.of(whole, 1, 8), ForwardPass.plain()).select(0, 0);
            Tensor found = passes.begin();
            var sequences = new Sequences(new int[][]{{1, 2, 3}});
            for (int i = 3; i <= 8; i++) {
                assertThat(found.select(0, 0).sub(full.select(0, i - 1)).abs().max().item()).isLessThan(1e-5);
                if (i < 8) {
                    sequences.append(new int[]{whole[i]});
                    found = passes.next(sequences);
                }
            }
        }
    }

    @Test
    void greedy_ids_are_the_best_of_one_full_pass_after_the_other() {
        int[] found = ids(Generation.greedy().withMaxNewTokens(12));
        var text = new ArrayList<Integer>(List.of(5, 17, 3));
        try (var scope = TensorScope.open(); var off = Gradients.off()) {
            for (int id : found) {
                int[] so = text.stream().mapToInt(Integer::intValue).toArray();
                Tensor logits = model.logits(Tensor.of(so, 1, so.length), ForwardPass.plain());
                assertThat(logits.select(0, 0).select(0, so.length - 1).argmax(-1).itemLong()).isEqualTo(id);
                text.add(id);
            }
        }
        assertThat(found).hasSize(12);
    }

    @Test
    void a_row_of_a_padded_batch_is_generated_as_if_alone() {
        List<int[]> prompts = List.of(new int[]{1, 2, 3, 4, 5, 6}, PROMPT, new int[]{33});
        Generation options = Generation.greedy().withMaxNewTokens(15);
        Generated together = generator.generate(prompts, options);
        for (int row = 0; row < prompts.size(); row++) {
            assertThat(together.texts().get(row).ids())
                    .containsExactly(generator.generate(prompts.get(row), options).first().ids());
        }
    }

    @Test
    void the_same_seed_gives_the_same_ids_and_another_seed_others() {
        Generation options = Generation.sampled(3).withTopK(0).withTemperature(2).withMaxNewTokens(20);
        assertThat(ids(options)).containsExactly(ids(options));
        assertThat(ids(options.withSeed(4))).isNotEqualTo(ids(options));
    }

    @Test
    void without_temperature_or_with_one_id_to_choose_from_sampling_is_greedy() {
        int[] greedy = ids(Generation.greedy());
        assertThat(ids(Generation.sampled(1).withTemperature(1e-4).withTopK(0))).containsExactly(greedy);
        assertThat(ids(Generation.sampled(1).withTemperature(0))).containsExactly(greedy);
        assertThat(ids(Generation.sampled(1).withTopK(1))).containsExactly(greedy);
        assertThat(ids(Generation.sampled(1).withTopP(1e-6))).containsExactly(greedy);
        assertThat(ids(Generation.sampled(1).withMinP(1))).containsExactly(greedy);
    }

    @Test
    void sampling_draws_each_id_as_often_as_its_probability_says() {
        double[] expected;
        try (var scope = TensorScope.open(); var off = Gradients.off()) {
            expected = model.logits(Tensor.of(PROMPT, 1, 3), ForwardPass.plain()).select(0, 0).select(0, 2).softmax(-1)
                    .toDoubles();
        }
        int draws = 4000;
        Generated generated = generator.generate(PROMPT,
                Generation.sampled(8).withTopK(0).withMaxNewTokens(1).withNumReturnSequences(draws));
        double[] found = new double[expected.length];
        generated.texts().forEach(text -> found[text.ids()[0]] += 1.0 / draws);
        for (int id = 0; id < found.length; id++) {
            // Five standard deviations.
            double spread = Math.sqrt(expected[id] * (1 - expected[id]) / draws);
            assertThat(found[id]).isBetween(expected[id] - 5 * spread - 1e-3, expected[id] + 5 * spread + 1e-3);
        }
    }

    @Test
    void several_samples_of_one_prompt_differ() {
        Generated generated = generator.generate(List.of(PROMPT, new int[]{9}),
                Generation.sampled(3).withTopK(0).withTemperature(2).withNumReturnSequences(3));
        assertThat(generated.texts()).extracting(Generated.Text::prompt).containsExactly(0, 0, 0, 1, 1, 1);
        assertThat(generated.texts().subList(0, 3).stream().map(text -> Arrays.toString(text.ids())).distinct())
                .hasSize(3);
    }

    @Test
    void a_row_ends_with_the_first_end_id_and_the_others_go_on() {
        int[] free = ids(Generation.greedy().withMaxNewTokens(10));
        int end = free[4];
        int first = IntStream.range(0, 10).filter(i -> free[i] == end).findFirst().getAsInt();
        Generation options = Generation.greedy().withMaxNewTokens(10).withEndIds(List.of(63, end)).withPadId(1);
        Generated generated = generator.generate(List.of(PROMPT, new int[]{1, 2, 3, 4}), options);
        assertThat(generated.first().ids()).containsExactly(Arrays.copyOf(free, first + 1));
        assertThat(generated.first().finish()).isEqualTo(Finish.END_ID);
        int[] alone = generator.generate(new int[]{1, 2, 3, 4}, options).first().ids();
        assertThat(generated.texts().get(1).ids()).containsExactly(alone);
        int[][] rows = generated.sequences(1);
        assertThat(rows[0]).startsWith(1, 5, 17, 3).hasSize(rows[1].length);
        assertThat(Arrays.copyOfRange(rows[0], 4 + first + 1, rows[0].length)).containsOnly(1);
    }

    @Test
    void no_end_id_comes_before_the_minimum() {
        int end = ids(Generation.greedy())[0];
        Generation options = Generation.greedy().withMaxNewTokens(10).withEndIds(List.of(end));
        assertThat(ids(options)).hasSize(1);
        assertThat(ids(options.withMinNewTokens(6)).length).isGreaterThanOrEqualTo(6);
        assertThat(ids(options.withMinLength(3 + 5)).length).isGreaterThanOrEqualTo(5);
    }

    @Test
    void the_result_says_whether_length_or_context_ended_it() {
        Generated length = generator.generate(PROMPT, Generation.greedy().withMaxLength(10));
        assertThat(length.first().ids()).hasSize(7);
        assertThat(length.first().finish()).isEqualTo(Finish.LENGTH);
        Generated full = generator.generate(PROMPT, Generation.greedy().withMaxNewTokens(1000));
        assertThat(full.first().ids()).hasSize(model.maxPositions() - 3);
        assertThat(full.first().finish()).isEqualTo(Finish.CONTEXT_FULL);
    }

    @Test
    void in_a_padded_batch_each_row_fills_its_own_context() {
        List<int[]> prompts = List.of(new int[]{1, 2, 3, 4, 5, 6}, new int[]{7});
        Generation options = Generation.greedy().withMaxNewTokens(1000);
        Generated generated = generator.generate(prompts, options);
        assertThat(generated.texts().get(0).ids()).hasSize(26);
        assertThat(generated.texts().get(1).ids()).hasSize(31)
                .containsExactly(generator.generate(prompts.get(1), options).first().ids());
    }

    @Test
    void what_cannot_be_generated_from_is_refused_with_the_numbers() {
        Generation options = Generation.greedy();
        assertThatThrownBy(() -> generator.generate(new int[33], options)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("33 tokens").hasMessageContaining("room for 32");
        assertThatThrownBy(() -> generator.generate(new int[0], options)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Prompt 0 is empty");
        assertThatThrownBy(() -> generator.generate(List.of(), options)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> generator.generate(new int[]{1, 64}, options))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("64 is outside the vocabulary of 64");
        assertThatThrownBy(() -> generator.generate(new int[]{-1}, options))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("-1 is outside");
        assertThatThrownBy(() -> generator.generate(PROMPT, options.withEndIds(List.of(99))))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("eos_token_id: 99 is outside");
        assertThatThrownBy(() -> generator.generate(PROMPT, options.withMaxLength(3)))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("3 tokens and max_length is 3");
        assertThatThrownBy(() -> generator.generate(PROMPT, options.withNumReturnSequences(2)))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("greedy");
        assertThatThrownBy(() -> generator.generate(PROMPT, options.withNumBeams(2), id -> {}))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("num_beams 1");
    }

    @Test
    void padding_on_the_right_is_refused() {
        assertThatThrownBy(() -> new Prompts(new int[][]{{1, 2, 0}}, new boolean[][]{{true, true, false}}))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("on the left");
    }

    @Test
    void a_listener_sees_each_token_as_it_is_made() {
        var seen = new ArrayList<Integer>();
        var lengths = new ArrayList<Integer>();
        // A step runs before each token: what the listener has seen by then is what stands there.
        Generator watched = generator.withStep((ids, scores) -> {
            assertThat(ids.generated(0)).containsExactly(seen.stream().mapToInt(Integer::intValue).toArray());
            lengths.add(ids.newTokens());
            return scores;
        });
        Generated generated = watched.generate(PROMPT, Generation.greedy().withMaxNewTokens(6), seen::add);
        assertThat(lengths).containsExactly(0, 1, 2, 3, 4, 5);
        assertThat(seen.stream().mapToInt(Integer::intValue)).containsExactly(
                Arrays.stream(generated.first().ids()).boxed().toArray(Integer[]::new));
    }

    @Test
    void a_stream_makes_no_token_before_it_is_asked_for() {
        var steps = new int[1];
        Generator counted = generator.withStep((ids, scores) -> {
            steps[0]++;
            return scores;
        });
        Generation options = Generation.greedy().withMaxNewTokens(9);
        try (TokenStream stream = counted.stream(PROMPT, options)) {
            assertThat(steps[0]).isZero();
            stream.nextInt();
            stream.nextInt();
            assertThat(steps[0]).isEqualTo(2);
            assertThat(stream.finish()).isNull();
        }
        try (TokenStream stream = counted.stream(PROMPT, options)) {
            assertThat(stream.ints().toArray()).containsExactly(ids(options));
            assertThat(stream.finish()).isEqualTo(Finish.LENGTH);
        }
    }

    @Test
    void one_lambda_is_a_step() {
        Generator even = generator
                .withStep((ids, scores) -> scores.maskedFill(Tensor.of(odd(), 64), Double.NEGATIVE_INFINITY));
        assertThat(Arrays.stream(even.generate(PROMPT, Generation.sampled(1)).first().ids()))
                .allMatch(id -> id % 2 == 0);
    }

    private static boolean[] odd() {
        boolean[] odd = new boolean[64];
        for (int id = 1; id < 64; id += 2) {
            odd[id] = true;
        }
        return odd;
    }

    @Test
    void native_memory_is_flat_over_hundreds_of_tokens_and_gone_at_the_end() {
        try (var long_ = lively(Gpt2.Config.tiny().withSizes(2, 2, 16, 600), 5)) {
            Generation options = Generation.sampled(1).withRepetitionPenalty(1.1).withTopP(0.9).withMinP(0.01)
                    .withMaxNewTokens(500);
            long before = TensorScope.liveTensors();
            var counts = new HashSet<Long>();
            Generator.of(long_).generate(Prompts.of(List.of(PROMPT, new int[]{1}), 0), options,
                    (text, id) -> counts.add(TensorScope.liveTensors()));
            // Keys and values of two layers, and the padding.
            assertThat(counts).containsExactly(before + 5);
            assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
            Generator.of(long_).generate(PROMPT, options.withNumBeams(3).withMaxNewTokens(50));
            assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
        }
    }

    @Test
    void a_stream_that_is_not_read_to_its_end_frees_its_memory_when_closed() {
        long before = TensorScope.liveTensors();
        try (TokenStream stream = generator.stream(PROMPT, Generation.greedy())) {
            stream.nextInt();
            assertThat(TensorScope.liveTensors()).isGreaterThan(before);
        }
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
    }

    @Test
    void no_ngram_is_generated_twice() {
        int[] found = ids(Generation.greedy().withNoRepeatNgramSize(2).withMaxNewTokens(29));
        Set<List<Integer>> pairs = new HashSet<>();
        int[] whole = IntStream.concat(Arrays.stream(PROMPT), Arrays.stream(found)).toArray();
        for (int i = 1; i < whole.length; i++) {
            assertThat(pairs.add(List.of(whole[i - 1], whole[i]))).isTrue();
        }
    }

    @Test
    void prompts_of_random_lengths_give_in_a_batch_what_they_give_alone() {
        var random = new Random(4);
        for (int round = 0; round < 5; round++) {
            List<int[]> prompts = IntStream.range(0, 4).mapToObj(i -> random.ints(1 + random.nextInt(9), 0, 64)
                    .toArray()).toList();
            Generation options = Generation.greedy().withEndIds(List.of(random.nextInt(64), random.nextInt(64)));
            List<Generated.Text> together = generator.generate(prompts, options).texts();
            for (int row = 0; row < 4; row++) {
                Generated.Text alone = generator.generate(prompts.get(row), options).first();
                assertThat(together.get(row).ids()).containsExactly(alone.ids());
                assertThat(together.get(row).finish()).isEqualTo(alone.finish());
            }
        }
    }

    @Test
    void a_mask_with_a_gap_counts_positions_of_real_ids_only() {
        int[][] ids = {{4, 9, 5, 17, 3}};
        boolean[][] real = {{true, false, true, true, true}};
        try (var scope = TensorScope.open();
                var off = Gradients.off();
                var passes = new CachedPasses(model, Map.of(), new Prompts(ids, real), 1)) {
            Tensor keep = Tensor.of(real[0], 1, 5);
            Tensor expected = model.logits(Tensor.of(ids[0], 1, 5), ForwardPass.plain()
                    .withMask(AttentionMask.padding(keep)).withPositions(Tensor.of(new int[]{0, 0, 1, 2, 3}, 1, 5)));
            assertThat(passes.begin().select(0, 0).sub(expected.select(0, 0).select(0, 4)).abs().max().item())
                    .isLessThan(1e-5);
        }
    }
}
