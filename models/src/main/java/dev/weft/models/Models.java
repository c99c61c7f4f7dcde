package dev.weft.models;

import dev.weft.models.backbone.Backbone;
import dev.weft.checkpoint.AdapterFolder;
import dev.weft.checkpoint.CheckpointWeights;
import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.ModelFolder;
import dev.weft.models.heads.CausalLanguageModel;
import dev.weft.models.heads.HeadContext;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.HeadLayout;
import dev.weft.models.heads.HeadSpec;
import dev.weft.nn.Model;
import dev.weft.nn.ProjectionPlan;
import dev.weft.nn.WeightSource;
import dev.weft.nn.Weights;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Opens model folders and saves them.
///
/// `Models.load(folder)` opens the head that the folder's config names; `Models.load(folder, HeadSpec.regression())` another
/// one on the same body.
public final class Models {
    private static final System.Logger LOG = System.getLogger(Models.class.getName());

    /// Keys of `config.json` that change no number that Weft computes: what wrote the file, what results are wanted, ids and
    /// settings of generation (room `run` reads these), what only training drops or adds, how computing is arranged.
    private static final Pattern HARMLESS = Pattern.compile("_?name_or_path|transformers_version|(torch_)?dtype"
            + "|architectures|tokenizer_class|auto_map|language|\\w+_token_ids?|(id2label|label2id|_?num_labels|problem_type)"
            + "|finetuning_task|task_specific_params|prefix|(output|return)_\\w+|use_cache|use_bfloat16|torchscript"
            + "|is_encoder_decoder|tie_\\w+|chunk_size_feed_forward|gradient_checkpointing|_?attn_implementation|pretraining_tp"
            + "|slow_but_exact|reorder_and_upcast_attn|onnx_export|deterministic_flash_attn|\\w*(dropout|pdrop|layerdrop)\\w*"
            + "|\\w*drop|router_\\w+|init(ializer)?_\\w+|sparse_\\w+|summary_\\w+|classifier_\\w+|pooler_\\w+|legacy"
            + "|decoder_bias|max_relative_positions|max_window_layers|_sliding_window_pattern|attention_types|layer_types"
            + "|sinusoidal_pos_embds|dense_act_fn|num_kv_heads|num_hidden_layers|n_ctx|n_positions|directionality|down_scale_factor"
            + "|(max|min)_length|max_new_tokens|do_sample|early_stopping|num_(return_sequences|beams|beam_groups)"
            + "|temperature|top_[kp]|typical_p|(length|repetition|diversity)_penalty|(encoder_)?no_repeat_ngram_size"
            + "|normalize_(before|embedding)|add_final_layer_norm|add_bias_logits|static_position_embeddings|output_past"
            + "|bad_words_ids|(begin_)?suppress_tokens|remove_invalid_values|exponential_decay_length_penalty");

    private Models() {}

    /// The `model_type`s of the families that Weft knows, sorted.
    public static Set<String> families() {
        return Families.names();
    }

    /// Opens a folder with the head that its config names, in float32 and mapped into memory: for reading, not for training.
    public static PretrainedModel load(Path folder) {
        return load(folder, Loading.in(DType.FLOAT32));
    }

    /// Opens a folder with the head that its config names, or an adapter's folder: the base with the adapter.
    public static PretrainedModel load(Path folder, Loading loading) {
        Optional<AdapterFolder> adapter = AdapterFolder.find(folder);
        if (adapter.isPresent()) {
            return AdapterLoader.here(adapter.get()).load(adapter.get(), loading);
        }
        ModelFolder opened = ModelFolder.open(folder);
        return load(opened, architecture(opened.config()), loading);
    }

    /// Opens a folder with another head than its config names, in float32 and mapped into memory.
    public static PretrainedModel load(Path folder, HeadSpec head) {
        return load(folder, head, Loading.in(DType.FLOAT32));
    }

    /// Opens a folder with another head than its config names. Weights that the file lacks for it, or has for another number
    /// of labels, are made new, weights that it does not need are left out; both are named in [PretrainedModel#notes] and logged as a
    /// warning.
    public static PretrainedModel load(Path folder, HeadSpec head, Loading loading) {
        return load(ModelFolder.open(folder), head, loading);
    }

    /// The class of the Python library that a config names; where it names none, what the family is mostly used as.
    public static String architecture(Json config) {
        if (config.has("architectures")) {
            return config.texts("architectures").getFirst();
        }
        Family family = Families.of(config);
        HeadKind usual = family.heads().usual();
        return family.architecture(usual == HeadKind.BASE && config.flag("is_decoder", false)
                ? HeadKind.CAUSAL_LANGUAGE
                : usual);
    }

    /// The config of what a folder holds: a model's, or where it holds an adapter that of its base as the adapter was trained on
    /// it.
    public static Json config(Path folder) {
        return AdapterFolder.find(folder).map(adapter -> AdapterLoader.here(adapter).config(adapter))
                .orElseGet(() -> ModelFolder.open(folder).config());
    }

    /// The config of a folder when it is opened with this head.
    public static Json config(ModelFolder folder, HeadSpec head) {
        return as(folder, ConfigNames.with(head, folder.config().node()),
                Families.of(folder.config()).architecture(head.kind()));
    }

    /// The kinds of heads that the family of this config has.
    public static Set<HeadKind> heads(Json config) {
        return Families.of(config).heads().choices();
    }

    /// Opens a folder as a class of the Python library: `GPT2LMHeadModel`, `GPT2ForSequenceClassification`, `GPT2Model`.
    public static PretrainedModel load(ModelFolder folder, String architecture, Loading loading) {
        return opened(folder, loading, source -> build(as(folder, folder.config().node().deepCopy(), architecture),
                folder.generationConfig().orElse(null), HeadKind.of(architecture),
                Weights.from(source, loading.plan())));
    }

    /// [#load(Path, HeadSpec, Loading)] of an open folder.
    public static PretrainedModel load(ModelFolder folder, HeadSpec head, Loading loading) {
        return opened(folder, loading, source -> build(config(folder, head), folder.generationConfig().orElse(null),
                head.kind(), with(head, Families.of(folder.config()), source, loading)));
    }

    private static PretrainedModel opened(ModelFolder folder, Loading loading,
            Function<WeightSource, PretrainedModel> build) {
        try (CheckpointWeights stored = CheckpointWeights.open(folder)) {
            PretrainedModel head = named(folder, () -> build.apply(loading.of(stored)));
            if (loading.trained()) {
                head.requiresGrad(true);
            }
            return head;
        }
    }

    /// Weights of a head may be new, and where labels are asked for, those for another number of labels are too.
    private static Weights with(HeadSpec head, Family family, WeightSource source, Loading loading) {
        return Weights.from(source, loading.plan(), name -> !inBase(family.prefix(head.kind()), name),
                name -> !head.labels().isEmpty());
    }

    /// The same model once more, with weights from elsewhere and projections as planned: how adapters stand over one base,
    /// whose tensors they share.
    public static PretrainedModel rebuild(PretrainedModel base, WeightSource source, ProjectionPlan plan) {
        return rebuild(base, source, plan, (plain, weights) -> plain);
    }

    /// The same with something around the backbone, before the head is put on.
    ///
    /// @param around makes it, of the backbone and the weights of the whole model
    public static PretrainedModel rebuild(PretrainedModel base, WeightSource source, ProjectionPlan plan,
            BiFunction<Backbone, Weights, Backbone> around) {
        HeadContext context = base.context();
        return build(context.config(), context.generation(), HeadKind.of(architecture(context.config())),
                Weights.from(source, plan), around);
    }

    /// The same model for another number of ids, as after tokens were added to its tokenizer: embeddings, and whatever else
    /// has a row for each id, get rows at their end or lose them; what is tied stays so. New rows are the mean of the old ones
    /// (Hewitt 2021, <https://nlp.stanford.edu/~johnhew/vocab-expansion.html>), as the reference's with `mean_resizing` but
    /// for its noise of 1e-9. Other weights are the base's own tensors, which may be closed before it.
    ///
    /// @throws IllegalArgumentException if the config has no single number of ids
    public static PretrainedModel resized(PretrainedModel base, int vocabSize) {
        return resized(base, vocabSize, null);
    }

    /// The same with new rows as the family's new weights begin.
    public static PretrainedModel resized(PretrainedModel base, int vocabSize, long seed) {
        return resized(base, vocabSize, WeightSource.random(seed));
    }

    private static PretrainedModel resized(PretrainedModel base, int vocabSize, @Nullable WeightSource fresh) {
        HeadContext context = base.context();
        if (!context.config().has("vocab_size") || vocabSize < 1) {
            throw new IllegalArgumentException(
                    "%s: a model whose config has one vocab_size can have another, of at least 1; asked for %d"
                            .formatted(context.config(), vocabSize));
        }
        ObjectNode config = context.config().node().deepCopy();
        int old = context.config().integer("vocab_size");
        config.put("vocab_size", vocabSize);
        if (context.config().integer("decoder_vocab_size", 0) == old) {
            config.put("decoder_vocab_size", vocabSize);
        }
        return build(Json.of(context.config().toString(), config), context.generation(),
                HeadKind.of(architecture(context.config())), Weights.from(new Resized(base, old, vocabSize, fresh)));
    }

    /// The same model with an output matrix of its own, which begins as a copy of the input embedding that it was tied to.
    /// Other weights are the base's own tensors, which may be closed before it.
    ///
    /// @throws IllegalArgumentException if the family ties them whatever its config says
    public static PretrainedModel untied(PretrainedModel base) {
        HeadContext context = base.context();
        ObjectNode config = context.config().node().deepCopy().put("tie_word_embeddings", false);
        PretrainedModel own = build(Json.of(context.config().toString(), config), context.generation(),
                HeadKind.of(architecture(context.config())), Weights.from(new Untied(base)));
        if (own.parameters().size() == base.parameters().size()) {
            own.close();
            throw new IllegalArgumentException(
                    "%s: the output matrix of this model is its input embedding always; it can have none of its own"
                            .formatted(context.config()));
        }
        return own;
    }

    /// The config of a folder when it is opened as this class.
    private static Json as(ModelFolder folder, ObjectNode config, String architecture) {
        config.putArray("architectures").add(architecture);
        return Json.of(folder.config().toString(), config);
    }

    private static PretrainedModel named(ModelFolder folder, Supplier<PretrainedModel> load) {
        try {
            PretrainedModel head = load.get();
            for (String note : head.notes()) {
                LOG.log(System.Logger.Level.WARNING, "{0}: {1}", folder.path(), note);
            }
            return head;
        } catch (IllegalArgumentException e) {
            throw e.getMessage().contains(folder.path().toString())
                    ? e
                    : new IllegalArgumentException(folder.path() + ": " + e.getMessage(), e);
        }
    }

    /// A model of the sizes of `config`, a `config.json` of any family with its `architectures`, with new weights, ready to
    /// train.
    public static PretrainedModel create(ObjectNode config, long seed) {
        return create(config, Optional.empty(), seed, Device.CPU);
    }

    /// The same with settings of generation, a `generation_config.json`, which are saved with it, on a device. A seed gives the
    /// same weights on every one.
    public static PretrainedModel create(ObjectNode config, Optional<ObjectNode> generation, long seed, Device device) {
        Json json = Json.of("config.json", config);
        PretrainedModel head = build(json, generation.map(node -> Json.of("generation_config.json", node)).orElse(null),
                HeadKind.of(architecture(json)), Weights.from(WeightSource.random(seed).on(device)));
        head.requiresGrad(true);
        return head;
    }

    /// A model of the sizes of `config`, of any family, with this head and new weights, ready to train.
    ///
    /// @param config a `config.json` with its `model_type`; sizes may have the names that most families give them
    public static PretrainedModel create(ObjectNode config, HeadSpec head, long seed) {
        return create(config, head, seed, Device.CPU);
    }

    /// The same on a device.
    public static PretrainedModel create(ObjectNode config, HeadSpec head, long seed, Device device) {
        ObjectNode own = ConfigNames.with(head, ConfigNames.own(config));
        own.putArray("architectures")
                .add(Families.of(Json.of("config.json", own)).architecture(head.kind()));
        return create(own, Optional.empty(), seed, device);
    }

    /// A smaller model that begins as a part of a larger one: so many of its blocks, evenly chosen and the last among them, and
    /// all that is not in blocks. With both halves of an encoder-decoder cut alike.
    ///
    /// @throws IllegalArgumentException if there are not so many blocks
    public static PretrainedModel loadStudent(Path folder, HeadSpec head, int layers, Loading loading) {
        ModelFolder opened = ModelFolder.open(folder);
        int all = ConfigNames.layers(opened.config().node());
        if (layers < 1 || layers > all) {
            throw new IllegalArgumentException(
                    "%s has %d layers; a student keeps 1 to %d of them, asked for %d".formatted(folder, all, all,
                            layers));
        }
        List<Integer> kept = IntStream.range(0, layers).mapToObj(i -> (i + 1) * all / layers - 1).toList();
        ObjectNode config = ConfigNames.withLayers(opened.config().node(), kept);
        Family family = Families.of(opened.config());
        return opened(opened, loading, source -> build(
                as(opened, ConfigNames.with(head, config), family.architecture(head.kind())),
                opened.generationConfig().orElse(null), head.kind(),
                with(head, family, new KeptBlocks(source, kept), loading)));
    }

    /// A model of a typed config, with this head and new weights, ready to train.
    public static PretrainedModel create(ModelConfig<?> config, HeadSpec head, long seed) {
        return create(config.toJson(), head, seed);
    }

    /// A GPT-2 of these sizes with new weights, ready to train.
    public static CausalLanguageModel create(Gpt2.Config config, long seed) {
        return (CausalLanguageModel) create(config.toJson(), seed);
    }

    /// Writes a folder that [#load] and the Python library read.
    public static void save(Path folder, ObjectNode config, Model model) {
        ModelFolder.save(folder, config, model.parameters(), PretrainedModel.SHARD_BYTES);
    }

    /// A model of a config and weights from wherever.
    static PretrainedModel build(Json config, HeadKind kind, Weights weights) {
        return build(config, null, kind, weights);
    }

    private static PretrainedModel build(Json config, @Nullable Json generation, HeadKind kind, Weights weights) {
        return build(config, generation, kind, weights, (plain, all) -> plain);
    }

    private static PretrainedModel build(Json config, @Nullable Json generation, HeadKind kind, Weights weights,
            BiFunction<Backbone, Weights, Backbone> around) {
        Family family = Families.of(config);
        try {
            String prefix = family.prefix(kind);
            Weights base = weights.at(prefix).storedAt(
                    Stream.of(prefix, family.prefix(), "").filter(place -> !place.isEmpty()).distinct()
                            .toArray(String[]::new));
            Backbone backbone = around.apply(family.builder().build(config, base, kind), weights);
            var notes = new ArrayList<String>();
            PretrainedModel head = family.heads().load(kind,
                    new HeadContext(config, backbone, weights, base, generation, notes));
            notes.addAll(notes(weights, base));
            List<String> overlooked = config.unasked().stream()
                    .filter(name -> !HARMLESS.matcher(name).matches() && says(config.node().get(name))).toList();
            if (!overlooked.isEmpty()) {
                notes.add("these keys of config.json are not known to Weft and change nothing: "
                        + String.join(", ", overlooked));
            }
            return head;
        } catch (RuntimeException e) {
            weights.close();
            throw e;
        }
    }

    /// Whether a value asks for something: false, 0 and nothing do not.
    private static boolean says(JsonNode value) {
        return !(value.isNull() || value.isBoolean() && !value.booleanValue()
                || value.isNumber() && value.doubleValue() == 0
                || value.isString() && value.stringValue().isEmpty() || value.isContainer() && value.isEmpty());
    }

    /// What was made new and what was left out.
    ///
    /// @throws IllegalArgumentException if the file holds weights of a backbone that this backbone does not have
    private static List<String> notes(Weights weights, Weights base) {
        Map<Boolean, List<String>> unread = weights.unread().stream()
                .collect(Collectors.partitioningBy(name -> base.holds(name) && inBase("", name)));
        if (!unread.get(true).isEmpty()) {
            throw new IllegalArgumentException(
                    "The checkpoint holds %d weights that this model does not have, the first is %s; "
                            .formatted(unread.get(true).size(), unread.get(true).getFirst())
                            + "check model_type and the sizes in config.json");
        }
        var notes = new ArrayList<String>();
        if (!weights.made().isEmpty()) {
            notes.add("these weights are new, train them before use: " + String.join(", ", weights.made()));
        }
        if (!unread.get(false).isEmpty()) {
            notes.add("these weights of the file are not used: " + String.join(", ", unread.get(false)));
        }
        return notes;
    }

    /// Whether a weight is the backbone's and not a head's; poolers are heads.
    private static boolean inBase(String prefix, String name) {
        boolean below = prefix.isEmpty()
                ? HeadLayout.ROOTS.stream().noneMatch(root -> name.equals(root) || name.startsWith(root + "."))
                : name.startsWith(prefix + ".");
        return below && !name.contains("pooler.");
    }
}
