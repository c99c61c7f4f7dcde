package dev.weft.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.checkpoint.Json;
import dev.weft.models.Gpt2;
import dev.weft.models.Loading;
import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.nn.LanguageModel;
import dev.weft.tensor.DType;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.TensorScope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.node.ObjectNode;

class RunningBatchTest {
    private static final int VOCAB = 64;
    private static final int[] PROMPT = {5, 17, 3};
    private static LanguageModel gpt2;

    @TempDir
    Path folder;

    @BeforeAll
    static void create() {
        gpt2 = GeneratorTest.lively(Gpt2.Config.tiny().withSizes(2, 2, 16, 128), 11);
    }

    @AfterAll
    static void close() {
        gpt2.close();
    }

    private static ObjectNode llama() {
        return Json.object().put("hidden_size", 16).put("intermediate_size", 32).put("num_hidden_layers", 2)
                .put("num_attention_heads", 4).put("num_key_value_heads", 2).put("vocab_size", VOCAB)
                .put("max_position_embeddings", 96);
    }

    private static ObjectNode named(ObjectNode config, String type, String name) {
        config.put("model_type", type).putArray("architectures").add(name);
        return config;
    }

    /// Learned positions; turned ones with a window; a bias by distance; ones that turn otherwise the longer a text is; and
    /// ones that turn otherwise from a length on.
    static Stream<ObjectNode> families() {
        ObjectNode dynamic = named(llama().put("max_position_embeddings", 12), "llama", "LlamaForCausalLM");
        dynamic.putObject("rope_scaling").put("rope_type", "dynamic").put("factor", 4.0);
        ObjectNode phi3 = named(llama().put("original_max_position_embeddings", 14).put("pad_token_id", 0), "phi3",
                "Phi3ForCausalLM");
        ObjectNode factors = phi3.putObject("rope_scaling").put("type", "longrope");
        factors.putArray("short_factor").add(1.0).add(1.0);
        factors.putArray("long_factor").add(3.0).add(7.0);
        return Stream.of(named(Gpt2.Config.tiny().withSizes(2, 2, 16, 96).toJson(), "gpt2", "GPT2LMHeadModel"),
                named(llama().put("sliding_window", 6), "mistral", "MistralForCausalLM"),
                named(Json.object().put("hidden_size", 16).put("n_layer", 2).put("n_head", 4).put("vocab_size", VOCAB),
                        "bloom", "BloomForCausalLM"),
                dynamic, phi3);
    }

    private static PretrainedModel lively(ObjectNode config) {
        PretrainedModel model = Models.create(config, 5);
        model.requiresGrad(false);
        try (var off = Gradients.off()) {
            model.parameters().values().stream().filter(weight -> weight.dim() == 2)
                    .forEach(weight -> weight.mulInPlace(12));
        }
        return model;
    }

    /// What somebody asks for, and what came of it.
    private static final class Request {
        private final Generator generator;
        private final int[] prompt;
        private final Generation options;
        private final List<Integer> heard = new ArrayList<>();
        private final RunningBatch.Ticket ticket;

        Request(RunningBatch batch, Generator generator, int[] prompt, Generation options) {
            this.generator = generator;
            this.prompt = prompt;
            this.options = options;
            ticket = batch.join(generator, prompt, options, (text, id) -> heard.add(id));
        }

        static Request random(RunningBatch batch, LanguageModel model, Random chance) {
            int[] prompt = chance.ints(1 + chance.nextInt(12), 0, VOCAB).toArray();
            Generation options = Generation.greedy();
            if (chance.nextBoolean()) {
                options = Generation.sampled(chance.nextInt(9)).withTemperature(0.5 + chance.nextDouble())
                        .withTopK(chance.nextInt(3) * 20).withTopP(chance.nextBoolean() ? 1 : 0.8);
            }
            if (chance.nextInt(3) == 0) {
                options = options.withRepetitionPenalty(1.3).withNoRepeatNgramSize(3);
            }
            if (chance.nextInt(3) == 0) {
                options = options.withPresencePenalty(0.4).withFrequencyPenalty(0.2).withMinNewTokens(3);
            }
            options = options.withEndIds(List.of(chance.nextInt(VOCAB))).withMaxNewTokens(1 + chance.nextInt(30));
            Generator generator = Generator.of(model);
            if (chance.nextInt(3) == 0) {
                int end = chance.nextInt(VOCAB);
                generator = generator.withStop((ids, from) -> ids.length > from + 4 && ids[ids.length - 1] == end);
            }
            return new Request(batch, generator, prompt, options);
        }

        /// @param off by how much a log probability may differ
        void isAsIfAlone(double off) {
            Generated.Text found = ticket.result().first();
            Generated.Text alone = generator.generate(prompt, options).first();
            int length = found.ids().length;
            assertThat(heard).containsExactly(Arrays.stream(found.ids()).boxed().toArray(Integer[]::new));
            if (found.finish() == Finish.STOPPED) {
                assertThat(length).isLessThanOrEqualTo(alone.ids().length);
            } else {
                assertThat(length).isEqualTo(alone.ids().length);
                assertThat(found.finish()).isEqualTo(alone.finish());
            }
            assertThat(found.ids()).containsExactly(Arrays.copyOf(alone.ids(), length));
            for (int i = 0; i < length; i++) {
                float wanted = alone.logProbabilities()[i];
                if (off == 0) {
                    assertThat(Float.floatToIntBits(found.logProbabilities()[i]))
                            .isEqualTo(Float.floatToIntBits(wanted));
                } else {
                    assertThat((double) found.logProbabilities()[i]).isBetween(wanted - off, wanted + off);
                }
            }
        }
    }

    private static void come_and_go(LanguageModel model, boolean exact, double off) {
        long before = TensorScope.liveTensors();
        var chance = new Random(17);
        var requests = new ArrayList<Request>();
        int most = 0;
        try (RunningBatch batch = exact ? RunningBatch.exact(model) : RunningBatch.of(model)) {
            for (int step = 0; step < 30 || !batch.idle(); step++) {
                for (int i = 0; step < 30 && i < 2 && batch.rows() < 8; i++) {
                    if (chance.nextInt(3) == 0) {
                        requests.add(Request.random(batch, model, chance));
                    }
                }
                if (chance.nextInt(15) == 0 && !requests.isEmpty()) {
                    batch.drop(requests.get(chance.nextInt(requests.size())).ticket);
                }
                batch.step();
                most = Math.max(most, batch.rows());
            }
            assertThat(batch.bytes()).isZero();
        }
        assertThat(most).isGreaterThanOrEqualTo(4);
        assertThat(requests).hasSizeGreaterThan(8);
        assertThat(requests.stream().map(each -> each.ticket.result().first().finish()).distinct())
                .hasSizeGreaterThanOrEqualTo(3);
        requests.forEach(each -> each.isAsIfAlone(off));
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
    }

    @ParameterizedTest
    @MethodSource("families")
    void texts_that_join_and_leave_at_random_are_to_the_last_bit_what_they_are_alone(ObjectNode config) {
        try (PretrainedModel model = lively(config)) {
            come_and_go((LanguageModel) model, true, 0);
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void texts_that_run_together_are_what_they_are_alone_but_for_rounding(ObjectNode config) {
        try (PretrainedModel model = lively(config)) {
            model.save(folder);
        }
        try (PretrainedModel model = Models.load(folder, Loading.in(DType.FLOAT64))) {
            // The scores are rounded to float32 before an id is chosen.
            come_and_go((LanguageModel) model, false, 2e-5);
        }
    }

    @Test
    void a_text_that_is_over_costs_nothing_more() {
        var counting = new Counting(gpt2);
        try (var batch = RunningBatch.of(counting)) {
            batch.join(PROMPT, Generation.greedy().withMaxNewTokens(3), id -> {});
            batch.join(new int[]{9, 8}, Generation.greedy().withMaxNewTokens(10), id -> {});
            while (!batch.idle()) {
                batch.step();
            }
        }
        // Both prompts, and all new ids but the last of each.
        assertThat(counting.ids).isEqualTo(3 + 2 + 2 + 9);
        assertThat(counting.passes).isEqualTo(2 + 9);
    }

    @Test
    void in_a_batch_of_one_generation_rows_that_are_over_are_not_run_any_more() {
        int[] free = Generator.of(gpt2).generate(PROMPT, Generation.greedy().withMaxNewTokens(12)).first().ids();
        Generation options = Generation.greedy().withMaxNewTokens(12).withEndIds(List.of(free[4]));
        List<int[]> prompts = List.of(PROMPT, new int[]{9, 8, 40, 2}, new int[]{33});
        for (Generation each : List.of(options, options.withRepetitionPenalty(1.1),
                options.withDoSample(true).withTopK(1), options.withGuidanceScale(1.2))) {
            var counting = new Counting(gpt2);
            Generated together = Generator.of(counting).generate(prompts, each);
            int begun = 3 * 4;
            int carried = together.texts().stream().mapToInt(text -> text.ids().length - 1).sum();
            // Guidance runs the last id of each prompt and what follows once more.
            assertThat(counting.ids).isEqualTo(
                    each.scores().guidanceScale() == 1 ? begun + carried : begun + 3 + 2 * carried);
            for (int row = 0; row < 3 && each == options; row++) {
                assertThat(together.texts().get(row).ids())
                        .containsExactly(Generator.of(gpt2).generate(prompts.get(row), each).first().ids());
            }
        }
    }

    @Test
    void several_texts_of_one_prompt_have_one_stream_as_without_others() {
        Generation options = Generation.sampled(3).withTopK(0).withTemperature(2).withNumReturnSequences(3)
                .withEndIds(IntStream.range(0, 12).boxed().toList()).withMaxNewTokens(25);
        try (var batch = RunningBatch.of(gpt2)) {
            batch.join(new int[]{1, 2}, Generation.greedy().withMaxNewTokens(9), id -> {});
            batch.step();
            var ticket = batch.join(Generator.of(gpt2), PROMPT, options, TokenListener.SILENT);
            while (!ticket.done()) {
                batch.step();
            }
            List<Generated.Text> alone = Generator.of(gpt2).generate(PROMPT, options).texts();
            assertThat(alone.stream().map(text -> text.ids().length).distinct()).hasSizeGreaterThan(1);
            assertThat(ticket.result().texts()).extracting(Generated.Text::ids)
                    .containsExactlyElementsOf(alone.stream().map(Generated.Text::ids).toList());
        }
    }

    @Test
    void a_prompt_cache_serves_texts_that_join() {
        int[] beginning = {5, 17, 3, 8, 44, 21, 9, 30};
        var counting = new Counting(gpt2);
        Generation options = Generation.greedy().withMaxNewTokens(6);
        Generator generator = Generator.of(counting);
        try (PromptCache shared = generator.promptCache(beginning);
                PromptCache following = PromptCache.following();
                var batch = RunningBatch.of(counting)) {
            counting.ids = 0;
            int[] prompt = IntStream.concat(Arrays.stream(beginning), IntStream.of(60, 61)).toArray();
            var first = new Request(batch, generator.withPromptCache(shared), prompt, options);
            var second = new Request(batch, generator.withPromptCache(following), prompt, options);
            while (!batch.idle()) {
                batch.step();
            }
            assertThat(counting.ids).isEqualTo(2 + 10 + 2 * 5);
            assertThat(following.length()).isEqualTo(10);
            assertThat(shared.length()).isEqualTo(8);
            assertThat(first.heard).isEqualTo(second.heard);
            first.isAsIfAlone(1e-4);
        }
    }

    @Test
    void memory_is_flat_while_texts_come_and_go() {
        var chance = new Random(1);
        var live = new HashSet<Long>();
        try (var batch = RunningBatch.of(gpt2)) {
            long most = 0;
            for (int step = 0; step < 120; step++) {
                if (batch.rows() < 4) {
                    batch.join(chance.ints(1 + chance.nextInt(8), 0, VOCAB).toArray(),
                            Generation.greedy().withMaxNewTokens(1 + chance.nextInt(20)), id -> {});
                }
                batch.step();
                live.add(TensorScope.liveTensors());
                most = Math.max(most, batch.bytes());
            }
            // Four rows of 64 positions: 16 floats each of keys and values in two layers.
            assertThat(most).isLessThanOrEqualTo(5 * 64 * 16 * 4 * 2 * 2);
        }
        // With rows and without.
        assertThat(live).hasSizeLessThanOrEqualTo(2);
    }

    @Test
    void what_a_listener_throws_ends_its_own_text_alone() {
        try (var batch = RunningBatch.of(gpt2)) {
            var bad = batch.join(PROMPT, Generation.greedy(), id -> {
                throw new IllegalStateException("the reader is gone");
            });
            var good = batch.join(PROMPT, Generation.greedy(), id -> {});
            while (!batch.idle()) {
                batch.step();
            }
            assertThatThrownBy(bad::result).hasMessage("the reader is gone");
            assertThat(good.result().first().ids())
                    .containsExactly(Generator.of(gpt2).generate(PROMPT, Generation.greedy()).first().ids());
        }
    }

    @Test
    void an_interrupt_stops_no_text_for_good() {
        try (var batch = RunningBatch.of(gpt2)) {
            var ticket = batch.join(PROMPT, Generation.greedy(), id -> {});
            batch.step();
            Thread.currentThread().interrupt();
            assertThatThrownBy(batch::step).isInstanceOf(CancellationException.class);
            assertThat(Thread.interrupted()).isTrue();
            while (!batch.idle()) {
                batch.step();
            }
            assertThat(ticket.result().first().ids()).hasSize(20);
        }
    }

    @Test
    void what_cannot_run_with_others_is_refused_when_it_joins() {
        try (var batch = RunningBatch.of(gpt2); var other = GeneratorTest.lively(Gpt2.Config.tiny(), 1)) {
            assertThatThrownBy(() -> batch.join(PROMPT, Generation.greedy().withNumBeams(2), id -> {}))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("no beams");
            assertThatThrownBy(() -> batch.join(new int[]{64}, Generation.greedy(), id -> {}))
                    .hasMessageContaining("64 is outside the vocabulary of 64");
            assertThatThrownBy(() -> batch.join(new int[0], Generation.greedy(), id -> {}))
                    .hasMessageContaining("empty");
            assertThatThrownBy(
                    () -> batch.join(Generator.of(other), PROMPT, Generation.greedy(), TokenListener.SILENT))
                    .hasMessageContaining("another model");
            var ticket = batch.join(PROMPT, Generation.greedy(), id -> {});
            assertThatThrownBy(ticket::result).isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("goes on");
            batch.close();
            assertThat(ticket.result().first().finish()).isEqualTo(Finish.STOPPED);
            assertThatThrownBy(batch::step).hasMessageContaining("closed");
        }
    }
}
