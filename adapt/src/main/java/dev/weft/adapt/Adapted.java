package dev.weft.adapt;

import dev.weft.checkpoint.AdapterFolder;
import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.ModelFolder;
import dev.weft.checkpoint.Safetensors;
import dev.weft.checkpoint.TensorFile;
import dev.weft.models.Loading;
import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.HeadSpec;
import dev.weft.nn.Init;
import dev.weft.nn.LanguageModel;
import dev.weft.nn.Linear;
import dev.weft.nn.Projection;
import dev.weft.nn.ProjectionPlan;
import dev.weft.nn.ProjectionSpec;
import dev.weft.nn.WeightSource;
import dev.weft.nn.Weights;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/// A base with an adapter: a [#model] of its own that shares the base's tensors and adds a few.
///
/// The base stays as it is, answers beside it, and may be closed before it; many adapters over one base cost their own
/// weights and nothing more. Only what the adapter adds or replaces is trained: the base's tensors have no gradient here
/// and so no optimizer keeps anything for them.
///
/// ```java
/// Adapted adapted = Adapted.create(base, LoraConfig.of(8, 16, Targets.of("q_proj", "v_proj")), 42);
/// // train adapted.model(), whose trained weights are adapted.parameters()
/// adapted.save(folder);
/// ```
public final class Adapted implements AutoCloseable {
    private static final String CONFIG = AdapterFolder.CONFIG;
    /// Beside PEFT's files: `{"0": "no", "1": "yes"}`, the labels of an adapter with a classifier of its own.
    private static final String LABELS = "labels.json";
    /// Where PEFT has the weights, best first.
    private static final List<String> FILES = List.of("adapter_model.safetensors", "adapter_model.bin");
    private static final String TYING = "ensure_weight_tying";
    private static final String DOWN = "lora_A.weight";
    private static final String UP = "lora_B.weight";
    private static final String MAGNITUDE = "lora_magnitude_vector";
    /// What PEFT's files call prompts and prefixes; below it a file of ours has what prefixes are projected of.
    static final String PROMPTS = "prompt_embeddings";
    static final String PROJECTED = "prompt_encoder";

    private final PretrainedModel model;
    private final AdapterConfig config;
    private final Map<String, LowRank> detours;
    private final Map<String, Tensor> weights;
    private final Set<String> replaced;

    private Adapted(PretrainedModel model, AdapterConfig config, Map<String, LowRank> detours, Set<String> replaced) {
        this.model = model;
        this.config = config;
        this.detours = detours;
        this.replaced = replaced;
        weights = new LinkedHashMap<>(model.parameters());
        weights.keySet().removeIf(name -> !isAdded(name) && !replaced.contains(name));
    }

    // ---- new and loaded ----

    /// A new adapter, ready to train. Beside what the config says, heads for labels and answers are trained whole, and so are
    /// modules whose weights the base lacked and got anew.
    ///
    /// @param seed of the detours' weights
    /// @throws IllegalArgumentException if no projection is a target; the message names the projections that there are
    public static Adapted create(PretrainedModel base, AdapterConfig config, long seed) {
        List<String> unknown = config.modulesToSave().stream().filter(module -> !names(base, module)).toList();
        if (!unknown.isEmpty()) {
            if (!isTied(base)) {
                throw unknown(base, unknown);
            }
            // A head that is the embedding has no name; trained whole, it becomes a matrix of its own.
            try (PretrainedModel own = Models.untied(base)) {
                if (unknown.stream().anyMatch(module -> !names(own, module))) {
                    throw unknown(own, unknown);
                }
                return create(own, config, seed);
            }
        }
        if (config instanceof LoraConfig lora && lora.targets() instanceof Targets.Names(List<String> targets)
                && targets.stream().anyMatch(target -> !names(base, target)) && isTied(base)) {
            try (PretrainedModel own = Models.untied(base)) {
                if (targets.stream().allMatch(target -> names(own, target))) {
                    return create(own, config, seed);
                }
            }
        }
        AdapterConfig whole = withHead(base, config);
        Map<String, Tensor> own = base.parameters();
        Adapted adapted = build(base, whole, name -> replaces(whole, own, name), Map.of(), WeightSource.random(seed),
                "");
        adapted.weights.values().forEach(weight -> weight.requiresGrad(true));
        return adapted;
    }

    private static boolean names(PretrainedModel base, String module) {
        return base.parameters().keySet().stream().anyMatch(weight -> weight.contains(module + "."));
    }

    private static IllegalArgumentException unknown(PretrainedModel base, List<String> modules) {
        Set<String> known = base.parameters().keySet().stream().map(name -> name.split("\\."))
                .map(parts -> parts[Math.max(0, parts.length - 2)]).filter(part -> !part.matches("[0-9]+"))
                .collect(Collectors.toCollection(TreeSet::new));
        return new IllegalArgumentException(
                "to be trained whole (save) are %s, and this model has no modules of these names; it has %s".formatted(
                        String.join(", ", modules), String.join(", ", known)));
    }

    /// Whether the scores of the vocabulary come from the input embedding.
    private static boolean isTied(PretrainedModel base) {
        String backbone = base.context().base().full("");
        Tensor embedding = base.textBackbone().tokens().weight();
        return base instanceof LanguageModel && base.parameters().entrySet().stream()
                .noneMatch(each -> !each.getKey().startsWith(backbone)
                        && Arrays.equals(each.getValue().shape(), embedding.shape()));
    }

    private static AdapterConfig withHead(PretrainedModel base, AdapterConfig config) {
        var modules = new ArrayList<>(config.modulesToSave());
        HeadKind kind = HeadKind.of(Models.architecture(base.context().config()));
        switch (kind) {
            case SEQUENCE_CLASSIFICATION, TOKEN_CLASSIFICATION -> modules.addAll(List.of("classifier", "score"));
            case QUESTION_ANSWERING -> modules.add("qa_outputs");
            default -> {
                // HeadSpec over the vocabulary come with the base.
            }
        }
        Stream.concat(base.context().weights().made().stream(), base.context().weights().grown().stream())
                .map(name -> name.substring(0, name.lastIndexOf('.')))
                .filter(module -> modules.stream().noneMatch(known -> (module + ".").contains(known + ".")))
                .forEach(modules::add);
        AdapterConfig told = config.taskType().isEmpty() ? config.withTaskType(taskType(kind)) : config;
        return told.withModulesToSave(modules);
    }

    private static String taskType(HeadKind kind) {
        return switch (kind) {
            case CAUSAL_LANGUAGE -> "CAUSAL_LM";
            case SEQ2SEQ -> "SEQ_2_SEQ_LM";
            case SEQUENCE_CLASSIFICATION -> "SEQ_CLS";
            case TOKEN_CLASSIFICATION -> "TOKEN_CLS";
            case QUESTION_ANSWERING -> "QUESTION_ANS";
            case BASE, ENCODER -> "FEATURE_EXTRACTION";
            case MASKED_LANGUAGE, NEXT_SENTENCE, PRETRAINING, MULTIPLE_CHOICE -> "";
        };
    }

    /// An adapter that PEFT or Weft saved: `adapter_config.json` and `adapter_model.safetensors` (or `.bin`). Its detours
    /// compute in float32; [#train] makes them trained again.
    ///
    /// @throws IllegalArgumentException if it sets what Weft lacks, or was made for another base; names and shapes are told
    public static Adapted load(PretrainedModel base, Path folder) {
        Json json = Json.read(folder.resolve(CONFIG));
        AdapterConfig config = AdapterConfig.fromJson(json);
        Path file = file(folder);
        try (var scope = TensorScope.open(); var opened = TensorFile.open(file)) {
            var stored = new LinkedHashMap<String, Tensor>();
            // Of a module that is trained whole PEFT may write what it was before as well.
            opened.names().stream().filter(name -> !name.contains(".original_module."))
                    .forEach(name -> stored.put(plain(config, name), opened.tensor(name)));
            if (stored.containsKey(PROJECTED + ".embedding.weight")) {
                // What comes out of the projection, for PEFT.
                stored.remove(PROMPTS);
            }
            if (!bringsHead(base, config, stored, json.flag(TYING, false))) {
                return fitted(base, config, stored, file.toString());
            }
            try (PretrainedModel own = Models.untied(base)) {
                return fitted(own, config, stored, file.toString());
            }
        }
    }

    /// Whether the adapter has an output matrix, or an input embedding, apart from the other, which are one weight in the base:
    /// PEFT trains copies of such modules, and keeps them one only where it was told to.
    private static boolean bringsHead(PretrainedModel base, AdapterConfig config, Map<String, Tensor> stored,
            boolean tying) {
        if (tying || !isTied(base)) {
            return false;
        }
        Map<String, Tensor> own = base.parameters();
        String embedding = nameOf(base, base.textBackbone().tokens().weight());
        long width = own.get(embedding).size(1);
        return config.saves(embedding) || stored.entrySet().stream()
                .filter(each -> each.getValue().dim() == 2
                        && each.getValue().size(0) >= base.textBackbone().vocabSize())
                .anyMatch(each -> each.getKey().endsWith("." + UP)
                        ? !own.containsKey(module(each.getKey(), UP) + ".weight")
                        : !isAdded(each.getKey()) && !own.containsKey(each.getKey())
                                && each.getValue().size(1) == width && config.saves(each.getKey()));
    }

    private static String module(String name, String ending) {
        return name.substring(0, name.length() - ending.length() - 1);
    }

    /// Opens the base of an adapter as what the adapter was trained as, with numbers as the files have them: by `task_type`,
    /// where that is another head than the base's own, and with as many labels as the adapter scores.
    public static PretrainedModel base(Path folder, Path adapter) {
        return base(folder, adapter, Loading.asStored());
    }

    /// The same, opened otherwise.
    public static PretrainedModel base(Path folder, Path adapter, Loading loading) {
        ModelFolder opened = new AdapterFolder(adapter, folder).opened();
        Optional<HeadSpec> heads = heads(opened, adapter);
        return heads.isPresent()
                ? Models.load(opened, heads.get(), loading)
                : Models.load(opened, Models.architecture(opened.config()), loading);
    }

    /// The config of a base when it is opened as what an adapter was trained as.
    static Json config(ModelFolder base, Path adapter) {
        return heads(base, adapter).map(heads -> Models.config(base, heads)).orElseGet(base::config);
    }

    /// The head that an adapter was trained with, where it is not the base's own.
    private static Optional<HeadSpec> heads(ModelFolder base, Path adapter) {
        Json json = Json.read(adapter.resolve(CONFIG));
        HeadKind own = HeadKind.of(Models.architecture(base.config()));
        Optional<HeadKind> task = Models.heads(base.config()).stream()
                .filter(kind -> !taskType(kind).isEmpty() && taskType(kind).equals(json.text("task_type", "")))
                .min(Comparator.comparing(kind -> kind != own));
        List<String> told = told(adapter);
        List<String> labels = told.isEmpty() ? labels(adapter) : told;
        boolean fits = labels.isEmpty() || told.isEmpty() && (!base.config().has("id2label")
                || base.config().object("id2label").names().size() == labels.size());
        return task.filter(kind -> kind != own || !fits)
                .map(kind -> new HeadSpec(kind, fits && base.config().has("id2label") ? List.of() : labels, ""));
    }

    /// The names of the labels that the adapter was trained for; none where it does not say, as PEFT's do not.
    private static List<String> told(Path adapter) {
        Path file = adapter.resolve(LABELS);
        if (!Files.isRegularFile(file)) {
            return List.of();
        }
        Json json = Json.read(file);
        return json.names().stream().map(json::text).toList();
    }

    /// As many as the classifier that the adapter brings tells apart.
    private static List<String> labels(Path adapter) {
        try (var opened = TensorFile.open(file(adapter))) {
            return opened.names().stream()
                    .filter(name -> name.endsWith("classifier.weight") || name.endsWith("score.weight")
                            || name.endsWith("classifier.out_proj.weight"))
                    .findFirst().map(name -> LongStream.range(0, opened.shape(name)[0]).mapToObj(id -> "LABEL_" + id)
                            .toList())
                    .orElse(List.of());
        }
    }

    private static Path file(Path folder) {
        return FILES.stream().map(folder::resolve).filter(Files::isRegularFile).findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "%s: no weights here; expected %s".formatted(folder, String.join(" or ", FILES))));
    }

    /// Over the base, or where the adapter brings the embeddings of more tokens, over the base with room for them.
    private static Adapted fitted(PretrainedModel base, AdapterConfig config, Map<String, Tensor> stored,
            String where) {
        Tensor embedding = stored.get(nameOf(base, base.textBackbone().tokens().weight()));
        if (embedding == null || embedding.dim() != 2) {
            return restored(base, config, stored, where);
        }
        // Of a weight that is tied PEFT writes two copies.
        stored.keySet().removeIf(name -> !base.parameters().containsKey(name) && stored.get(name) != embedding
                && Arrays.equals(stored.get(name).shape(), embedding.shape())
                && Arrays.equals(stored.get(name).toFloats(), embedding.toFloats()));
        int rows = (int) embedding.size(0);
        if (rows == base.textBackbone().vocabSize() || !base.context().config().has("vocab_size")) {
            return restored(base, config, stored, where);
        }
        try (PretrainedModel larger = Models.resized(base, rows)) {
            return restored(larger, config, stored, where);
        }
    }

    /// What a base calls one of its weights.
    static String nameOf(PretrainedModel base, Tensor weight) {
        return base.parameters().entrySet().stream().filter(each -> each.getValue() == weight)
                .map(Map.Entry::getKey).findFirst().orElseThrow();
    }

    private static Adapted restored(PretrainedModel base, AdapterConfig config, Map<String, Tensor> stored,
            String where) {
        Map<String, Tensor> own = base.parameters();
        return build(base, config, name -> stored.containsKey(name) || replaces(config, own, name), stored, null,
                where);
    }

    private static String prefix(AdapterConfig config) {
        return switch (config) {
            case LoraConfig lora -> "base_model.model.";
            case PromptConfig prompts -> "base_model.";
        };
    }

    /// The name in the model of what PEFT's file calls `name`.
    private static String plain(AdapterConfig config, String name) {
        String bare = name.startsWith(prefix(config)) ? name.substring(prefix(config).length()) : name;
        // Checkpoints of a training script may say which of several adapters it is; there is but one in a file.
        String tidy = bare.replace(".base_layer.", ".")
                .replaceFirst("\\.(lora_[AB]|" + MAGNITUDE + ")\\.[^.]+\\.weight$",
                        ".$1.weight")
                .replaceFirst("\\.modules_to_save\\.(default\\.)?", ".");
        return tidy.endsWith(MAGNITUDE + ".weight") ? tidy.substring(0, tidy.length() - ".weight".length()) : tidy;
    }

    /// What PEFT's file calls a weight of this adapter.
    private String stored(String name) {
        if (isPrompt(name)) {
            return inFile(name);
        }
        // What a detour goes around stands inside it.
        int last = name.lastIndexOf('.');
        boolean inside = !isAdded(name) && detours.containsKey(name.substring(0, last));
        return prefix(config) + (inside ? name.substring(0, last) + ".base_layer" + name.substring(last) : name);
    }

    private static boolean isAdded(String name) {
        return name.endsWith("." + DOWN) || name.endsWith("." + UP) || name.endsWith("." + MAGNITUDE) || isPrompt(name);
    }

    private static boolean isPrompt(String name) {
        return name.endsWith(PROMPTS) || name.startsWith(PROJECTED + ".");
    }

    /// Prompts lie at the embedding that they stand beside, and at the root of a file.
    private static String inFile(String name) {
        return name.endsWith(PROMPTS) ? PROMPTS : name;
    }

    /// Whether the adapter has its own copy of a weight of the base.
    private static boolean replaces(AdapterConfig config, Map<String, Tensor> base, String name) {
        return config.saves(name) || config instanceof LoraConfig lora && switch (lora.bias()) {
            case NONE -> false;
            case ALL -> name.contains("bias");
            case LORA_ONLY -> name.endsWith(".bias") && isTarget(lora, base, name.substring(0, name.length() - 5));
        };
    }

    private static boolean isTarget(LoraConfig config, Map<String, Tensor> base, String module) {
        Tensor weight = base.get(module + ".weight");
        return weight != null && weight.dim() == 2 && config.changes(module);
    }

    private static Adapted build(PretrainedModel base, AdapterConfig config, Predicate<String> replaces,
            Map<String, Tensor> stored, @Nullable WeightSource fresh, String where) {
        var source = new Over(base.parameters(), replaces, stored, fresh, where, config.baseModel());
        AdapterPlan plan = switch (config) {
            case LoraConfig lora -> new LoraPlan(base, lora);
            case PromptConfig prompts -> new PromptPlan(base, prompts, fresh != null, stored.keySet(), where);
        };
        PretrainedModel model;
        try (var off = Gradients.off()) {
            model = Models.rebuild(base, source, plan, plan::around);
        }
        var adapted = new Adapted(model, plan.config(), plan.detours(), source.replaced);
        try {
            plan.requireSome(where);
            source.requireAllRead(adapted.weights.keySet());
            return adapted;
        } catch (RuntimeException e) {
            adapted.close();
            throw e;
        }
    }

    /// The base's tensors, and where the adapter has its own, those.
    private static final class Over implements WeightSource {
        private final Map<String, Tensor> base;
        private final Predicate<String> replaces;
        private final Map<String, Tensor> stored;
        private final @Nullable WeightSource fresh;
        private final String where;
        private final String baseModel;
        private final Set<String> replaced = new TreeSet<>();

        Over(Map<String, Tensor> base, Predicate<String> replaces, Map<String, Tensor> stored,
                @Nullable WeightSource fresh, String where, String baseModel) {
            this.base = base;
            this.replaces = replaces;
            this.stored = stored;
            this.fresh = fresh;
            this.where = where;
            this.baseModel = baseModel;
        }

        @Override
        public Set<String> names() {
            return base.keySet().stream().filter(name -> !isAdded(name)).collect(Collectors.toUnmodifiableSet());
        }

        @Override
        public Tensor read(String name, Init init, long... shape) {
            return TensorScope.tidy(() -> find(name, init, shape)).unscoped();
        }

        @Override
        public Device device() {
            return base.values().iterator().next().device();
        }

        private Tensor find(String name, Init init, long... shape) {
            Tensor own = base.get(name);
            if (isAdded(name)) {
                return fresh == null
                        ? requireShape(inFile(name), stored.get(inFile(name)), shape).to(DType.FLOAT32).copy()
                                .to(device())
                        : fresh.on(device()).read(name, init, shape);
            }
            if (own == null) {
                throw new IllegalArgumentException("The base has no `%s`".formatted(name));
            }
            if (!replaces.test(name)) {
                return own.detach();
            }
            replaced.add(name);
            // A bias that is trained and was not saved is the base's: PEFT leaves some out.
            Tensor other = fresh != null || !stored.containsKey(name) && name.endsWith("bias")
                    ? own
                    : requireShape(name, stored.get(name), shape);
            return other.detach().to(own.device()).to(own.dtype()).copy();
        }

        private Tensor requireShape(String name, @Nullable Tensor found, long... shape) {
            if (found == null || !Arrays.equals(found.shape(), shape)) {
                throw another("`%s` is %s there, %s here".formatted(name,
                        found == null ? "missing" : Arrays.toString(found.shape()), Arrays.toString(shape)));
            }
            return found;
        }

        void requireAllRead(Set<String> read) {
            Set<String> known = read.stream().map(Adapted::inFile).collect(Collectors.toSet());
            List<String> left = stored.keySet().stream().filter(name -> !known.contains(name)).sorted().toList();
            List<String> embeddings = left.stream().filter(name -> name.contains(".lora_embedding_")).toList();
            if (!embeddings.isEmpty()) {
                throw new IllegalArgumentException(
                        "%s: `%s` is a LoRA of an embedding, which Weft has not; train embeddings whole instead (`modules_to_save`)"
                                .formatted(where, embeddings.getFirst()));
            }
            if (!left.isEmpty()) {
                throw another(
                        "it has %d weights for which this model has no place, the first is `%s` %s; the model has `%s`"
                                .formatted(left.size(), left.getFirst(),
                                        Arrays.toString(stored.get(left.getFirst()).shape()),
                                        String.join("`, `", base.keySet().stream()
                                                .filter(name -> name.endsWith(".weight")).limit(3).toList())));
            }
        }

        private IllegalArgumentException another(String found) {
            return forAnotherBase(where, baseModel, found);
        }
    }

    static IllegalArgumentException forAnotherBase(String where, String baseModel, String found) {
        return new IllegalArgumentException("%s: this adapter is for another base%s: %s".formatted(where,
                baseModel.isEmpty() ? "" : " (base_model_name_or_path \"" + baseModel + "\")", found));
    }

    /// Gives each target its detour.
    private static final class LoraPlan implements AdapterPlan {
        private final LoraConfig config;
        private final ProjectionPlan base;
        private final String backbone;
        private final int vocabSize;
        private final Map<String, LowRank> detours = new LinkedHashMap<>();
        private final Set<String> seen = new TreeSet<>();
        private final List<String> modules = new ArrayList<>();

        LoraPlan(PretrainedModel base, LoraConfig config) {
            this.config = config;
            this.base = AdapterPlan.below(base);
            backbone = base.context().base().full("");
            vocabSize = base.textBackbone().vocabSize();
        }

        @Override
        public ProjectionPlan base() {
            return base;
        }

        @Override
        public Projection load(Weights place, ProjectionSpec spec) {
            Projection plain = base.load(place, spec);
            String module = place.full("");
            module = module.substring(0, module.length() - 1);
            seen.add(module.substring(module.lastIndexOf('.') + 1));
            modules.add(module);
            int in = spec.in();
            int out = spec.out();
            if (!config.changes(module) || isOutputHead(module, out)) {
                return plain;
            }
            int rank = config.rankOf(module);
            Tensor down = place.get(DOWN, config.init() == LoraConfig.Init.GAUSSIAN
                    ? Init.normal(1.0 / rank)
                    : Init.uniform(1 / Math.sqrt(in)), rank, in);
            Tensor up = place.get(UP, Init.zeros(), out, rank);
            Tensor magnitude = null;
            if (config.useDora()) {
                magnitude = place.get(MAGNITUDE, (random, shape) -> LowRank.norm(LowRank.rows(plain)), out);
            }
            var detour = new LowRank(plain, spec.layout(), down, up, magnitude, config.scaleOf(module),
                    config.dropout());
            detours.put(module, detour);
            return detour;
        }

        /// Scores of the vocabulary, which `all-linear` leaves out.
        private boolean isOutputHead(String module, int out) {
            return config.targets() instanceof Targets.AllLinear && out == vocabSize && !backbone.isEmpty()
                    && !module.startsWith(backbone);
        }

        @Override
        public AdapterConfig config() {
            return config;
        }

        @Override
        public Map<String, LowRank> detours() {
            return detours;
        }

        @Override
        public void requireSome(String where) {
            if (detours.isEmpty()) {
                throw new IllegalArgumentException(
                        "%sthe targets of this adapter (%s) are no projections of this model, which has %s".formatted(
                                where.isEmpty() ? "" : where + ": ", config.targets(), String.join(", ", seen)));
            }
            // A new adapter says what it means: a name that fits nothing is a slip of the pen.
            if (where.isEmpty() && config.targets() instanceof Targets.Names(List<String> names)) {
                List<String> idle = names.stream()
                        .filter(name -> modules.stream().noneMatch(Targets.of(name)::names)).toList();
                if (!idle.isEmpty()) {
                    throw new IllegalArgumentException(
                            "targets=%s: this model has no projections of these names; it has %s".formatted(
                                    String.join(",", idle), String.join(", ", seen)));
                }
            }
        }
    }

    // ---- what it is ----

    /// What answers as adapted. Its parameters are the base's and the adapter's; it cannot be saved as a model folder.
    public PretrainedModel model() {
        return model;
    }

    /// What it was made or saved with.
    public AdapterConfig config() {
        return config;
    }

    /// The adapter's own weights, by their names in PEFT's file: what is trained and saved.
    public Map<String, Tensor> parameters() {
        var named = new LinkedHashMap<String, Tensor>();
        weights.forEach((name, weight) -> named.put(stored(name), weight));
        return Collections.unmodifiableMap(named);
    }

    /// Marks the adapter's weights as trained or frozen. The base's are frozen always, and so are those that a file brings
    /// without its config training them: embeddings of added tokens.
    public void train(boolean trained) {
        Map<String, Tensor> all = model.parameters();
        weights.forEach((name, weight) -> weight
                .requiresGrad(trained && (isAdded(name) || replaces(config, all, name))));
    }

    /// What training the adapter takes beside activations.
    ///
    /// @param trained numbers in the adapter's weights
    /// @param all     numbers in all weights
    /// @param bytes   of the adapter's weights, their gradients and two moments each
    public record Cost(long trained, long all, long bytes) {
        @Override
        public String toString() {
            return "%,d of %,d weights are trained (%.2f%%)".formatted(trained, all, 100.0 * trained / all);
        }
    }

    /// What training it takes beside activations.
    public Cost cost() {
        long trained = weights.values().stream().mapToLong(Tensor::count).sum();
        long bytes = weights.values().stream().mapToLong(weight -> 4 * weight.count() * weight.dtype().bytes()).sum();
        return new Cost(trained, model.parameterCount(), bytes);
    }

    /// Writes what [#load] and PEFT read.
    public void save(Path folder) {
        try (var scope = TensorScope.open(); var off = Gradients.off()) {
            var all = new LinkedHashMap<>(parameters());
            if (model.backbone() instanceof VirtualTokens.Prefix prefix) {
                all.computeIfAbsent(PROMPTS, projected -> prefix.flat().get());
            }
            Safetensors.write(folder.resolve(FILES.getFirst()), all, Map.of());
        }
        ObjectNode json = config.toJson(detours.values().stream()
                .anyMatch(detour -> detour.layout() == Linear.Layout.IN_OUT));
        Json.write(folder.resolve(CONFIG), savesTied() ? json.put(TYING, true) : json);
        Json base = model.context().config();
        if (List.of("SEQ_CLS", "TOKEN_CLS").contains(config.taskType()) && base.has("id2label")) {
            Json.write(folder.resolve(LABELS), base.object("id2label").node());
        }
    }

    /// Whether the adapter has its own input embedding, which is the output head too.
    private boolean savesTied() {
        return isTied(model) && replaced.stream().anyMatch(name -> config.saves(name)
                && weights.get(name) == model.textBackbone().tokens().weight());
    }

    // ---- merging ----

    /// The base's weights that the adapter changes, as they are with it: by the base's names, in the current scope.
    ///
    /// @throws IllegalArgumentException if it is prompts or prefixes, which change no weight
    public Map<String, Tensor> changed() {
        if (config instanceof PromptConfig) {
            throw new IllegalArgumentException(
                    "Prompts and prefixes stand before the text and change no weight: they cannot be merged into their base");
        }
        var changed = new TreeMap<String, Tensor>();
        detours.forEach((module, detour) -> changed.put(module + ".weight", detour.merged()));
        replaced.forEach(name -> changed.put(name, weights.get(name).detach()));
        return changed;
    }

    /// One plain model that answers as base and adapter together. Its unchanged weights are the base's own tensors.
    public PretrainedModel merged() {
        try (var scope = TensorScope.open(); var off = Gradients.off()) {
            var all = new LinkedHashMap<>(model.parameters());
            all.keySet().removeIf(Adapted::isAdded);
            all.putAll(changed());
            return Models.rebuild(model, new Over(all, name -> false, Map.of(), null, "", ""), ProjectionPlan.PLAIN);
        }
    }

    /// Makes the base itself answer as adapted, until [Merge#close] takes it back. Meanwhile nothing that shares its
    /// tensors must run but the base: this model would add the adapter a second time.
    public Merge mergeInto(PretrainedModel base) {
        replaced.forEach(name -> {
            if (!base.parameters().containsKey(name)) {
                throw new IllegalArgumentException(
                        "`%s` is a weight of its own in this adapter and tied in the base: merge into a model of its own instead"
                                .formatted(name));
            }
            if (!Arrays.equals(base.parameters().get(name).shape(), weights.get(name).shape())) {
                throw new IllegalArgumentException(
                        "`%s` is %s in this adapter and %s in the base: merge into a model of its own instead"
                                .formatted(
                                        name, Arrays.toString(weights.get(name).shape()),
                                        Arrays.toString(base.parameters().get(name).shape())));
            }
        });
        var merge = new Merge(base);
        try (var scope = TensorScope.open(); var off = Gradients.off()) {
            changed().forEach((name, weight) -> base.parameters().get(name).copyInPlace(weight));
        }
        return merge;
    }

    /// A base that was changed in place.
    public final class Merge implements AutoCloseable {
        private final PretrainedModel base;
        /// What cannot be computed back: whole weights, and lengths before DoRA's.
        private final Map<String, Tensor> before = new LinkedHashMap<>();
        private boolean undone;

        private Merge(PretrainedModel base) {
            this.base = base;
            try (var scope = TensorScope.open(); var off = Gradients.off()) {
                replaced.forEach(name -> before.put(name, base.parameters().get(name).copy().unscoped()));
                detours.forEach((module, detour) -> {
                    if (detour.magnitude() != null) {
                        before.put(module, detour.norm().unscoped());
                    }
                });
            }
        }

        /// Gives the base its weights back: those trained whole exactly, those with detours to float rounding.
        @Override
        public void close() {
            if (undone) {
                return;
            }
            undone = true;
            try (var scope = TensorScope.open(); var off = Gradients.off()) {
                replaced.forEach(name -> base.parameters().get(name).copyInPlace(before.get(name)));
                detours.forEach((module, detour) -> {
                    Tensor weight = base.parameters().get(module + ".weight");
                    Tensor rows = detour.turned(weight).to(DType.FLOAT32);
                    Tensor undirected = detour.magnitude() == null
                            ? rows
                            : rows.mul(before.get(module).div(detour.magnitude()).unsqueeze(1));
                    weight.copyInPlace(detour.turned(undirected.sub(detour.delta())));
                });
            }
            before.values().forEach(Tensor::close);
        }
    }

    /// One adapter that changes the base by a weighted sum of what others change it by. The detours stand side by side, so
    /// the sum is exact and the ranks add up.
    ///
    /// @param shares what each counts; all adapt `base`
    /// @throws IllegalArgumentException if one is DoRA, whose changes do not add up
    public static Adapted sum(PretrainedModel base, Map<Adapted, Double> shares) {
        List<LoraConfig> configs = shares.keySet().stream().map(Adapted::addable).toList();
        if (configs.isEmpty()) {
            throw new IllegalArgumentException("There is no adapter to add up");
        }
        try (var scope = TensorScope.open(); var off = Gradients.off()) {
            var stored = new LinkedHashMap<String, Tensor>();
            var ranks = new LinkedHashMap<String, Integer>();
            modules(shares).forEach(module -> {
                var downs = new ArrayList<Tensor>();
                var ups = new ArrayList<Tensor>();
                shares.forEach((adapted, share) -> {
                    LowRank detour = adapted.detours.get(module);
                    if (detour != null) {
                        downs.add(detour.down());
                        ups.add(detour.up().mul(share * detour.scale()));
                    }
                });
                stored.put(module + "." + DOWN, Tensor.cat(downs, 0));
                stored.put(module + "." + UP, Tensor.cat(ups, 1));
                ranks.put(module.replace(".", "\\."), (int) stored.get(module + "." + DOWN).size(0));
            });
            shares.forEach((adapted, share) -> adapted.replaced.forEach(name -> {
                Tensor own = base.parameters().get(name);
                Tensor change = adapted.weights.get(name).sub(own).mul(share);
                stored.put(name, stored.getOrDefault(name, own).add(change));
            }));
            LoraConfig first = configs.getFirst();
            int rank = Collections.max(ranks.values());
            var alphas = new LinkedHashMap<String, Double>();
            ranks.forEach((module, own) -> alphas.put(module, own.doubleValue()));
            LoraConfig whole = LoraConfig.of(rank, rank, new Targets.Names(List.copyOf(modules(shares))))
                    .withPatterns(ranks, alphas).withTaskType(first.taskType()).withBaseModel(first.baseModel())
                    .withModulesToSave(shares.keySet().stream().flatMap(each -> each.config.modulesToSave().stream())
                            .distinct().toList())
                    .withBias(configs.stream().map(LoraConfig::bias)
                            .filter(bias -> bias != LoraConfig.Bias.NONE).findFirst().orElse(LoraConfig.Bias.NONE));
            return restored(base, whole, stored, "the sum");
        }
    }

    /// The base with another adapter for each row of a batch.
    static PretrainedModel byRow(PretrainedModel base, List<Optional<Adapted>> rows) {
        rows.forEach(row -> row.ifPresent(Adapted::requireByRow));
        if (rows.stream().allMatch(Optional::isEmpty)) {
            throw new IllegalArgumentException("No row has an adapter; the base answers without");
        }
        var source = new Over(base.parameters(), name -> false, Map.of(), WeightSource.random(0), "", "");
        try (var off = Gradients.off()) {
            ProjectionPlan below = AdapterPlan.below(base);
            return Models.rebuild(base, source, (place, spec) -> {
                Projection plain = below.load(place, spec);
                String module = place.full("");
                List<Optional<LowRank>> detours = rows.stream()
                        .map(row -> row.map(each -> each.detours.get(module.substring(0, module.length() - 1))))
                        .toList();
                Optional<LowRank> any = detours.stream().flatMap(Optional::stream).findFirst();
                if (any.isEmpty()) {
                    return plain;
                }
                long rank = detours.stream().flatMap(Optional::stream).mapToLong(each -> each.down().size(0)).max()
                        .orElseThrow();
                return new LowRankRows(plain,
                        place.get(DOWN, (random, shape) -> stacked(detours, each -> each.down().transpose(0, 1), shape),
                                rows.size(), any.get().down().size(1), rank),
                        place.get(UP,
                                (random, shape) -> stacked(detours,
                                        each -> each.up().mul(each.scale()).transpose(0, 1), shape),
                                rows.size(), rank, any.get().up().size(0)));
            });
        }
    }

    /// `[rows, …]`: a matrix of each row in the corner of zeros.
    private static Tensor stacked(List<Optional<LowRank>> detours, Function<LowRank, Tensor> matrix, long... shape) {
        Tensor all = Tensor.zeros(DType.FLOAT32, shape);
        for (int row = 0; row < detours.size(); row++) {
            if (detours.get(row).isPresent()) {
                Tensor own = matrix.apply(detours.get(row).get());
                all.select(0, row).narrow(0, 0, own.size(0)).narrow(1, 0, own.size(1)).copyInPlace(own);
            }
        }
        return all.to(detours.stream().flatMap(Optional::stream).findFirst().orElseThrow().down().device());
    }

    private void requireByRow() {
        String hindrance = config instanceof PromptConfig
                ? "it stands before the text"
                : !replaced.isEmpty()
                        ? "it has its own " + replaced.iterator().next()
                        : detours.values().stream().anyMatch(each -> each.magnitude() != null)
                                ? "it is DoRA"
                                : detours.keySet().stream().anyMatch(module -> module.contains(".experts."))
                                        ? "it changes experts, which see tokens of several rows"
                                        : "";
        if (!hindrance.isEmpty()) {
            throw new IllegalArgumentException("An adapter cannot be chosen by row if " + hindrance);
        }
    }

    private LoraConfig addable() {
        if (config instanceof LoraConfig lora && !lora.useDora()) {
            return lora;
        }
        throw new IllegalArgumentException(config instanceof LoraConfig
                ? "DoRA adapters do not add up; merge one into the base and adapt what comes out"
                : "Prompts and prefixes do not add up");
    }

    private static Set<String> modules(Map<Adapted, Double> shares) {
        return shares.keySet().stream().flatMap(each -> each.detours.keySet().stream())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /// Lets go of the adapter's weights, and of the base's as far as this model holds them.
    @Override
    public void close() {
        model.close();
    }
}
