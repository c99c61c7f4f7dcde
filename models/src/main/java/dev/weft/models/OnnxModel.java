package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.Onnx;
import dev.weft.checkpoint.Onnx.Node;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.models.heads.HeadKind;
import dev.weft.nn.Init;
import dev.weft.nn.WeightSource;
import dev.weft.nn.Weights;
import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import tools.jackson.databind.node.ObjectNode;

/// A model out of an ONNX file that PyTorch's exporters wrote: the weights under their names, the config from shapes and from
/// the graph. Encoders of BERT's kind: BERT, RoBERTa, XLM-RoBERTa, DistilBERT, ELECTRA, MPNet.
///
/// An exporter folds the transposing of a linear map into its weight, which then has no name; where the operation stands says
/// which it is. Of equal constants it keeps one: the operation says whose it also is.
public final class OnnxModel {
    private static final String WORDS = "embeddings.word_embeddings.weight";
    private static final Pattern PARAMETER = Pattern.compile("[A-Za-z_][\\w]*(\\.\\w+)*\\.(weight|bias)");

    /// How a family is known by its weights.
    ///
    /// @param layer its first projection of each layer
    /// @param inner the weight that has as many rows as a layer is wide inside
    private record Kind(String modelType, Pattern layer, String inner) {
        static Kind of(String modelType, String layer, String inner) {
            return new Kind(modelType, Pattern.compile(layer), inner);
        }
    }

    private static final List<Kind> KINDS = List.of(
            Kind.of("bert", "encoder\\.layer\\.(\\d+)\\.attention\\.self\\.query\\.weight",
                    "encoder.layer.0.intermediate.dense.weight"),
            Kind.of("distilbert", "transformer\\.layer\\.(\\d+)\\.attention\\.q_lin\\.weight",
                    "transformer.layer.0.ffn.lin1.weight"),
            Kind.of("mpnet", "encoder\\.layer\\.(\\d+)\\.attention\\.attn\\.q\\.weight",
                    "encoder.layer.0.intermediate.dense.weight"));

    /// Where a weight lies.
    ///
    /// @param transposed whether the file has it as `[in, out]`
    private record Place(String constant, boolean transposed) {}

    private final Onnx file;
    private final Map<String, Place> places = new LinkedHashMap<>();
    /// What other operations call a constant.
    private final Map<String, String> aliases = new HashMap<>();
    private final Map<String, Node> makers = new HashMap<>();

    private OnnxModel(Onnx file) {
        this.file = file;
    }

    /// Reads a model; its weights are its own, in float32.
    ///
    /// @param told what `config.json` is to say whatever the file lets one guess: `model_type`, `num_attention_heads`,
    ///             `id2label`, `architectures`, …
    /// @throws IllegalArgumentException if the file is broken, quantized, rewritten by an optimizer, or of no known family
    public static PretrainedModel load(Path file, ObjectNode told) {
        try (Onnx opened = Onnx.open(file)) {
            var model = new OnnxModel(opened);
            model.requirePlain();
            model.name();
            Json config = Json.of(file.toString(), model.config(told));
            return Models.build(config, HeadKind.of(Models.architecture(config)), Weights.from(model.source()));
        } catch (IllegalArgumentException e) {
            throw e.getMessage().contains(file.toString())
                    ? e
                    : new IllegalArgumentException(file + ": " + e.getMessage(), e);
        }
    }

    private void requirePlain() {
        for (Node node : file.nodes()) {
            if (node.op().matches(
                    "(Dynamic)?(De)?Quantize.*|.*Integer|QLinear.*|QGemm|.*(MatMulNBits|QAttention|QGemm).*")) {
                throw error("it is quantized (%s); import the file of the same model in float32 or float16".formatted(
                        node.op()));
            }
            if (node.op().contains(".")) {
                throw error(
                        "an optimizer has rewritten it (%s); import the file as it was exported".formatted(node.op()));
            }
        }
    }

    private IllegalArgumentException error(String what) {
        return new IllegalArgumentException(file.file() + ": " + what);
    }

    /// Finds each weight's name, and takes off what stands before those of the model.
    private void name() {
        for (Node node : file.nodes()) {
            node.outputs().forEach(output -> makers.put(output, node));
            if (node.op().equals("Identity") && isConstant(node.inputs().getFirst())) {
                aliases.put(node.outputs().getFirst(), node.inputs().getFirst());
            }
        }
        file.names().forEach(name -> put(name, name, false));
        aliases.keySet().forEach(name -> put(name, name, false));
        file.nodes().forEach(this::name);
    }

    private void put(String name, String constant, boolean transposed) {
        if (PARAMETER.matcher(name).matches()) {
            places.put(name, new Place(constant(constant), transposed));
        }
    }

    private boolean isConstant(String name) {
        return file.names().contains(constant(name));
    }

    private String constant(String name) {
        String first = name;
        for (int i = 0; i < 8 && aliases.containsKey(first); i++) {
            first = aliases.get(first);
        }
        return first;
    }

    private int axes(String name) {
        return isConstant(name) && file.dtype(constant(name)).isFloating() ? file.shape(constant(name)).length : -1;
    }

    private void name(Node node) {
        List<String> inputs = node.inputs();
        String module = node.module();
        switch (node.op()) {
            case "MatMul" -> {
                if (inputs.size() == 2 && axes(inputs.get(1)) == 2) {
                    String owner = module.isEmpty() ? owner(node.outputs().getFirst()) : module;
                    put(owner + ".weight", inputs.get(1), true);
                }
            }
            case "Gemm" -> {
                boolean given = node.attributes().containsKey("transB")
                        && node.attributes().get("transB").integer() == 1;
                if (inputs.size() > 1 && axes(inputs.get(1)) == 2) {
                    String owner = module.isEmpty() && inputs.size() > 2 ? withoutEnd(inputs.get(2)) : module;
                    put(owner + ".weight", inputs.get(1), !given);
                    if (inputs.size() > 2 && axes(inputs.get(2)) == 1) {
                        absent(owner + ".bias", inputs.get(2));
                    }
                }
            }
            case "LayerNormalization" -> {
                if (inputs.size() > 1 && axes(inputs.get(1)) == 1) {
                    absent(module + ".weight", inputs.get(1));
                }
                if (inputs.size() > 2 && axes(inputs.get(2)) == 1) {
                    absent(module + ".bias", inputs.get(2));
                }
            }
            case "Add" -> inputs.stream().filter(input -> axes(input) == 1).findFirst()
                    .ifPresent(input -> absent(module + ".bias", input));
            case "Mul" -> inputs.stream().filter(input -> axes(input) == 1).findFirst()
                    .ifPresent(input -> absent(module + ".weight", input));
            case "Gather" -> {
                if (axes(inputs.getFirst()) == 2) {
                    absent(module + ".weight", inputs.getFirst());
                }
            }
            default -> {
                // No weight.
            }
        }
    }

    private void absent(String name, String constant) {
        if (!places.containsKey(name)) {
            put(name, constant, false);
        }
    }

    /// Whose product this is, by the bias that is added to it.
    private String owner(String product) {
        return file.nodes().stream().filter(node -> node.op().equals("Add") && node.inputs().contains(product))
                .flatMap(node -> node.inputs().stream()).filter(input -> axes(input) == 1).map(OnnxModel::withoutEnd)
                .findFirst().orElse("");
    }

    private static String withoutEnd(String bias) {
        return bias.endsWith(".bias") ? bias.substring(0, bias.length() - ".bias".length()) : "";
    }

    private ObjectNode config(ObjectNode told) {
        String before = places.keySet().stream().filter(name -> name.endsWith(WORDS)).findFirst()
                .map(name -> name.substring(0, name.length() - WORDS.length()))
                .orElseThrow(() -> error(
                        "holds no %s; Weft imports encoders of BERT's kind: bert, roberta, xlm-roberta, distilbert, electra, mpnet"
                                .formatted(WORDS)));
        Matcher known = Pattern.compile("(.*?)((bert|roberta|distilbert|electra|mpnet)\\.)?").matcher(before);
        String family = known.matches() && known.group(3) != null ? known.group(3) : "";
        String root = known.matches()
                ? before.substring(0, before.length() - (family.isEmpty() ? 0 : family.length() + 1))
                : "";
        strip(root);
        String base = family.isEmpty() ? "" : family + ".";
        Kind kind = KINDS.stream().filter(each -> layers(each, base) > 0).findFirst()
                .orElseThrow(() -> error("its layers are of no family that Weft imports; the first weights are "
                        + places.keySet().stream().limit(4).toList()));
        ObjectNode config = Json.object();
        long[] words = shape(base + WORDS);
        String ordered = base + "embeddings.position_embeddings.weight";
        if (!places.containsKey(ordered)) {
            throw error(
                    "has no `%s`: it was exported for texts of one length, and the positions of that length are folded into a constant; export it again with a sequence axis that is dynamic"
                            .formatted(ordered));
        }
        long[] positions = shape(ordered);
        String projection = base + "embeddings_project.weight";
        int hidden = (int) (places.containsKey(projection) ? shape(projection)[0] : words[1]);
        config.put("model_type", told.path("model_type").asString(modelType(kind, family, projection, words[0])));
        config.put("vocab_size", words[0]).put("hidden_size", hidden);
        if (places.containsKey(projection)) {
            config.put("embedding_size", words[1]);
        }
        config.put("num_hidden_layers", layers(kind, base)).put("num_attention_heads", heads(hidden, told));
        config.put("intermediate_size", shape(base + kind.inner())[0]).put("max_position_embeddings", positions[0]);
        String types = base + "embeddings.token_type_embeddings.weight";
        if (places.containsKey(types)) {
            config.put("type_vocab_size", shape(types)[0]);
        }
        String distances = base + "encoder.relative_attention_bias.weight";
        if (places.containsKey(distances)) {
            config.put("relative_attention_num_buckets", shape(distances)[0]);
        }
        config.put(kind.modelType().equals("distilbert") ? "activation" : "hidden_act",
                activation(layers(kind, base), told));
        if (!kind.modelType().equals("distilbert")) {
            config.put("layer_norm_eps", eps());
        } else if (eps() != 1e-12) {
            throw error("DistilBERT's norms add 1e-12 to the variance, these add " + eps());
        }
        config.put("pad_token_id", counts() ? paddingId() : 0);
        labels(config);
        ObjectNode own = ConfigNames.own(config);
        told.properties().forEach(entry -> own.set(entry.getKey(), entry.getValue()));
        if (!own.has("architectures")) {
            own.putArray("architectures").add(Families.of(Json.of("config.json", own)).architecture(head(base)));
        }
        return own;
    }

    private void strip(String root) {
        if (!root.isEmpty()) {
            var rest = new LinkedHashMap<String, Place>();
            places.forEach(
                    (name, place) -> rest.put(name.startsWith(root) ? name.substring(root.length()) : name, place));
            places.clear();
            places.putAll(rest);
        }
    }

    private int layers(Kind kind, String base) {
        return (int) places.keySet().stream().filter(name -> name.startsWith(base)
                && kind.layer().matcher(name.substring(base.length())).matches()).count();
    }

    private String modelType(Kind kind, String family, String projection, long words) {
        if (!kind.modelType().equals("bert")) {
            return kind.modelType();
        }
        if (family.equals("electra") || places.containsKey(projection)) {
            return "electra";
        }
        return !counts() && !family.equals("roberta") ? "bert" : words == 250_002 ? "xlm-roberta" : "roberta";
    }

    /// Whether positions are counted from the padding id, as RoBERTa and MPNet do.
    private boolean counts() {
        return file.nodes().stream().anyMatch(node -> node.op().equals("CumSum"));
    }

    private int paddingId() {
        return file.nodes().stream().filter(node -> node.op().equals("Equal") && node.inputs().contains("input_ids"))
                .flatMap(node -> node.inputs().stream()).filter(this::isConstant).map(this::integers)
                .filter(values -> values.length == 1).map(values -> (int) values[0]).findFirst().orElse(1);
    }

    private long[] integers(String name) {
        try (var scope = TensorScope.open()) {
            return file.dtype(constant(name)).isFloating()
                    ? new long[0]
                    : file.tensor(constant(name)).to(DType.INT64).toLongs();
        }
    }

    private double scalar(String name) {
        try (var scope = TensorScope.open()) {
            return isConstant(name) && Arrays.stream(file.shape(constant(name))).allMatch(size -> size == 1)
                    ? file.tensor(constant(name)).to(DType.FLOAT64).sum().item()
                    : Double.NaN;
        }
    }

    /// By the shape into which attention spreads its vectors, `[batch, seq, heads, headDim]`.
    private int heads(int hidden, ObjectNode told) {
        if (told.path("num_attention_heads").isInt()) {
            return told.path("num_attention_heads").intValue();
        }
        for (Node node : file.nodes()) {
            long[] target = node.op().equals("Reshape") && node.inputs().size() > 1
                    ? target(node.inputs().get(1))
                    : new long[0];
            if (target.length == 4 && target[3] > 0 && hidden % target[3] == 0
                    && (target[2] < 1 || target[2] * target[3] == hidden)) {
                return (int) (hidden / target[3]);
            }
        }
        throw error("the graph does not say how many attention heads there are; tell num_attention_heads");
    }

    /// What is known of a shape; −1 for what is computed.
    private long[] target(String name) {
        if (isConstant(name)) {
            return integers(name);
        }
        Node maker = makers.get(name);
        if (maker == null || !maker.op().equals("Concat")) {
            return new long[0];
        }
        return maker.inputs().stream()
                .flatMapToLong(part -> Arrays.stream(isConstant(part) ? integers(part) : new long[]{-1}))
                .toArray();
    }

    private String activation(int layers, ObjectNode told) {
        if (told.has("hidden_act") || told.has("activation")) {
            return told.path("hidden_act").asString(told.path("activation").asString(""));
        }
        if (count(node -> node.op().equals("Erf")) >= layers
                || count(node -> node.op().equals("Gelu") && !approximate(node)) >= layers) {
            return "gelu";
        }
        if (count(OnnxModel::approximate) >= layers || count(node -> node.op().equals("Tanh")) >= layers) {
            return "gelu_new";
        }
        if (count(node -> node.op().equals("Relu")) >= layers) {
            return "relu";
        }
        throw error("the graph does not say what the activation is; tell hidden_act");
    }

    private static boolean approximate(Node node) {
        return node.op().equals("Gelu") && node.attributes().containsKey("approximate")
                && node.attributes().get("approximate").text().equals("tanh");
    }

    private long count(Predicate<Node> fits) {
        return file.nodes().stream().filter(fits).count();
    }

    /// What norms add to the variance; where several say it, they must agree.
    private double eps() {
        Set<Double> found = new TreeSet<>();
        for (Node node : file.nodes()) {
            if (node.op().equals("LayerNormalization")) {
                found.add(node.attributes().containsKey("epsilon") ? node.attributes().get("epsilon").number() : 1e-5);
            } else if (node.op().equals("Sqrt") && makers.get(node.inputs().getFirst()) instanceof Node added
                    && added.op().equals("Add")) {
                added.inputs().stream().mapToDouble(this::scalar).filter(value -> !Double.isNaN(value))
                        .forEach(found::add);
            }
        }
        if (found.size() != 1) {
            throw error("the norms add %s to the variance, expected one number".formatted(found));
        }
        // The file has it in float32; the shortest number that is that.
        return Double.parseDouble(Float.toString((float) (double) found.iterator().next()));
    }

    private void labels(ObjectNode config) {
        String last = List.of("classifier.weight", "classifier.out_proj.weight").stream().filter(places::containsKey)
                .findFirst().orElse("");
        if (!last.isEmpty()) {
            ObjectNode names = config.putObject("id2label");
            IntStream.range(0, (int) shape(last)[0]).forEach(id -> names.put(Integer.toString(id), "LABEL_" + id));
        }
    }

    private HeadKind head(String base) {
        if (places.containsKey("qa_outputs.weight")) {
            return HeadKind.QUESTION_ANSWERING;
        }
        if (places.containsKey("classifier.out_proj.weight") || places.containsKey("classifier.weight")
                && (places.containsKey("pre_classifier.weight") || places.containsKey(base + "pooler.dense.weight"))) {
            return HeadKind.SEQUENCE_CLASSIFICATION;
        }
        if (places.containsKey("classifier.weight")) {
            return HeadKind.TOKEN_CLASSIFICATION;
        }
        return places.containsKey("cls.predictions.transform.dense.weight")
                || places.containsKey("lm_head.dense.weight")
                || places.containsKey("vocab_transform.weight")
                || places.containsKey("generator_predictions.dense.weight")
                        ? HeadKind.MASKED_LANGUAGE
                        : HeadKind.BASE;
    }

    /// Whether this is the bias of a map that is there: exporters leave out what adds nothing but zeros.
    private boolean isFoldedAway(String name) {
        return !places.containsKey(name) && name.endsWith(".bias")
                && places.containsKey(withoutEnd(name) + ".weight");
    }

    private long[] shape(String name) {
        Place place = places.get(name);
        if (place == null) {
            throw error("has no `%s`; it holds %s".formatted(name, places.keySet().stream().limit(4).toList()));
        }
        long[] shape = file.shape(place.constant());
        return place.transposed() ? new long[]{shape[1], shape[0]} : shape;
    }

    /// The weights by name; one that has no place in the model is an error.
    private WeightSource source() {
        Set<String> placed = places.values().stream().map(Place::constant).collect(Collectors.toSet());
        List<String> left = file.names().stream().filter(name -> axes(name) > 0
                && Arrays.stream(file.shape(name)).reduce(1, (a, b) -> a * b) > 1 && !placed.contains(name)).toList();
        if (!left.isEmpty()) {
            throw error("it is not clear where %d of its weights belong, the first is `%s`".formatted(left.size(),
                    left.getFirst()));
        }
        return new WeightSource() {
            @Override
            public Set<String> names() {
                return places.keySet();
            }

            @Override
            public Tensor read(String name, Init init, long... shape) {
                if (isFoldedAway(name)) {
                    return Tensor.zeros(DType.FLOAT32, shape).unscoped();
                }
                if (!Arrays.equals(shape(name), shape)) {
                    throw error("`%s`: expected %s, found %s".formatted(name, Arrays.toString(shape),
                            Arrays.toString(shape(name))));
                }
                Place place = places.get(name);
                return TensorScope.tidy(() -> {
                    Tensor stored = file.tensor(place.constant());
                    return (place.transposed() ? stored.transpose(0, 1) : stored).to(DType.FLOAT32).contiguous().copy();
                }).unscoped();
            }
        };
    }
}
