package dev.weft.recipe;

import dev.weft.checkpoint.AtomicFile;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.text.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;
import tools.jackson.dataformat.yaml.YAMLWriteFeature;

/// A training run told as data: what is learned, by which model, from what, and how. What each key means, and its default,
/// stands in [#reference].
///
/// ```java
/// Recipe recipe = Recipe.read(Path.of("sst2.yaml")).with("train.steps", "4000");
/// ```
public record Recipe(String task, ModelPart model, TokenizerPart tokenizer, Data data, ObjectivePart objective,
        Distill distill, Adapter adapter, Train train, Evaluate evaluate, Checkpoints checkpoints) {
    /// What a run folder keeps its recipe in.
    public static final String FILE = "recipe.yaml";

    /// What the model is.
    public record ModelPart(@Nullable String from, ObjectNode config, @Nullable Integer layers,
            @Nullable Integer hidden, @Nullable Integer heads, @Nullable Double dropout, List<String> addedTokens) {}

    /// How text becomes ids.
    public record TokenizerPart(@Nullable String from, int vocabSize, boolean lowercase, List<String> languages,
            List<String> text,
            @Nullable String chatTemplate) {}

    /// What is learned from.
    public record Data(String folder, List<String> train, List<String> trainTarget, List<String> dev,
            List<String> devTarget, double devShare, @Nullable String format, @Nullable String delimiter,
            List<String> columnNames,
            Map<String, @Nullable String> columns, @Nullable String examples, int maxLength,
            @Nullable Integer maxTargetLength, String sourcePrefix, boolean packed, String onBadRows,
            @Nullable String cache) {}

    /// What is minimised.
    public record ObjectivePart(double labelSmoothing, double maskShare, boolean wholeWords, String labelledPieces,
            @Nullable Integer stride, double noiseDensity, double meanSpan, List<String> noise, double noiseShare,
            String pooling, double temperature, double beta) {}

    /// A teacher, and what of it counts how much.
    public record Distill(@Nullable String teacher, double hard, double soft, double hidden, double attention,
            double temperature) {}

    /// A few weights beside a base.
    public record Adapter(@Nullable String lora, @Nullable Integer promptTokens, @Nullable String promptText,
            @Nullable Integer prefixTokens, @Nullable Integer prefixWidth) {
        /// Whether there is one.
        boolean any() {
            return lora != null || promptTokens != null || prefixTokens != null;
        }
    }

    /// How it is trained.
    public record Train(long steps, @Nullable Double epochs, int batch, int batchTokens, int microBatches,
            String optimizer, double learningRate, @Nullable Double minLearningRate, String schedule,
            @Nullable Long warmup, double beta1, double beta2, double epsilon, double momentum, double weightDecay,
            double clip, double averageWeights, double layerRate, Map<String, Double> rates, List<String> freeze,
            int freezeLayers, String precision, boolean recompute, long seed, String device,
            @Nullable Integer threads, long logEvery) {}

    /// When and how the model is judged.
    public record Evaluate(long every, @Nullable String metric, int patience, int rows, long tokens, int beams,
            double lengthPenalty, int maxNewTokens) {}

    /// What is kept on the way.
    public record Checkpoints(long every, int keep, int average) {}

    static final YAMLMapper YAML = YAMLMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .disable(YAMLWriteFeature.WRITE_DOC_START_MARKER).enable(YAMLWriteFeature.MINIMIZE_QUOTES)
            .enable(YAMLWriteFeature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS).build();

    /// Nothing but defaults.
    public static Recipe defaults() {
        return of(RecipeTree.reference());
    }

    /// A recipe from its file.
    ///
    /// @throws IllegalArgumentException if it is not there, is no YAML, or says what no recipe can say; the key is named
    /// @throws UncheckedIOException     if it cannot be read
    public static Recipe read(Path file) {
        return read(file, defaults());
    }

    /// A recipe from its file, over another.
    public static Recipe read(Path file, Recipe lower) {
        try {
            return lower.overlaid(Files.readString(file), file.toString());
        } catch (NoSuchFileException e) {
            throw new IllegalArgumentException(file + ": there is no such file", e);
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    /// That of a run, which says everything: what is cut off could be taken for another one.
    ///
    /// @throws IllegalArgumentException if a part is missing
    static Recipe whole(Path file) {
        Recipe recipe = read(file);
        RecipeTree.requireAllParts(file);
        return recipe;
    }

    /// A recipe from YAML.
    ///
    /// @param name what messages call it
    public static Recipe parse(String yaml, String name) {
        return defaults().overlaid(yaml, name);
    }

    /// This recipe with what another says in YAML.
    ///
    /// @param name what messages call it
    public Recipe overlaid(String yaml, String name) {
        return of(RecipeTree.over(tree(), RecipeTree.parse(yaml, name), name));
    }

    /// This recipe with one key set: `train.steps`, to `4000`. Lists are values with commas between them or `[a, b]`.
    ///
    /// @throws IllegalArgumentException if there is no such key, with those there are, or the value is not of its kind
    public Recipe with(String key, Object value) {
        return of(RecipeTree.set(tree(), key, value));
    }

    /// This recipe with one that Weft brings over it: `tiny`, `small`, `medium`, `gpt2`; `finetune`, `lora`, `distill`.
    ///
    /// @throws IllegalArgumentException if there is none of this name
    public Recipe preset(String name) {
        return overlaid(RecipeTree.resource("presets/" + name + ".yaml"), name);
    }

    /// The recipe whole, as YAML.
    public String yaml() {
        return YAML.writeValueAsString(tree());
    }

    /// All that a recipe can say, with defaults and explanations, as YAML.
    public static String reference() {
        return RecipeTree.referenceText();
    }

    /// A key of recipes.
    ///
    /// @param path     `train.steps`
    /// @param text     what it means
    /// @param options  of the command line that set it, such as `--steps`; may be none
    /// @param standard its default as YAML; empty for a part that has keys of its own
    public record Key(String path, String text, List<String> options, String standard) {}

    /// All keys, in the order of [#reference].
    public static List<Key> keys() {
        return RecipeTree.explained();
    }

    /// How a model that was trained by this recipe is scored.
    ///
    /// @throws IllegalArgumentException if its task has no metrics
    public AssessmentSettings assessment(PretrainedModel model, Tokenizer tokenizer) {
        return RecipeRun.assessmentSettings(this, TrainingTask.of(task), model, tokenizer);
    }

    /// Where encoded data is kept between runs.
    public static Path defaultCache() {
        String base = System.getenv("XDG_CACHE_HOME");
        return base == null || base.isEmpty()
                ? Path.of(System.getProperty("user.home"), ".cache", "weft")
                : Path.of(base, "weft");
    }

    void write(Path run) {
        AtomicFile.write(run.resolve(FILE), yaml());
    }

    /// The text under a key such as `train.steps`; null if it is null, empty for what has keys of its own and for lists.
    public @Nullable String text(String key) {
        JsonNode found = tree().at("/" + key.replace('.', '/'));
        return found.isNull() ? null : found.asString("");
    }

    private ObjectNode tree() {
        return YAML.valueToTree(this);
    }

    private static Recipe of(ObjectNode tree) {
        return YAML.treeToValue(tree, Recipe.class);
    }
}
