package dev.weft.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.checkpoint.Json;
import dev.weft.models.Gpt2;
import dev.weft.models.Models;
import dev.weft.nn.LanguageModel;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.node.ObjectNode;

class PromptCacheTest {
    private static final int[] BEGINNING = {5, 17, 3, 8, 44, 21, 9, 30};

    /// Learned positions, turned ones, a window, a bias by distance.
    static Stream<ObjectNode> families() {
        ObjectNode llama = Json.object().put("model_type", "llama").put("hidden_size", 16).put("intermediate_size", 32)
                .put("num_hidden_layers", 2).put("num_attention_heads", 4).put("num_key_value_heads", 2)
                .put("vocab_size", 64).put("max_position_embeddings", 128);
        ObjectNode bloom = Json.object().put("model_type", "bloom").put("hidden_size", 16).put("n_layer", 2)
                .put("n_head", 4).put("vocab_size", 64);
        return Stream.of(Gpt2.Config.tiny().toJson(), llama,
                llama.deepCopy().put("model_type", "mistral").put("sliding_window", 6), bloom);
    }

    private static LanguageModel lively(ObjectNode config, long seed) {
        String name = Map.of("gpt2", "GPT2LMHeadModel", "llama", "LlamaForCausalLM", "mistral", "MistralForCausalLM",
                "bloom", "BloomForCausalLM").get(config.get("model_type").stringValue());
        config.putArray("architectures").add(name);
        var model = (LanguageModel) Models.create(config, seed);
        model.requiresGrad(false);
        try (var off = Gradients.off()) {
            model.parameters().values().stream().filter(weight -> weight.dim() == 2)
                    .forEach(weight -> weight.mulInPlace(12));
        }
        return model;
    }

    private static int[] begun(int... more) {
        return IntStream.concat(Arrays.stream(BEGINNING), Arrays.stream(more)).toArray();
    }

    private static int[][] ids(Generated generated) {
        return generated.texts().stream().map(Generated.Text::ids).toArray(int[][]::new);
    }

    @ParameterizedTest
    @MethodSource("families")
    void prompts_that_share_a_beginning_get_what_they_get_without_a_cache(ObjectNode config) {
        try (LanguageModel model = lively(config, 3)) {
            Generator plain = Generator.of(model);
            List<List<int[]>> batches = List.of(List.of(begun(7)), List.of(begun(7, 2, 9), begun(1)),
                    List.of(begun(), begun(4, 4, 4, 4)), List.of(begun(6), new int[]{5, 17, 60}),
                    List.of(begun(6), new int[]{1}), List.of(new int[]{5}));
            try (PromptCache cache = plain.promptCache(BEGINNING)) {
                Generator quick = plain.withPromptCache(cache);
                for (List<int[]> prompts : batches) {
                    for (Generation options : List.of(Generation.greedy().withMaxNewTokens(9),
                            Generation.sampled(5).withMaxNewTokens(9).withNumReturnSequences(2),
                            Generation.greedy().withNumBeams(3).withMaxNewTokens(6))) {
                        assertThat(ids(quick.generate(prompts, options)))
                                .isDeepEqualTo(ids(plain.generate(prompts, options)));
                    }
                }
            }
        }
    }

    @Test
    void what_is_remembered_is_not_computed_again() {
        try (LanguageModel model = lively(Gpt2.Config.tiny().toJson(), 3)) {
            var counting = new Counting(model);
            try (PromptCache cache = Generator.of(counting).promptCache(BEGINNING)) {
                assertThat(cache.length()).isEqualTo(8);
                counting.ids = 0;
                Generator.of(counting).withPromptCache(cache).generate(begun(1, 2),
                        Generation.greedy().withMaxNewTokens(1));
                assertThat(counting.ids).isEqualTo(2);
            }
        }
    }

    @Test
    void a_conversation_goes_on_where_it_ended() {
        try (LanguageModel model = lively(Gpt2.Config.tiny().toJson(), 3);
                PromptCache cache = PromptCache.following()) {
            var counting = new Counting(model);
            Generator remembering = Generator.of(counting).withPromptCache(cache);
            Generation options = Generation.greedy().withMaxNewTokens(5);
            int[] prompt = BEGINNING;
            for (int turn = 0; turn < 3; turn++) {
                counting.ids = 0;
                int[] answer = remembering.generate(prompt, options).first().ids();
                assertThat(answer).containsExactly(Generator.of(model).generate(prompt, options).first().ids());
                // The last id of an answer was chosen, not run.
                assertThat(counting.ids).isEqualTo(turn == 0 ? 8 + 4 : 1 + 2 + 4);
                prompt = IntStream.concat(IntStream.concat(Arrays.stream(prompt), Arrays.stream(answer)),
                        IntStream.of(40 + turn, 41)).toArray();
            }
            // Another conversation: what is alike counts, the rest is cut off.
            counting.ids = 0;
            int[] other = {5, 17, 3, 1, 1};
            assertThat(remembering.generate(other, options).first().ids())
                    .containsExactly(Generator.of(model).generate(other, options).first().ids());
            assertThat(counting.ids).isEqualTo(2 + 4);
        }
    }

    @Test
    void a_stream_that_is_left_leaves_what_it_computed() {
        try (LanguageModel model = lively(Gpt2.Config.tiny().toJson(), 3);
                PromptCache cache = PromptCache.following()) {
            try (TokenStream stream = Generator.of(model).withPromptCache(cache).stream(BEGINNING,
                    Generation.greedy().withMaxNewTokens(10))) {
                stream.nextInt();
                stream.nextInt();
                assertThat(cache.length()).isZero();
            }
            assertThat(cache.length()).isEqualTo(9);
        }
    }

    @Test
    void a_saved_cache_is_the_one_that_was_saved_and_of_no_other_model(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("beginning.safetensors");
        try (LanguageModel model = lively(Gpt2.Config.tiny().toJson(), 3);
                LanguageModel other = lively(Gpt2.Config.tiny().toJson(), 4)) {
            Generator generator = Generator.of(model);
            try (PromptCache cache = generator.promptCache(BEGINNING)) {
                generator.save(cache, file);
            }
            var counting = new Counting(model);
            try (PromptCache cache = generator.promptCache(file)) {
                Generation options = Generation.greedy().withMaxNewTokens(4);
                assertThat(Generator.of(counting).withPromptCache(cache).generate(begun(9), options).first().ids())
                        .containsExactly(generator.generate(begun(9), options).first().ids());
                assertThat(counting.ids).isEqualTo(1 + 3);
            }
            assertThatThrownBy(() -> Generator.of(other).promptCache(file)).hasMessageContaining(
                    "was computed by another model");
            assertThatThrownBy(() -> generator.save(PromptCache.following(), file))
                    .hasMessageContaining("there is nothing in this prompt cache");
            Path torn = folder.resolve("torn.safetensors");
            Files.write(torn, Arrays.copyOf(Files.readAllBytes(file), 700));
            assertThatThrownBy(() -> generator.promptCache(torn)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("torn.safetensors");
        }
    }

    @Test
    void caches_leave_no_native_tensor_behind() {
        try (LanguageModel model = lively(Gpt2.Config.tiny().toJson(), 3)) {
            Generator generator = Generator.of(model);
            Generation options = Generation.greedy().withMaxNewTokens(5);
            long before = TensorScope.liveTensors();
            try (PromptCache cache = generator.promptCache(BEGINNING); PromptCache talk = PromptCache.following()) {
                for (int i = 0; i < 5; i++) {
                    generator.withPromptCache(cache).generate(List.of(begun(i), begun(i, i)), options);
                    generator.withPromptCache(talk).generate(begun(i), options);
                }
            }
            assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
        }
    }
}
