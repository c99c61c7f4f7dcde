package dev.weft.run.pipeline;

import dev.weft.checkpoint.AtomicFile;
import dev.weft.checkpoint.CheckpointWeights;
import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.TensorFile;
import dev.weft.nn.Activation;
import dev.weft.nn.Init;
import dev.weft.nn.LayerNorm;
import dev.weft.nn.Linear;
import dev.weft.nn.Norm;
import dev.weft.nn.Projection;
import dev.weft.nn.Weights;
import dev.weft.run.pipeline.SentenceEmbedder.Pooling;
import dev.weft.run.pipeline.SentenceEmbedder.Similarity;
import dev.weft.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/// What `sentence-transformers` writes beside a model. Of each of its files every key is used, known to be harmless, or
/// refused by its name.
///
/// @param transformer the model's folder
/// @param poolings    how vectors of tokens become one; several stand one behind the other
/// @param promptCounts whether tokens of the prompt are pooled
/// @param embedding   how wide the pooling's file says that the model is; 0: it does not say
/// @param steps       what is done with a vector then
/// @param maxTokens   longer texts are read in parts
/// @param prompts     what stands before a text, by its purpose
/// @param prompt      what stands before each text
/// @param dimensions  only so many first numbers are kept; 0: all
record SentenceModules(Path transformer, List<Pooling> poolings, boolean promptCounts, int embedding, List<Step> steps,
        int maxTokens, boolean lowercases, Map<String, String> prompts, String prompt, int dimensions,
        Similarity similarity)
        implements
            AutoCloseable {

    /// Something that is done with vectors.
    sealed interface Step {
        /// `[texts, width]` to the same or another width.
        Tensor forward(Tensor vectors);

        /// Lets go of what it has learned.
        default void close() {}

        /// How wide the vectors are then, that were so wide.
        default int width(int before) {
            return before;
        }

        /// activation(x · weightᵀ + bias), and x beside it where there is a residual.
        record Dense(int in, int out, Projection linear, Activation activation, @Nullable Projection residual,
                Weights weights) implements Step {
            @Override
            public void close() {
                weights.close();
            }

            @Override
            public Tensor forward(Tensor vectors) {
                Tensor made = activation.forward(linear.forward(vectors));
                return residual == null ? made : made.add(residual.forward(vectors));
            }

            @Override
            public int width(int before) {
                if (before != in) {
                    throw new IllegalArgumentException(
                            "a Dense module takes vectors of %d numbers, the one before it gives %d; check in_features"
                                    .formatted(in, before));
                }
                return out;
            }
        }

        record Normed(Norm norm, Weights weights) implements Step {
            @Override
            public void close() {
                weights.close();
            }

            @Override
            public Tensor forward(Tensor vectors) {
                return norm.forward(vectors);
            }
        }

        /// To length 1; a vector of zeros stays.
        record Normalized() implements Step {
            @Override
            public Tensor forward(Tensor vectors) {
                return vectors.div(vectors.mul(vectors).sum(-1, true).sqrt().clampMin(1e-12));
            }
        }
    }

    private static final String MODULES = "modules.json";
    private static final String CONFIG = "config.json";
    private static final String WIDTH = "word_embedding_dimension";
    private static final String SENTENCE = "sentence_embedding";
    private static final String PACKAGE = "sentence_transformers.";
    /// What a module of PyTorch says that it is.
    private static final Map<String, Activation> ACTIVATIONS = Map.of("activation.Tanh", Activation.TANH,
            "linear.Identity", Activation.IDENTITY, "activation.ReLU", Activation.RELU, "activation.GELU",
            Activation.GELU, "activation.SiLU", Activation.SILU, "activation.Sigmoid", Activation.SIGMOID);
    /// What the settings of a model's first module were called over the years.
    private static final List<String> LIMITS = List.of("sentence_bert_config.json", "sentence_roberta_config.json",
            "sentence_distilbert_config.json", "sentence_camembert_config.json", "sentence_albert_config.json",
            "sentence_xlm-roberta_config.json", "sentence_xlnet_config.json");
    /// Which numbers a model computes in and on what: harmless, as Weft decides that itself.
    private static final String[] LOADING = {"torch_dtype", "dtype", "attn_implementation", "device_map",
            "trust_remote_code", "revision", "code_revision", "token", "use_auth_token", "cache_dir",
            "local_files_only", "use_safetensors", "low_cpu_mem_usage", "add_pooling_layer", "unpad_inputs",
            "use_memory_efficient_attention"};

    /// A folder; without `modules.json` its model is pooled by the mean.
    ///
    /// @throws IllegalArgumentException if something in these files is not known
    static SentenceModules read(Path folder) {
        Path transformer = folder;
        Pooled pooled = null;
        var steps = new ArrayList<Step>();
        Path file = folder.resolve(MODULES);
        List<Json> modules = Files.exists(file) ? Json.readList(file) : List.of();
        for (int i = 0; i < modules.size(); i++) {
            Json module = modules.get(i).knowing("idx", "name", "path", "type", "kwargs");
            String type = module.text("type");
            Path place = folder.resolve(module.text("path", ""));
            String name = type.startsWith(PACKAGE) ? type.substring(type.lastIndexOf('.') + 1) : type;
            if (name.equals("Transformer") != (i == 0) || name.equals("Pooling") != (i == 1)) {
                throw new IllegalArgumentException(
                        "%s: the module %s stands at place %d; Weft knows a Transformer of the library's own, then Pooling, then Dense, Dropout, LayerNorm and Normalize"
                                .formatted(file, type, i));
            }
            switch (name) {
                case "Transformer" -> transformer = place;
                case "Pooling" -> pooled = Pooled.read(place.resolve(CONFIG));
                case "Dense" -> steps.add(dense(place));
                case "Dropout" -> optional(place.resolve(CONFIG)).knowing("dropout");
                case "LayerNorm" -> steps.add(norm(place));
                case "Normalize" -> {
                    onSentences(optional(place.resolve(CONFIG)).knowing("module_input_name", "module_output_name"));
                    steps.add(new Step.Normalized());
                }
                default -> throw new IllegalArgumentException(
                        "%s: the module %s is not known; Weft knows Transformer, Pooling, Dense, Dropout, LayerNorm and Normalize"
                                .formatted(file, type));
            }
        }
        if (modules.size() == 1) {
            throw new IllegalArgumentException(file + ": there is no Pooling");
        }
        pooled = pooled == null ? new Pooled(List.of(Pooling.MEAN), true, 0) : pooled;
        Json limits = limits(transformer);
        Json told = told(folder.resolve("config_sentence_transformers.json"));
        Map<String, String> prompts = prompts(told);
        return new SentenceModules(transformer, pooled.poolings(), pooled.promptCounts(), pooled.embedding(),
                List.copyOf(steps),
                limits.positive("max_seq_length", Integer.MAX_VALUE), limits.flag("do_lower_case", false), prompts,
                usual(told, prompts), told.has("truncate_dim") ? told.positive("truncate_dim") : 0,
                similarity(told));
    }

    /// Of a model that nothing was written beside.
    static SentenceModules plain() {
        return new SentenceModules(Path.of(""), List.of(Pooling.MEAN), true, 0, List.of(), Integer.MAX_VALUE, false,
                Map.of(), "",
                0, Similarity.COSINE);
    }

    private record Pooled(List<Pooling> poolings, boolean promptCounts, int embedding) {
        /// Old files have a flag for each way, since version 5.4 they name it, or list several.
        static Pooled read(Path file) {
            Json config = Json.read(file);
            var known = new ArrayList<>(
                    List.of(WIDTH, "embedding_dimension", "pooling_mode", "include_prompt"));
            Arrays.stream(Pooling.values()).map(pooling -> pooling.flag).forEach(known::add);
            config.knowing(known.toArray(String[]::new));
            var poolings = new ArrayList<Pooling>();
            if (config.has("pooling_mode")) {
                if (config.node().get("pooling_mode").isEmpty() && config.node().get("pooling_mode").isArray()) {
                    throw config.mustBe("pooling_mode", "at least one way of pooling");
                }
                for (String name : config.texts("pooling_mode")) {
                    poolings.add(Arrays.stream(Pooling.values()).filter(pooling -> pooling.mode.equals(name))
                            .findFirst()
                            .orElseThrow(() -> config.mustBe("pooling_mode",
                                    "of " + Arrays.stream(Pooling.values()).map(pooling -> pooling.mode).toList())));
                }
                for (Pooling pooling : Pooling.values()) {
                    if (config.has(pooling.flag) && config.flag(pooling.flag) != poolings.contains(pooling)) {
                        throw new IllegalArgumentException(
                                "%s: \"pooling_mode\" is %s, and \"%s\" is %s; they contradict each other, leave out the wrong one"
                                        .formatted(file, config.node().get("pooling_mode"), pooling.flag,
                                                config.node().get(pooling.flag)));
                    }
                }
            } else {
                // The order in which the vectors stand one behind the other.
                List.of(Pooling.CLS, Pooling.MAX, Pooling.MEAN, Pooling.MEAN_SQRT_LENGTH, Pooling.WEIGHTED_MEAN,
                        Pooling.LAST).stream().filter(pooling -> config.flag(pooling.flag, false))
                        .forEach(poolings::add);
            }
            return new Pooled(poolings.isEmpty() ? List.of(Pooling.MEAN) : List.copyOf(poolings),
                    config.flag("include_prompt", true), embedding(config));
        }

        /// Its old name and its new one.
        private static int embedding(Json config) {
            int one = config.has(WIDTH) ? config.positive(WIDTH) : 0;
            int other = config.has("embedding_dimension") ? config.positive("embedding_dimension") : one;
            if (one > 0 && one != other) {
                throw config.mustBe(WIDTH, "embedding_dimension, which is " + other);
            }
            return other;
        }
    }

    private static Step dense(Path place) {
        Json config = Json.read(place.resolve(CONFIG)).knowing("in_features", "out_features", "bias",
                "activation_function", "module_input_name", "module_output_name", "use_residual");
        onSentences(config);
        int in = config.positive("in_features");
        int out = config.positive("out_features");
        Activation activation = Activation.TANH;
        if (config.has("activation_function")) {
            String name = config.text("activation_function").replaceFirst("^torch\\.nn\\.(modules\\.)?", "");
            activation = ACTIVATIONS.entrySet().stream()
                    .filter(each -> each.getKey().equals(name) || each.getKey().endsWith("." + name)).findFirst()
                    .map(Map.Entry::getValue).orElseThrow(() -> config.mustBe("activation_function",
                            "a module of PyTorch's: " + new TreeMap<>(ACTIVATIONS).keySet()));
        }
        Activation after = activation;
        return weights(place, weights -> {
            Projection linear = Linear.load(weights.at("linear"), in, out, config.flag("bias", true), Init.zeros());
            Projection residual = !config.flag("use_residual", false)
                    ? null
                    : in == out ? x -> x : Linear.load(weights.at("residual"), in, out, false, Init.zeros());
            return new Step.Dense(in, out, linear, after, residual, weights);
        });
    }

    private static Step norm(Path place) {
        int width = Json.read(place.resolve(CONFIG)).knowing("dimension").positive("dimension");
        return weights(place, weights -> new Step.Normed(LayerNorm.load(weights.at("norm"), width, 1e-5), weights));
    }

    private interface Loader {
        Step load(Weights weights);
    }

    /// A module of the weights in this folder, all of which it takes.
    private static Step weights(Path folder, Loader loader) {
        Path file = folder.resolve("model.safetensors");
        if (!Files.exists(file)) {
            file = folder.resolve("pytorch_model.bin");
        }
        try (CheckpointWeights source = CheckpointWeights.of(List.of(TensorFile.open(file)))) {
            Weights weights = Weights.from(source);
            try {
                Step step = loader.load(weights);
                if (!weights.unread().isEmpty()) {
                    throw new IllegalArgumentException(
                            "%s: its config names no use for %s".formatted(file, weights.unread()));
                }
                return step;
            } catch (RuntimeException e) {
                weights.close();
                throw e;
            }
        }
    }

    private static void onSentences(Json config) {
        for (String name : List.of("module_input_name", "module_output_name")) {
            if (!config.text(name, SENTENCE).equals(SENTENCE)) {
                throw config.mustBe(name, "\"" + SENTENCE + "\"");
            }
        }
    }

    private static Json limits(Path transformer) {
        Json limits = LIMITS.stream().map(transformer::resolve).filter(Files::exists).findFirst().map(Json::read)
                .orElse(Json.of(LIMITS.getFirst(), Json.object()))
                .knowing("max_seq_length", "do_lower_case", "transformer_task", "modality_config",
                        "module_output_name", "processing_kwargs", "unpad_inputs", "model_args", "model_kwargs",
                        "tokenizer_args", "processor_kwargs", "config_args", "config_kwargs", "model_name_or_path",
                        "tokenizer_name_or_path", "backend");
        must(limits, "transformer_task", "feature-extraction");
        must(limits, "module_output_name", "token_embeddings");
        if (limits.has("modality_config")) {
            Json text = limits.object("modality_config").object("text").knowing("method", "method_output_name");
            must(text, "method", "forward");
            must(text, "method_output_name", "last_hidden_state");
        }
        for (String part : List.of("model_args", "model_kwargs", "config_args", "config_kwargs")) {
            if (limits.has(part)) {
                limits.object(part).knowing(LOADING);
            }
        }
        ObjectNode own = limits.node().deepCopy();
        for (String part : List.of("tokenizer_args", "processor_kwargs")) {
            if (limits.has(part)) {
                var known = new ArrayList<>(List.of(LOADING));
                known.addAll(List.of("model_max_length", "padding_side", "use_fast"));
                Json inner = limits.object(part).knowing(known.toArray(String[]::new));
                if (inner.has("model_max_length") && !limits.has("max_seq_length")) {
                    own.put("max_seq_length", inner.positive("model_max_length"));
                }
            }
        }
        if (limits.has("processing_kwargs")) {
            Json texts = limits.object("processing_kwargs").knowing("common", "text", "audio", "image", "video",
                    "chat_template");
            for (String part : List.of("common", "text")) {
                if (texts.has(part)) {
                    Json inner = texts.object(part).knowing("padding", "truncation", "max_length", "return_tensors");
                    if (inner.has("max_length")) {
                        own.put("max_seq_length", inner.positive("max_length"));
                    }
                }
            }
        }
        return Json.of(limits.toString(), own);
    }

    private static void must(Json config, String name, String only) {
        if (!config.text(name, only).equals(only)) {
            throw config.mustBe(name, "\"" + only + "\"");
        }
    }

    private static Json told(Path file) {
        Json told = optional(file).knowing("__version__", "prompts", "default_prompt_name", "similarity_fn_name",
                "truncate_dim", "model_type", "requirements");
        must(told, "model_type", "SentenceTransformer");
        return told;
    }

    private static Map<String, String> prompts(Json told) {
        var prompts = new TreeMap<String, String>();
        if (told.has("prompts")) {
            Json texts = told.object("prompts");
            texts.names().forEach(name -> prompts.put(name, texts.text(name, "")));
        }
        return Map.copyOf(prompts);
    }

    private static String usual(Json told, Map<String, String> prompts) {
        if (!told.has("default_prompt_name")) {
            return "";
        }
        String prompt = prompts.get(told.text("default_prompt_name"));
        if (prompt == null) {
            throw told.mustBe("default_prompt_name", "one of the prompts " + new TreeMap<>(prompts).keySet());
        }
        return prompt;
    }

    private static Similarity similarity(Json told) {
        String name = told.text("similarity_fn_name", "cosine").toUpperCase(Locale.ROOT);
        return Arrays.stream(Similarity.values()).filter(each -> each.name().equals(name)).findFirst()
                .orElseThrow(() -> told.mustBe("similarity_fn_name", "cosine, dot, euclidean or manhattan"));
    }

    private static Json optional(Path file) {
        return Files.exists(file) ? Json.read(file) : Json.of(file.toString(), Json.object());
    }

    @Override
    public void close() {
        steps.forEach(Step::close);
    }

    /// How wide vectors are at the end of these modules.
    ///
    /// @param hidden how wide the model is
    /// @param count  how many poolings there are
    int width(int hidden, int count) {
        if (embedding > 0 && embedding != hidden) {
            throw new IllegalArgumentException(
                    "the pooling is for vectors of %d numbers (%s), the model in %s gives %d; do they belong together?"
                            .formatted(embedding, WIDTH, transformer, hidden));
        }
        int width = hidden * count;
        for (Step step : steps) {
            width = step.width(width);
        }
        return width;
    }

    /// Writes what makes a model's folder one of sentence vectors, for Weft and for `sentence-transformers`.
    static void write(Path folder, int hidden, Pooling pooling, boolean normalizes, int maxTokens) {
        var modules = new StringBuilder("[").append(entry(0, "", "Transformer"))
                .append(",").append(entry(1, "1_Pooling", "Pooling"));
        if (normalizes) {
            modules.append(",").append(entry(2, "2_Normalize", "Normalize"));
        }
        ObjectNode config = Json.object().put(WIDTH, hidden);
        Arrays.stream(Pooling.values()).forEach(each -> config.put(each.flag, each == pooling));
        try {
            Files.createDirectories(folder.resolve("1_Pooling"));
            if (normalizes) {
                Files.createDirectories(folder.resolve("2_Normalize"));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(folder + ": cannot be written: " + e.getMessage(), e);
        }
        Json.write(folder.resolve("1_Pooling").resolve(CONFIG), config);
        Json.write(folder.resolve(LIMITS.getFirst()),
                Json.object().put("max_seq_length", maxTokens).put("do_lower_case", false));
        AtomicFile.write(folder.resolve(MODULES), modules.append("\n]\n").toString());
    }

    private static String entry(int place, String path, String type) {
        return "\n  {\"idx\": %d, \"name\": \"%d\", \"path\": \"%s\", \"type\": \"sentence_transformers.models.%s\"}"
                .formatted(place, place, path, type);
    }
}
