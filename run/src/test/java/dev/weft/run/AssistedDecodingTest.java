package dev.weft.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.models.Gpt2;
import dev.weft.models.Models;
import dev.weft.models.heads.CausalLanguageModel;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.LanguageModel;
import dev.weft.run.Generation.Schedule;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class AssistedDecodingTest {
    private static final int[] PROMPT = {5, 17, 3};

    /// A model that is like `model` but for some noise, so that it guesses right now and then.
    private static CausalLanguageModel like(CausalLanguageModel model, Gpt2.Config config, double noise, long seed) {
        CausalLanguageModel other = Models.create(config, seed);
        try (var off = Gradients.off(); var scope = TensorScope.open()) {
            model.parameters().forEach((name, weight) -> {
                Tensor own = other.parameters().get(name);
                own.mulInPlace(noise).addInPlace(weight);
            });
        }
        return other;
    }

    @Test
    void greedy_ids_are_those_of_the_model_alone_whatever_the_assistant_and_the_schedule() {
        var random = new Random(1);
        var config = Gpt2.Config.tiny().withVocabSize(24);
        for (int round = 0; round < 12; round++) {
            try (var model = GeneratorTest.lively(config, round);
                    var assistant = like(model, config, round % 3 * 4, 100 + round)) {
                int[] prompt = random.ints(1 + random.nextInt(6), 0, 24).toArray();
                Generation options = Generation.greedy().withMaxNewTokens(1 + random.nextInt(40))
                        .withEndIds(List.of(random.nextInt(24))).withNumAssistantTokens(1 + random.nextInt(7))
                        .withNumAssistantTokensSchedule(Schedule.values()[round % 2])
                        .withAssistantConfidenceThreshold(round % 4 == 0 ? 0.4 : 0)
                        .withRepetitionPenalty(round % 3 == 0 ? 1.2 : 1);
                Generator alone = Generator.of(model);
                Generated.Text expected = alone.generate(prompt, options).first();
                Generated.Text found = alone.withAssistant(assistant).generate(prompt, options).first();
                assertThat(found.ids()).as("round %d", round).containsExactly(expected.ids());
                assertThat(found.finish()).isEqualTo(expected.finish());
                assertThat(found.logProbabilities()).usingComparatorWithPrecision(1e-4f)
                        .containsExactly(expected.logProbabilities());
            }
        }
    }

    @Test
    void what_an_assistant_guesses_right_costs_no_pass() {
        var config = Gpt2.Config.tiny();
        try (var model = GeneratorTest.lively(config, 11); var same = like(model, config, 0, 1)) {
            var counted = new Counting(model);
            Generation options = Generation.greedy().withMaxNewTokens(25).withNumAssistantTokens(4)
                    .withAssistantConfidenceThreshold(0);
            int[] expected = Generator.of(model).generate(PROMPT, options).first().ids();
            assertThat(Generator.of(counted).withAssistant(same).generate(PROMPT, options).first().ids())
                    .containsExactly(expected);
            // The prompt and its id; then five ids a pass, the last of which are four.
            assertThat(counted.passes).isEqualTo(1 + 5);
        }
    }

    @Test
    void prompt_look_up_gives_the_ids_of_the_model_alone_in_fewer_passes_where_the_text_repeats() {
        int[] text = IntStream.range(0, 40).map(i -> 3 + i % 5).toArray();
        int[] prompt = Arrays.copyOf(text, 12);
        var counted = new Counting(new ByHeart(10, text));
        Generation options = Generation.greedy().withMaxNewTokens(20);
        int[] expected = Generator.of(counted).generate(prompt, options).first().ids();
        assertThat(counted.passes).isEqualTo(20);
        counted.passes = 0;
        assertThat(Generator.of(counted).generate(prompt, options.withPromptLookupNumTokens(6)).first().ids())
                .containsExactly(expected).containsExactly(Arrays.copyOfRange(text, 12, 32));
        assertThat(counted.passes).isLessThan(6);
        var random = new Random(3);
        for (int round = 0; round < 8; round++) {
            try (var model = GeneratorTest.lively(Gpt2.Config.tiny().withVocabSize(8), round)) {
                int[] ids = random.ints(6, 0, 8).toArray();
                Generation looked = Generation.greedy().withMaxNewTokens(26).withEndIds(List.of(7))
                        .withPromptLookupNumTokens(1 + round).withMaxMatchingNgramSize(1 + round % 3);
                assertThat(Generator.of(model).generate(ids, looked).first().ids()).containsExactly(
                        Generator.of(model).generate(ids, looked.withPromptLookupNumTokens(0)).first().ids());
            }
        }
    }

    private static final int[] REPEATING = {1, 2, 3, 1, 2};

    @Test
    void sampled_ids_have_the_distribution_of_the_model_alone() {
        var config = Gpt2.Config.tiny().withVocabSize(4);
        try (var model = Models.create(config, 4); var other = Models.create(config, 5)) {
            try (var off = Gradients.off()) {
                for (CausalLanguageModel each : List.of(model, other)) {
                    each.parameters().values().stream().filter(weight -> weight.dim() == 2)
                            .forEach(weight -> weight.mulInPlace(5));
                }
            }
            Generation all = Generation.sampled(0).withTopK(0).withMaxNewTokens(3).withNumAssistantTokens(3)
                    .withAssistantConfidenceThreshold(0);
            assertThat(surprise(Generator.of(other), all, distribution(model, all))).isGreaterThan(1);
            for (Generation options : List.of(all, all.withTopK(3).withTemperature(1.5).withRepetitionPenalty(1.3))) {
                Map<List<Integer>, Double> exact = distribution(model, options);
                assertThat(surprise(Generator.of(model).withAssistant(other), options, exact)).isLessThan(1);
                assertThat(surprise(Generator.of(model), options.withPromptLookupNumTokens(2), exact)).isLessThan(1);
            }
        }
    }

    /// Chi-square of 700 draws, over its mean and five standard deviations.
    private static double surprise(Generator generator, Generation options, Map<List<Integer>, Double> exact) {
        int draws = 700;
        var counts = new HashMap<List<Integer>, Integer>();
        for (int seed = 0; seed < draws; seed++) {
            int[] ids = generator.generate(REPEATING, options.withSeed(seed)).first().ids();
            counts.merge(Arrays.stream(ids).boxed().toList(), 1, Integer::sum);
        }
        assertThat(exact.keySet()).containsAll(counts.keySet());
        double sum = 0;
        int cells = 0;
        double rareExpected = 0;
        double rareFound = 0;
        for (var each : exact.entrySet()) {
            double expected = each.getValue() * draws;
            double found = counts.getOrDefault(each.getKey(), 0);
            if (expected < 5) {
                rareExpected += expected;
                rareFound += found;
            } else {
                sum += (found - expected) * (found - expected) / expected;
                cells++;
            }
        }
        if (rareExpected > 5) {
            sum += (rareFound - rareExpected) * (rareFound - rareExpected) / rareExpected;
            cells++;
        }
        assertThat(cells).isGreaterThan(5);
        return sum / (cells + 5 * Math.sqrt(2.0 * cells));
    }

    /// The probability of each text of three ids, as the model and the steps give it.
    private static Map<List<Integer>, Double> distribution(LanguageModel model, Generation options) {
        Prompts prompts = Prompts.of(List.of(REPEATING), 0);
        List<ScoreStep> steps = ScoreStep.of(options, prompts, prompts.ids(), List.of());
        var all = new HashMap<List<Integer>, Double>();
        walk(model, steps, new Sequences(prompts.ids()), 1, all);
        return all;
    }

    private static void walk(LanguageModel model, List<ScoreStep> steps, Sequences text, double probability,
            Map<List<Integer>, Double> all) {
        if (text.newTokens() == 3) {
            all.put(Arrays.stream(text.generated(0)).boxed().toList(), probability);
            return;
        }
        double[] next;
        try (var off = Gradients.off(); var scope = TensorScope.open()) {
            Tensor ids = text.tensor();
            Tensor logits = model.logits(ids, ForwardPass.plain()).select(1, ids.size(1) - 1);
            next = ScoreStep.all(steps, text, logits).softmax(-1).select(0, 0).toDoubles();
        }
        int length = text.length();
        for (int id = 0; id < next.length; id++) {
            if (next[id] > 0) {
                text.append(new int[]{id});
                walk(model, steps, text, probability * next[id], all);
                text.truncate(length);
            }
        }
    }

    @Test
    void an_encoder_decoder_is_assisted_by_another() throws URISyntaxException {
        Path folder = Path.of(AssistedDecodingTest.class.getResource("/search/t5").toURI());
        try (var scope = TensorScope.open(); var head = Models.load(folder); var other = Models.load(folder)) {
            Map<String, Tensor> inputs = Map.of("input_ids", Tensor.of(new int[]{7, 12, 30, 5, 9}, 1, 5));
            Generation options = Generation.greedy().withMaxNewTokens(12).withDecoderStartId(0);
            var generator = Generator.of((LanguageModel) head);
            int[] expected = generator.generate(inputs, options).first().ids();
            assertThat(generator.withAssistant((LanguageModel) other).generate(inputs, options).first().ids())
                    .containsExactly(expected);
            assertThat(generator.generate(inputs, options.withPromptLookupNumTokens(3)).first().ids())
                    .containsExactly(expected);
        }
    }

    @Test
    void a_stream_is_assisted_and_what_is_left_early_frees_its_memory() {
        var config = Gpt2.Config.tiny();
        try (var model = GeneratorTest.lively(config, 11); var assistant = like(model, config, 3, 7)) {
            Generator assisted = Generator.of(model).withAssistant(assistant);
            Generation options = Generation.greedy().withMaxNewTokens(15);
            long before = TensorScope.liveTensors();
            try (TokenStream stream = assisted.stream(PROMPT, options)) {
                assertThat(stream.ints().toArray())
                        .containsExactly(Generator.of(model).generate(PROMPT, options).first().ids());
            }
            try (TokenStream stream = assisted.stream(PROMPT, options)) {
                stream.nextInt();
                stream.nextInt();
                assertThat(TensorScope.liveTensors()).isGreaterThan(before);
            }
            assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
        }
    }

    @Test
    void native_memory_is_flat_over_hundreds_of_tokens() {
        var config = Gpt2.Config.tiny().withSizes(2, 2, 16, 600);
        try (var model = GeneratorTest.lively(config, 5); var assistant = like(model, config, 3, 7)) {
            long before = TensorScope.liveTensors();
            Set<Long> counts = new HashSet<>();
            Generator.of(model).withAssistant(assistant).generate(PROMPT,
                    Generation.sampled(1).withMaxNewTokens(400).withNumAssistantTokens(4),
                    id -> counts.add(TensorScope.liveTensors() - before));
            // Keys and values of two layers of each model; before the second id the assistant has none.
            assertThat(counts).isSubsetOf(4L, 8L);
            Generator.of(model).generate(PROMPT,
                    Generation.greedy().withMaxNewTokens(300).withPenaltyAlpha(0.6).withTopK(3));
            Generator.of(model).generate(PROMPT, Generation.greedy().withMaxNewTokens(100).withGuidanceScale(1.5));
            Generator.of(model).generate(PROMPT, Generation.greedy().withMaxNewTokens(60).withNumBeams(4)
                    .withForceWordsIds(List.of(List.of(List.of(4, 5)))).withGuidanceScale(1.5));
            assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
        }
    }

    @Test
    void an_assistant_with_fewer_positions_helps_as_long_as_it_can() {
        try (var model = GeneratorTest.lively(Gpt2.Config.tiny().withSizes(2, 2, 8, 60), 11);
                var small = GeneratorTest.lively(Gpt2.Config.tiny().withSizes(1, 2, 8, 12), 3)) {
            Generation options = Generation.greedy().withMaxNewTokens(50);
            assertThat(Generator.of(model).withAssistant(small).generate(PROMPT, options).first().ids())
                    .containsExactly(Generator.of(model).generate(PROMPT, options).first().ids());
        }
    }

    @Test
    void what_cannot_be_assisted_is_refused_with_the_reason() {
        try (var model = Models.create(Gpt2.Config.tiny(), 1);
                var other = Models.create(Gpt2.Config.tiny().withVocabSize(60), 1)) {
            Generator generator = Generator.of(model);
            assertThatThrownBy(() -> generator.withAssistant(other)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("60").hasMessageContaining("64").hasMessageContaining("tokenizer");
            Generation options = Generation.greedy().withPromptLookupNumTokens(3);
            assertThatThrownBy(() -> generator.generate(List.of(PROMPT, PROMPT), options))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("one prompt")
                    .hasMessageContaining("found 2");
            assertThatThrownBy(() -> generator.withAssistant(model).generate(PROMPT, options.withNumBeams(2)))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("assistant")
                    .hasMessageContaining("num_beams (2)");
        }
    }
}
