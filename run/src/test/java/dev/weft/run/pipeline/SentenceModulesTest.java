package dev.weft.run.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.checkpoint.Safetensors;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Folders as `sentence-transformers` writes them, with the vectors that its version 6.0.1 makes of a text.
class SentenceModulesTest {
    private static final Path MODEL = Path.of("src/test/resources/pipelines/embeddings");
    private static final String TEXT = "Ada Lovelace lives in Paris!";
    private static final String MEAN = "{\"word_embedding_dimension\": 16, \"pooling_mode_mean_tokens\": true}";
    private static final String QUERY = "{\"prompts\": {\"query\": \"the wool is: \"}, \"default_prompt_name\": \"query\"}";

    @TempDir
    Path folder;

    /// A module behind the pooling: its type, its config and the shapes of its weights.
    private record Module(String type, String config, Map<String, long[]> weights) {
        static Module of(String type, String config) {
            return new Module(type, config, Map.of());
        }

        Module with(String weight, long... shape) {
            var all = new LinkedHashMap<>(weights);
            all.put(weight, shape);
            return new Module(type, config, all);
        }
    }

    private record Case(String name, String pooling, List<Module> modules, String settings, int width, float... begin) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static String pooling(String mode, String more) {
        return "{\"embedding_dimension\": 16, \"pooling_mode\": " + mode + more + "}";
    }

    private static Case unprompted(String mode, float... begin) {
        return new Case(mode + " without the prompt", pooling("\"" + mode + "\"", ", \"include_prompt\": false"),
                List.of(), QUERY, 16, begin);
    }

    static Stream<Case> cases() {
        Module normalize = Module.of("Normalize", "{}");
        Module dense = Module.of("Dense", "{\"in_features\": 16, \"out_features\": 6, \"bias\": true}")
                .with("linear.weight", 6, 16).with("linear.bias", 6);
        Module residual = Module.of("Dense", """
                {"in_features": 16, "out_features": 6, "bias": false, "use_residual": true,
                 "activation_function": "torch.nn.modules.activation.GELU"}
                """).with("linear.weight", 6, 16).with("residual.weight", 6, 16);
        Module same = Module.of("Dense", """
                {"in_features": 16, "out_features": 16, "use_residual": true,
                 "activation_function": "torch.nn.modules.linear.Identity"}
                """).with("linear.weight", 16, 16).with("linear.bias", 16);
        Module norm = Module.of("LayerNorm", "{\"dimension\": 16}").with("norm.weight", 16).with("norm.bias", 16);
        return Stream.of(
                new Case("a pooling by name", pooling("\"cls\"", ""), List.of(), "{}", 16, -0.54396f, 0.53783f,
                        0.15408f,
                        0.49444f),
                new Case("poolings in their own order",
                        pooling("[\"weightedmean\", \"lasttoken\"]", ", \"include_prompt\": true"), List.of(), "{}", 32,
                        -0.84175f, 0.84069f, 0.00929f, 0.08125f),
                unprompted("mean", -1.40062f, 1.47797f, -0.11479f, -0.13191f),
                unprompted("max", -1.04129f, 1.59818f, 0.04208f, 0.0662f),
                unprompted("cls", -1.59854f, 1.50179f, -0.04787f, -0.05113f),
                unprompted("weightedmean", -1.36566f, 1.47288f, -0.11086f, -0.14496f),
                unprompted("lasttoken", -1.15496f, 1.33065f, -0.12241f, -0.16458f),
                unprompted("mean_sqrt_len_tokens", -5.24064f, 5.53006f, -0.42949f, -0.49355f),
                new Case("a projection and length 1", MEAN, List.of(dense, normalize), "{}", 6, 0.42416f, -0.42406f,
                        -0.39288f, 0.40313f),
                new Case("a projection beside a projection, and dropout", MEAN,
                        List.of(residual, Module.of("Dropout", "{\"dropout\": 0.2}")), "{}", 6, 0.14899f, 2.9621f,
                        2.94312f, 0.61146f),
                new Case("a projection beside itself and a norm, cut", "{\"pooling_mode_cls_token\": true}",
                        List.of(same, norm), "{\"truncate_dim\": 5}", 5, 1.05454f, 1.007f, -0.95983f, 0.37476f),
                new Case("cut after length 1", pooling("\"mean\"", ""), List.of(normalize), "{\"truncate_dim\": 5}", 5,
                        -0.22805f, 0.23091f, 0.00216f, 0.01106f));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void a_folder_gives_the_vectors_of_the_library_that_wrote_it(Case reference) throws IOException {
        write(reference.pooling(), reference.modules(), reference.settings(), "{\"max_seq_length\": 128}");
        try (var embedder = Pipelines.embeddings(folder)) {
            float[] vector = embedder.embed(TEXT);
            assertThat(embedder.dimensions()).isEqualTo(reference.width());
            assertThat(vector).hasSize(reference.width());
            assertThat(Arrays.copyOf(vector, 4)).containsExactly(reference.begin(), within(2e-5f));
        }
    }

    private void write(String pooling, List<Module> modules, String settings, String limits) throws IOException {
        for (String name : List.of("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")) {
            Files.copy(MODEL.resolve(name), folder.resolve(name));
        }
        var listed = new ArrayList<String>();
        listed.add(entry(0, "", "Transformer"));
        listed.add(entry(1, "1_Pooling", "Pooling"));
        Files.createDirectories(folder.resolve("1_Pooling"));
        Files.writeString(folder.resolve("1_Pooling/config.json"), pooling);
        for (Module module : modules) {
            String path = listed.size() + "_" + module.type();
            listed.add(entry(listed.size(), path, module.type()));
            Files.createDirectories(folder.resolve(path));
            Files.writeString(folder.resolve(path).resolve("config.json"), module.config());
            if (!module.weights().isEmpty()) {
                try (var scope = TensorScope.open()) {
                    var weights = new LinkedHashMap<String, Tensor>();
                    module.weights().forEach((name, shape) -> weights.put(name, filled(name, shape)));
                    Safetensors.write(folder.resolve(path).resolve("model.safetensors"), weights, Map.of());
                }
            }
        }
        Files.writeString(folder.resolve("modules.json"), listed.toString());
        Files.writeString(folder.resolve("config_sentence_transformers.json"), settings);
        Files.writeString(folder.resolve("sentence_bert_config.json"), limits);
    }

    private static String entry(int place, String path, String type) {
        return "{\"idx\": %d, \"name\": \"%d\", \"path\": \"%s\", \"type\": \"sentence_transformers.models.%s\"}"
                .formatted(place, place, path, type);
    }

    /// sin(1.3 · place² + phase), the phase from the letters of the name.
    private static Tensor filled(String name, long[] shape) {
        int phase = name.chars().sum() % 97;
        var values = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) Math.sin(1.3 * i * i + phase);
        }
        return Tensor.of(values, shape);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
            "1_Pooling/config.json | {\"pooling_mode\": \"median\"} | must be of [mean, cls",
            "1_Pooling/config.json | {\"pooling_mode\": \"cls\", \"pooling_mode_mean_tokens\": true} | \"pooling_mode\" is \"cls\", and \"pooling_mode_mean_tokens\" is true",
            "1_Pooling/config.json | {\"pooling_mode\": [\"cls\", \"max\"], \"pooling_mode_max_tokens\": false} | \"pooling_mode_max_tokens\" is false",
            "1_Pooling/config.json | {\"word_embedding_dimension\": 384, \"pooling_mode\": \"cls\"} | vectors of 384 numbers (word_embedding_dimension), the model in",
            "1_Pooling/config.json | {\"embedding_dimension\": 8, \"pooling_mode\": \"cls\"} | vectors of 8 numbers",
            "1_Pooling/config.json | {\"word_embedding_dimension\": 16, \"embedding_dimension\": 8} | must be embedding_dimension, which is 8",
            "1_Pooling/config.json | {\"pooling_mode_mean_tokens\": true, \"skip\": 1} | \"skip\" is not known",
            "sentence_bert_config.json | {\"query_length\": 32} | \"query_length\" is not known",
            "sentence_bert_config.json | {\"transformer_task\": \"fill-mask\"} | must be \"feature-extraction\"",
            "sentence_bert_config.json | {\"config_args\": {\"num_hidden_layers\": 1}} | \"config_args.num_hidden_layers\" is not known",
            "config_sentence_transformers.json | {\"default_prompt_name\": \"q\"} | must be one of the prompts []",
            "config_sentence_transformers.json | {\"similarity_fn_name\": \"jaccard\"} | cosine, dot, euclidean or manhattan",
            "config_sentence_transformers.json | {\"model_type\": \"SparseEncoder\"} | must be \"SentenceTransformer\"",
            "2_Dense/config.json | {\"in_features\": 8, \"out_features\": 6} | check",
            "2_Dense/config.json | {\"in_features\": 16, \"out_features\": 6, \"bias\": false} | linear.bias",
            "2_Dense/config.json | {\"in_features\": 16, \"out_features\": 6, \"activation_function\": \"my.Own\"} | a module of PyTorch",
            "2_Dense/config.json | {\"in_features\": 16, \"out_features\": 6, \"module_input_name\": \"token_embeddings\"} | must be \"sentence_embedding\"",
            "modules.json | [{\"idx\": 0, \"path\": \"\", \"type\": \"custom_st.Transformer\"}] | custom_st.Transformer stands at place 0",
            "modules.json | [{\"idx\": 0, \"path\": \"\", \"type\": \"sentence_transformers.models.Transformer\"}] | there is no Pooling"})
    void what_is_not_known_is_refused_by_its_name(String file, String content, String message) throws IOException {
        Module dense = Module.of("Dense", "{\"in_features\": 16, \"out_features\": 6}").with("linear.weight", 6, 16)
                .with("linear.bias", 6);
        write(MEAN, List.of(dense), "{}", "{}");
        Pipelines.embeddings(folder).close();
        Files.writeString(folder.resolve(file), content);
        assertThatThrownBy(() -> Pipelines.embeddings(folder)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    @Test
    void texts_are_compared_as_the_folder_says() throws IOException {
        var one = new float[]{1, 2};
        var other = new float[]{3, -1};
        for (Map.Entry<String, Double> each : Map.of("cosine", 1 / Math.sqrt(50), "dot", 1.0, "euclidean",
                -Math.sqrt(13), "manhattan", -5.0).entrySet()) {
            write(MEAN, List.of(), "{\"similarity_fn_name\": \"%s\"}".formatted(each.getKey()), "{}");
            try (var embedder = Pipelines.embeddings(folder)) {
                assertThat(embedder.alike(one, other)).as(each.getKey()).isCloseTo(each.getValue(), within(1e-6));
            }
            try (Stream<Path> files = Files.walk(folder)) {
                files.sorted(Comparator.reverseOrder()).filter(file -> !file.equals(folder))
                        .forEach(SentenceModulesTest::delete);
            }
        }
    }

    private static void delete(Path file) {
        try {
            Files.delete(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
