package dev.weft.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.models.Gpt2;
import dev.weft.models.heads.CausalLanguageModel;
import dev.weft.nn.ForwardPass;
import dev.weft.run.Generation.EarlyStopping;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class BeamSearchTest {
    private static final int VOCAB = 6;
    private static final int[] PROMPT = {1, 2};
    private static CausalLanguageModel model;
    private static Generator generator;

    @BeforeAll
    static void create() {
        model = GeneratorTest.lively(Gpt2.Config.tiny().withVocabSize(VOCAB), 21);
        generator = Generator.of(model);
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private record Scored(List<Integer> ids, double score) {}

    /// Every text of up to `length` ids, by its score.
    private static List<Scored> everything(int[] prompt, int length, List<Integer> ends, double penalty) {
        var all = new ArrayList<Scored>();
        try (var scope = TensorScope.open(); var off = Gradients.off()) {
            extend(prompt, new ArrayList<>(), 0, length, ends, penalty, all);
        }
        all.sort(Comparator.comparingDouble(Scored::score).reversed());
        return all;
    }

    private static void extend(int[] prompt, List<Integer> ids, double sum, int length, List<Integer> ends,
            double penalty,
            List<Scored> all) {
        if (ids.size() == length || !ids.isEmpty() && ends.contains(ids.getLast())) {
            all.add(new Scored(List.copyOf(ids), sum / Math.pow(ids.size(), penalty)));
            return;
        }
        int[] whole = Arrays.copyOf(prompt, prompt.length + ids.size());
        for (int i = 0; i < ids.size(); i++) {
            whole[prompt.length + i] = ids.get(i);
        }
        float[] next;
        try (var scope = TensorScope.open()) {
            next = model.logits(Tensor.of(whole, 1, whole.length), ForwardPass.plain()).select(0, 0)
                    .select(0, whole.length - 1).logSoftmax(-1).toFloats();
        }
        for (int id = 0; id < VOCAB; id++) {
            ids.add(id);
            extend(prompt, ids, sum + next[id], length, ends, penalty, all);
            ids.removeLast();
        }
    }

    @Test
    void with_as_many_beams_as_there_are_texts_the_best_of_all_is_found() {
        for (double penalty : new double[]{0, 0.7, 1, 2}) {
            List<Integer> ends = List.of(3);
            Scored best = everything(PROMPT, 3, ends, penalty).getFirst();
            Generated.Text found = generator.generate(PROMPT, Generation.greedy().withNumBeams(36).withMaxNewTokens(3)
                    .withEndIds(ends).withLengthPenalty(penalty).withEarlyStopping(EarlyStopping.NEVER)).first();
            assertThat(Arrays.stream(found.ids()).boxed().toList()).isEqualTo(best.ids());
            assertThat(found.score()).isCloseTo(best.score(), Offset.offset(1e-4));
        }
    }

    @Test
    void the_score_is_the_log_probability_over_the_length_without_the_prompt() {
        Generated generated = generator.generate(PROMPT, Generation.greedy().withNumBeams(4).withMaxNewTokens(4)
                .withEndIds(List.of(0, 5)).withLengthPenalty(1.3).withNumReturnSequences(4));
        List<Scored> all = everything(PROMPT, 4, List.of(0, 5), 1.3);
        assertThat(generated.texts()).hasSize(4).isSortedAccordingTo(
                Comparator.comparingDouble(Generated.Text::score).reversed());
        for (Generated.Text text : generated.texts()) {
            List<Integer> ids = Arrays.stream(text.ids()).boxed().toList();
            double score = all.stream().filter(each -> each.ids().equals(ids)).findFirst().orElseThrow().score();
            assertThat(text.score()).isCloseTo(score, Offset.offset(1e-4));
        }
        assertThat(generated.texts().stream().map(text -> Arrays.toString(text.ids())).distinct()).hasSize(4);
    }

    @Test
    void a_padded_batch_gives_what_each_prompt_gives_alone() {
        List<int[]> prompts = List.of(new int[]{4, 4, 1, 0}, PROMPT, new int[]{5});
        for (EarlyStopping when : EarlyStopping.values()) {
            Generation options = Generation.greedy().withNumBeams(3).withMaxNewTokens(9).withEndIds(List.of(3))
                    .withEarlyStopping(when).withNumReturnSequences(2);
            Generated together = generator.generate(prompts, options);
            assertThat(together.texts()).extracting(Generated.Text::prompt).containsExactly(0, 0, 1, 1, 2, 2);
            for (int row = 0; row < 3; row++) {
                List<Generated.Text> alone = generator.generate(prompts.get(row), options).texts();
                for (int i = 0; i < 2; i++) {
                    Generated.Text text = together.texts().get(2 * row + i);
                    assertThat(text.ids()).containsExactly(alone.get(i).ids());
                    assertThat(text.score()).isCloseTo(alone.get(i).score(), Offset.offset(1e-4));
                }
            }
        }
    }

    @Test
    void stopping_early_ends_with_the_first_texts_and_never_does_not_miss_a_better_one() {
        List<Integer> ends = List.of(3);
        Generation options = Generation.greedy().withNumBeams(2).withMaxNewTokens(12).withEndIds(ends)
                .withLengthPenalty(2);
        int[] steps = new int[3];
        double[] scores = new double[3];
        for (EarlyStopping when : EarlyStopping.values()) {
            Generated.Text best = generator.withStep((ids, logits) -> {
                steps[when.ordinal()]++;
                return logits;
            }).generate(PROMPT, options.withEarlyStopping(when)).first();
            scores[when.ordinal()] = best.score();
        }
        assertThat(steps[EarlyStopping.TRUE.ordinal()]).isLessThanOrEqualTo(steps[EarlyStopping.FALSE.ordinal()]);
        assertThat(steps[EarlyStopping.FALSE.ordinal()]).isLessThanOrEqualTo(steps[EarlyStopping.NEVER.ordinal()]);
        assertThat(scores[EarlyStopping.TRUE.ordinal()]).isLessThanOrEqualTo(scores[EarlyStopping.NEVER.ordinal()]);
        assertThat(steps[EarlyStopping.TRUE.ordinal()]).isLessThan(steps[EarlyStopping.NEVER.ordinal()]);
    }

    @Test
    void a_full_context_ends_the_search_and_the_result_says_so() {
        Generated generated = generator.generate(List.of(PROMPT, new int[]{1, 1, 1, 1}),
                Generation.greedy().withNumBeams(2).withMaxNewTokens(1000));
        assertThat(generated.texts().get(0).ids()).hasSize(30);
        assertThat(generated.texts().get(1).ids()).hasSize(28);
        assertThat(generated.texts()).extracting(Generated.Text::finish).containsOnly(Finish.CONTEXT_FULL);
    }

    @Test
    void sampled_beams_repeat_with_their_seed() {
        Generation options = Generation.sampled(5).withNumBeams(3).withTopK(0).withTemperature(3).withMaxNewTokens(8);
        int[] once = generator.generate(PROMPT, options).first().ids();
        assertThat(generator.generate(PROMPT, options).first().ids()).containsExactly(once);
        assertThat(generator.generate(PROMPT, options.withSeed(6)).first().ids()).isNotEqualTo(once);
    }

    @Test
    void log_probabilities_are_those_of_the_model_and_add_up_to_the_score() {
        for (Generated.Text text : generator.generate(List.of(PROMPT, new int[]{4}),
                Generation.greedy().withNumBeams(3).withMaxNewTokens(6).withEndIds(List.of(3)).withLengthPenalty(0.5)
                        .withNumReturnSequences(3))
                .texts()) {
            double sum = 0;
            for (float log : text.logProbabilities()) {
                sum += log;
            }
            assertThat(text.logProbabilities()).hasSameSizeAs(text.ids());
            assertThat(sum / Math.sqrt(text.ids().length)).isCloseTo(text.score(), Offset.offset(1e-4));
        }
        for (Generation options : List.of(Generation.greedy(), Generation.sampled(2).withTopK(0))) {
            Generated.Text text = generator.generate(PROMPT, options.withMaxNewTokens(3)).first();
            List<Integer> ids = Arrays.stream(text.ids()).boxed().toList();
            double score = everything(PROMPT, 3, List.of(), 0).stream().filter(each -> each.ids().equals(ids))
                    .findFirst().orElseThrow().score();
            assertThat((double) text.logProbabilities()[0] + text.logProbabilities()[1] + text.logProbabilities()[2])
                    .isCloseTo(score, Offset.offset(1e-4));
        }
    }

    @Test
    void guidance_goes_with_its_beam() {
        Generation options = Generation.greedy().withNumBeams(4).withMaxNewTokens(6).withGuidanceScale(1.7)
                .withNumReturnSequences(4);
        for (Generated.Text text : generator.generate(PROMPT, options).texts()) {
            try (var scope = TensorScope.open(); var off = Gradients.off()) {
                Tensor with = logs(PROMPT, text.ids());
                Tensor without = logs(new int[]{PROMPT[1]}, text.ids());
                Tensor all = with.sub(without).mul(1.7).add(without).logSoftmax(-1);
                for (int i = 0; i < text.ids().length; i++) {
                    assertThat((double) text.logProbabilities()[i])
                            .isCloseTo(all.select(0, i).toFloats()[text.ids()[i]], Offset.offset(1e-4));
                }
            }
        }
    }

    /// Log probabilities where each of the ids stands, `[ids, vocab]`.
    private static Tensor logs(int[] prompt, int[] ids) {
        int[] whole = Arrays.copyOf(prompt, prompt.length + ids.length);
        System.arraycopy(ids, 0, whole, prompt.length, ids.length);
        return model.logits(Tensor.of(whole, 1, whole.length), ForwardPass.plain()).select(0, 0)
                .narrow(0, prompt.length - 1, ids.length).logSoftmax(-1);
    }

    @Test
    void the_first_group_finds_what_its_beams_find_alone_and_a_high_penalty_keeps_groups_apart() {
        Generation options = Generation.greedy().withNumBeams(2).withMaxNewTokens(6);
        Generation grouped = options.withNumBeams(4).withNumBeamGroups(2).withDiversityPenalty(1000)
                .withNumReturnSequences(4);
        List<List<Integer>> together = generator.generate(PROMPT, grouped).texts().stream()
                .map(text -> Arrays.stream(text.ids()).boxed().toList()).toList();
        assertThat(together).doesNotHaveDuplicates();
        for (Generated.Text alone : generator.generate(PROMPT, options.withNumReturnSequences(2)).texts()) {
            assertThat(together).contains(Arrays.stream(alone.ids()).boxed().toList());
        }
        // So high a penalty leaves no id to two groups in one step.
        for (int at = 0; at < 6; at++) {
            int step = at;
            assertThat(together.stream().map(ids -> ids.get(step)).distinct().count()).isGreaterThan(1);
        }
    }

    @Test
    void phrases_appear_in_every_text_that_is_long_enough() {
        var random = new Random(2);
        for (int round = 0; round < 25; round++) {
            List<List<List<Integer>>> words = new ArrayList<>();
            for (int i = 0; i <= random.nextInt(2); i++) {
                List<List<Integer>> either = new ArrayList<>();
                int first = random.nextInt(VOCAB);
                for (int j = 0; j <= random.nextInt(2); j++) {
                    either.add(List.of((first + j) % VOCAB, random.nextInt(VOCAB)));
                }
                words.add(either);
            }
            Generation options = Generation.greedy().withNumBeams(1 + 2 + random.nextInt(4)).withMaxNewTokens(12)
                    .withEndIds(List.of(random.nextInt(VOCAB))).withForceWordsIds(words)
                    .withEarlyStopping(EarlyStopping.values()[round % 3]);
            for (Generated.Text text : generator.generate(List.of(PROMPT, new int[]{4, 4, 1}), options).texts()) {
                List<Integer> ids = new ArrayList<>(Arrays.stream(text.prompt() == 0 ? PROMPT : new int[]{4, 4, 1})
                        .boxed().toList());
                Arrays.stream(text.ids()).forEach(ids::add);
                for (List<List<Integer>> either : words) {
                    assertThat(either).as("%s in %s", words, ids)
                            .anyMatch(phrase -> Collections.indexOfSubList(ids, phrase) >= 0);
                }
            }
        }
    }

    @Test
    void where_there_is_no_room_for_a_phrase_the_text_comes_without_it() {
        Generated generated = generator.generate(PROMPT, Generation.greedy().withNumBeams(3).withMaxNewTokens(2)
                .withForceWordsIds(List.of(List.of(List.of(4, 5, 0)))).withNumReturnSequences(2));
        assertThat(generated.texts()).hasSize(2).allMatch(text -> text.ids().length == 2);
    }

    @Test
    void phrases_that_cannot_be_told_apart_are_refused() {
        Generation options = Generation.greedy().withNumBeams(2);
        assertThatThrownBy(() -> generator.generate(PROMPT,
                options.withForceWordsIds(List.of(List.of(List.of(1, 2), List.of(1))))))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("[[1, 2], [1]]");
        assertThatThrownBy(() -> generator.generate(PROMPT, options.withForceWordsIds(List.of(List.of(List.of())))))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("empty phrase");
        assertThatThrownBy(() -> generator.generate(PROMPT, options.withForceWordsIds(List.of(List.of(List.of(6))))))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("6 is outside");
    }

    @Test
    void more_texts_than_beams_are_refused() {
        assertThatThrownBy(
                () -> generator.generate(PROMPT, Generation.greedy().withNumBeams(2).withNumReturnSequences(3)))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("(3)").hasMessageContaining("(2)");
    }
}
