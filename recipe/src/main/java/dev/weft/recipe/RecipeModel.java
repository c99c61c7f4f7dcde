package dev.weft.recipe;

import dev.weft.adapt.Adapted;
import dev.weft.adapt.AdapterConfig;
import dev.weft.adapt.LoraConfig;
import dev.weft.adapt.PromptConfig;
import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.ModelFolder;
import dev.weft.models.ConfigNames;
import dev.weft.models.Loading;
import dev.weft.models.Models;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.models.Transformer;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.HeadSpec;
import dev.weft.tensor.Tensor;
import dev.weft.text.Tokenizer;
import dev.weft.text.chat.ChatTemplate;
import dev.weft.train.Layers;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.IntNode;
import tools.jackson.databind.node.NullNode;
import tools.jackson.databind.node.ObjectNode;

/// The model of a recipe: opened, made new, cut to a student, or a base with an adapter; and how it is written.
final class RecipeModel implements AutoCloseable {
    private static final String GENERATION = "generation_config.json";

    private final PretrainedModel head;
    private final @Nullable Adapted adapted;
    private final @Nullable PretrainedModel base;
    private final Tokenizer tokenizer;
    private final @Nullable ChatTemplate template;
    private final boolean made;
    private final Recipe.Evaluate evaluate;

    private RecipeModel(PretrainedModel head, @Nullable Adapted adapted, @Nullable PretrainedModel base,
            Tokenizer tokenizer,
            @Nullable ChatTemplate template, boolean made, Recipe.Evaluate evaluate) {
        this.evaluate = evaluate;
        if (template != null) {
            ChatMarks.end(head, template, tokenizer);
        }
        this.head = head;
        this.adapted = adapted;
        this.base = base;
        this.tokenizer = tokenizer;
        this.template = template;
        this.made = made;
    }

    /// @param checkpoint of the run, to go on from; null at its beginning
    static RecipeModel open(Recipe recipe, TrainingTask task, List<String> labels, Tokenizer tokenizer,
            @Nullable ChatTemplate template, @Nullable Path checkpoint) {
        HeadSpec heads = heads(task, labels);
        Double dropout = recipe.model().dropout();
        heads = dropout == null ? heads : heads.withDropout(dropout);
        if (!recipe.adapter().any()) {
            boolean made = recipe.model().from() == null;
            PretrainedModel head = checkpoint != null
                    ? Models.load(checkpoint, heads, Loading.toTrain().on(device(recipe)))
                    : fresh(recipe, heads, tokenizer);
            Layers.freeze(head, recipe.train().freeze().toArray(String[]::new));
            if (recipe.train().freezeLayers() >= 0) {
                Layers.freezeLower(head, recipe.train().freezeLayers());
            }
            return new RecipeModel(head, null, null, tokenizer, template, made, recipe.evaluate());
        }
        if (recipe.model().from() == null) {
            throw new IllegalArgumentException("An adapter needs a model to stand on; name its folder with --model");
        }
        Path from = Path.of(recipe.model().from());
        PretrainedModel base = grown(Models.load(from, heads, Loading.in(DType.FLOAT32).on(device(recipe))), recipe,
                tokenizer);
        Adapted adapted = checkpoint == null
                ? Adapted.create(base, adapter(recipe, tokenizer).withBaseModel(from.toString()), recipe.train().seed())
                : Adapted.load(base, checkpoint);
        adapted.train(true);
        return new RecipeModel(adapted.model(), adapted, base, tokenizer, template, false, recipe.evaluate());
    }

    /// Why a head is new though the folder has one: it tells other labels apart.
    static List<String> otherLabels(Recipe recipe, TrainingTask task, List<String> labels) {
        String from = recipe.model().from();
        if (from == null || labels.isEmpty()) {
            return List.of();
        }
        Json config = ModelFolder.open(Path.of(from)).config();
        if (HeadKind.of(Models.architecture(config)) != task.head() || !config.has("id2label")) {
            return List.of();
        }
        List<String> own = names(config);
        return own.equals(labels)
                ? List.of()
                : List.of(own.size() == labels.size()
                        ? "the labels of %s (%s) are called %s from now on".formatted(from,
                                shown(own), shown(labels))
                        : "the head of %s tells %d labels apart (%s), the data has %d (%s): the model gets a new head"
                                .formatted(from, own.size(), shown(own), labels.size(), shown(labels)));
    }

    private static String shown(List<String> labels) {
        return String.join(", ", labels.subList(0, Math.min(8, labels.size()))) + (labels.size() > 8 ? ", …" : "");
    }

    private static AdapterConfig adapter(Recipe recipe, Tokenizer tokenizer) {
        Recipe.Adapter part = recipe.adapter();
        if (Stream.of(part.lora(), part.promptTokens(), part.prefixTokens()).filter(Objects::nonNull).count() > 1) {
            throw new IllegalArgumentException("Choose one adapter: --lora, --prompt-tokens or --prefix-tokens");
        }
        if (part.lora() != null) {
            return LoraConfig.parse(part.lora());
        }
        if (part.prefixTokens() != null) {
            PromptConfig prefix = PromptConfig.prefix(part.prefixTokens());
            return part.prefixWidth() == null ? prefix : prefix.withProjection(part.prefixWidth());
        }
        PromptConfig prompt = PromptConfig.prompt(Objects.requireNonNull(part.promptTokens()));
        String text = part.promptText();
        return text == null
                ? prompt.withSampledVocabulary()
                : prompt.withText(text, Arrays.stream(tokenizer.encode(text, false).ids()).boxed().toList(),
                        Objects.requireNonNull(recipe.model().from()));
    }

    /// The model with a row for each token that the recipe adds; closes the other.
    static PretrainedModel grown(PretrainedModel head, Recipe recipe, Tokenizer tokenizer) {
        if (recipe.model().addedTokens().isEmpty() || head.textBackbone().vocabSize() >= tokenizer.vocabSize()) {
            return head;
        }
        try (head) {
            return Models.resized(head, tokenizer.vocabSize());
        }
    }

    private static HeadSpec heads(TrainingTask task, List<String> labels) {
        return switch (task) {
            case TEXT_CLASSIFICATION -> HeadSpec.sequenceClassification(labels);
            case MULTI_LABEL_CLASSIFICATION -> HeadSpec.multiLabelClassification(labels);
            case REGRESSION -> HeadSpec.regression();
            case TOKEN_CLASSIFICATION -> HeadSpec.tokenClassification(labels);
            default -> HeadSpec.of(task.head());
        };
    }

    private static Device device(Recipe recipe) {
        return Device.parse(recipe.train().device());
    }

    private static PretrainedModel fresh(Recipe recipe, HeadSpec heads, Tokenizer tokenizer) {
        Recipe.ModelPart part = recipe.model();
        long seed = recipe.train().seed();
        if (part.from() == null) {
            return Models.create(config(recipe, tokenizer), heads, seed, device(recipe));
        }
        Path from = Path.of(part.from());
        if (part.hidden() != null || part.heads() != null) {
            throw new IllegalArgumentException("hidden and heads are those of " + from
                    + " already; leave them out, or make a new model without model.from");
        }
        PretrainedModel head = part.layers() == null
                ? Models.load(from, heads, Loading.toTrain().on(device(recipe)))
                : Models.loadStudent(from, heads, part.layers(), Loading.toTrain().on(device(recipe)));
        PretrainedModel grown = grown(head, recipe, tokenizer);
        grown.requiresGrad(true);
        return grown;
    }

    /// What a new model is, its sizes under its family's names.
    private static ObjectNode config(Recipe recipe, Tokenizer tokenizer) {
        Recipe.ModelPart part = recipe.model();
        ObjectNode config = part.config().deepCopy();
        Integer layers = part.layers();
        if (layers != null) {
            config.put("num_hidden_layers", layers);
        }
        if (part.hidden() != null) {
            config.put("hidden_size", part.hidden());
        }
        if (part.heads() != null) {
            config.put("num_attention_heads", part.heads());
        }
        String family = config.path("model_type").asString();
        if (!ConfigNames.says(config, "max_position_embeddings")) {
            Integer target = recipe.data().maxTargetLength();
            config.put("max_position_embeddings",
                    ConfigNames.positions(config, Math.max(recipe.data().maxLength(), target == null ? 0 : target)));
        }
        config.put("vocab_size", tokenizer.vocabSize());
        if (!ConfigNames.says(config, "intermediate_size") && ConfigNames.says(config, "hidden_size")) {
            config.put("intermediate_size", 4 * ConfigNames.width(ConfigNames.own(config)));
        }
        // What is not said of a Marian model is as in the 2017 paper; a new model drops nothing, unless its config says so.
        ObjectNode told = ConfigNames.own(config);
        ObjectNode usual = family.equals("marian") ? Transformer.base(tokenizer.vocabSize()).config() : Json.object();
        config = ConfigNames.withDropout(usual.setAll(told), 0).setAll(told);
        for (String role : List.of("bos", "eos", "pad")) {
            OptionalInt id = tokenId(tokenizer, role + "_token");
            if (!config.has(role + "_token_id")) {
                // Null, not absent: the reference's default lies outside a small vocabulary.
                config.set(role + "_token_id", id.isPresent() ? IntNode.valueOf(id.getAsInt()) : NullNode.instance);
            }
        }
        if (HeadKind.SEQ2SEQ == TrainingTask.of(recipe.task()).head() && !config.has("decoder_start_token_id")) {
            config.put("decoder_start_token_id", RecipeData.padId(tokenizer));
        }
        return config;
    }

    private static OptionalInt tokenId(Tokenizer tokenizer, String part) {
        String token = tokenizer.specialTokens().getOrDefault(part,
                part.equals("pad_token") ? "" : RecipeData.END_OF_TEXT);
        return tokenizer.id(token);
    }

    PretrainedModel head() {
        return head;
    }

    Tokenizer tokenizer() {
        return tokenizer;
    }

    List<String> notes() {
        return (base == null ? head : base).notes();
    }

    /// What is trained, by name.
    Map<String, Tensor> trained() {
        return adapted == null ? head.parameters() : adapted.parameters();
    }

    /// Writes the model, or the adapter alone, with its tokenizer.
    void save(Path folder) {
        if (adapted != null) {
            adapted.save(folder);
        } else {
            head.save(folder);
        }
        if (made || template != null && (adapted != null || head.context().generation() == null)) {
            Json.write(folder.resolve(GENERATION), generation());
        }
        tokenizer.save(folder);
        if (template != null) {
            template.save(folder);
        }
    }

    private ObjectNode generation() {
        ObjectNode config = head.context().config().node();
        Json given = head.context().generation();
        if (given != null) {
            return given.node();
        }
        boolean writes = HeadKind.of(Models.architecture(head.context().config())) == HeadKind.SEQ2SEQ;
        ObjectNode generation = config.path("model_type").asString().equals("marian")
                ? Transformer.base(tokenizer.vocabSize()).generation()
                : Json.object();
        for (String name : List.of("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")) {
            if (config.has(name)) {
                generation.set(name, config.get(name));
            }
        }
        return writes
                ? generation.put("num_beams", evaluate.beams()).put("length_penalty", evaluate.lengthPenalty())
                        .put("max_length", evaluate.maxNewTokens())
                : generation;
    }

    /// The chat template that a recipe tells, or its model's folder, with the special tokens of the tokenizer, which is saved
    /// beside it.
    static ChatTemplate template(Recipe recipe, Tokenizer tokenizer) {
        ChatTemplate template = template(recipe);
        for (var token : tokenizer.specialTokens().entrySet()) {
            template = template.withSpecialToken(token.getKey(), token.getValue());
        }
        return template;
    }

    private static ChatTemplate template(Recipe recipe) {
        String told = recipe.tokenizer().chatTemplate();
        if (told != null) {
            Path file = Path.of(told);
            if (!Files.exists(file)) {
                throw new IllegalArgumentException(
                        "the chat template %s: there is no such file; name a file that holds a template, or a model's folder with one"
                                .formatted(told));
            }
            return Files.isDirectory(file) ? ChatTemplate.load(file) : ChatTemplate.of(told, text(file));
        }
        String from = recipe.model().from();
        return (from == null ? Optional.<ChatTemplate>empty() : ChatTemplate.find(Path.of(from)))
                .orElseGet(ChatTemplate::chatMl);
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    /// The labels of a model that stands in a folder for this task already, where they are those of the data.
    static List<String> labels(Recipe recipe, TrainingTask task, List<String> found) {
        String from = recipe.model().from();
        if (from == null || found.isEmpty()) {
            return found;
        }
        Json config = ModelFolder.open(Path.of(from)).config();
        if (HeadKind.of(Models.architecture(config)) != task.head() || !config.has("id2label")) {
            return found;
        }
        List<String> own = names(config);
        return own.containsAll(found) ? own : found;
    }

    /// In the order of their ids, whatever the file's.
    private static List<String> names(Json config) {
        Json names = config.object("id2label");
        return IntStream.range(0, names.names().size()).mapToObj(id -> names.text(Integer.toString(id))).toList();
    }

    @Override
    public void close() {
        if (adapted != null) {
            adapted.close();
        } else {
            head.close();
        }
        if (base != null) {
            base.close();
        }
    }
}
