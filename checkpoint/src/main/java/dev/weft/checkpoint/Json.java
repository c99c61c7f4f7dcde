package dev.weft.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.core.util.DefaultIndenter;
import tools.jackson.core.util.DefaultPrettyPrinter;
import tools.jackson.core.util.Separators;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// One object of a JSON file, such as `config.json`, whose values are asked for by name and type.
///
/// A wrong value is an [IllegalArgumentException] like `config.json: "n_head" must be a positive integer, found "four"`.
/// `null` counts as absent. Where a value has several names, old and new, the first one present is read:
/// `positive("hidden_size", "n_embd", "d_model")`, or with a default `positive(first("hidden_size", "n_embd"), 768)`.
public final class Json {
    private static final long MAX_BYTES = 100_000_000;

    /// A few bytes of text become a hundred of memory; a header of a hundred thousand tensors has two million tokens.
    private static final long MAX_TOKENS = 10_000_000;

    // Python writes NaN and Infinity into JSON.
    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().maxTokenCount(MAX_TOKENS).build())
            .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();
    private static final ObjectWriter PRETTY = MAPPER.writer()
            .with(new DefaultPrettyPrinter(Separators.createDefaultInstance()
                    .withObjectNameValueSpacing(Separators.Spacing.AFTER)
                    .withObjectEmptySeparator("")
                    .withArrayEmptySeparator("")).withObjectIndenter(new DefaultIndenter("  ", "\n"))
                    .withArrayIndenter(new DefaultIndenter("  ", "\n")));

    private final String file;
    private final String path;
    private final ObjectNode node;
    /// Names that were asked for, here or of the same with defaults.
    private final Set<String> asked;

    private Json(String file, String path, ObjectNode node) {
        this(file, path, node, ConcurrentHashMap.newKeySet());
    }

    private Json(String file, String path, ObjectNode node, Set<String> asked) {
        this.file = file;
        this.path = path;
        this.node = node;
        this.asked = asked;
    }

    /// @throws IllegalArgumentException if the file is missing or holds no JSON object
    public static Json read(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new IllegalArgumentException(file + ": there is no such file");
        }
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw new IllegalArgumentException("%s: %d bytes are no settings; the limit is %d".formatted(file,
                        Files.size(file), MAX_BYTES));
            }
            return parse(file.toString(), Files.readAllBytes(file));
        } catch (IOException e) {
            throw new UncheckedIOException(file + ": cannot be read: " + e.getMessage(), e);
        }
    }

    /// @param file what messages call it
    /// @throws IllegalArgumentException if `text` is no JSON object
    public static Json parse(String file, String text) {
        JsonNode root;
        try {
            root = MAPPER.readTree(text);
        } catch (JacksonException e) {
            var place = e.getLocation();
            throw new IllegalArgumentException("%s: not valid JSON%s: %s".formatted(file,
                    place == null || place.getLineNr() < 1
                            ? ""
                            : " at line %d, column %d".formatted(place.getLineNr(), place.getColumnNr()),
                    MappedFile
                            .oneLine(String.valueOf(e.getOriginalMessage()).replaceAll(" \\(start marker at .*", ""))),
                    e);
        }
        if (root instanceof ObjectNode object) {
            return new Json(file, "", object);
        }
        throw new IllegalArgumentException("%s: must be a JSON object, found %s".formatted(file, shown(root)));
    }

    /// @param file what messages call it
    static Json parse(String file, byte[] utf8) {
        try {
            return parse(file, StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString());
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException(file + ": not valid JSON: it is not UTF-8", e);
        }
    }

    /// A file of a list of objects, such as `modules.json`.
    ///
    /// @throws IllegalArgumentException if the file is missing or holds something else
    public static List<Json> readList(Path file) {
        try {
            return parse(file.toString(), "{\"list\": " + Files.readString(file) + "}").objects("list");
        } catch (IOException e) {
            throw new UncheckedIOException(file + ": cannot be read: " + e.getMessage(), e);
        }
    }

    /// An object made in memory.
    ///
    /// @param file what messages call it
    public static Json of(String file, ObjectNode node) {
        return new Json(file, "", node);
    }

    /// An empty object to fill, in the order in which it will be written.
    public static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    /// Writes an object, two spaces deep, its keys in their order, whole or not at all.
    public static void write(Path file, ObjectNode node) {
        AtomicFile.write(file, pretty(node));
    }

    static String pretty(ObjectNode node) {
        return PRETTY.writeValueAsString(node) + "\n";
    }

    static String compact(ObjectNode node) {
        return MAPPER.writeValueAsString(node);
    }

    /// The Jackson node behind it, for what has no type here and for writing.
    public ObjectNode node() {
        return node;
    }

    /// The names of its values, in the order of the file.
    public Set<String> names() {
        return new LinkedHashSet<>(node.propertyNames());
    }

    /// Whether it has a value other than null.
    public boolean has(String name) {
        asked.add(name);
        return node.hasNonNull(name);
    }

    /// The same, of which every name is known, whether its value is used or does no harm: one that is overlooked may change
    /// every number.
    ///
    /// @throws IllegalArgumentException if it has a value of another name
    public Json knowing(String... known) {
        names().stream().filter(name -> node.hasNonNull(name) && !List.of(known).contains(name)).findFirst()
                .ifPresent(name -> {
                    throw new IllegalArgumentException(
                            "%s: \"%s\" is not known to Weft (its value is %s); known are %s".formatted(
                                    file, full(name), shown(node.get(name)), String.join(", ", known)));
                });
        return this;
    }

    /// The same with values for the names that this does not mention, a family's published defaults for instance; one that
    /// is mentioned as `null` stays so.
    public Json withDefaults(ObjectNode defaults) {
        ObjectNode all = defaults.deepCopy();
        node.propertyStream().forEach(each -> all.set(each.getKey(), each.getValue()));
        return new Json(file, path, all, asked);
    }

    /// Names of values that nobody has asked for, here or of the same with defaults: what was overlooked.
    public Set<String> unasked() {
        Set<String> left = names();
        left.removeIf(name -> node.get(name).isNull() || asked.contains(name));
        return left;
    }

    /// The first of these names that has a value, or else the first of all.
    public String first(String... names) {
        return Arrays.stream(names).filter(this::has).findFirst().orElse(names[0]);
    }

    /// Any whole number that fits an `int`.
    public int integer(String... names) {
        return read("an integer", Json::isInt, JsonNode::intValue, names);
    }

    public int integer(String name, int otherwise) {
        return has(name) ? integer(name) : otherwise;
    }

    /// A whole number above 0: sizes and counts.
    public int positive(String... names) {
        return read("a positive integer", value -> isInt(value) && value.intValue() > 0, JsonNode::intValue, names);
    }

    public int positive(String name, int otherwise) {
        return has(name) ? positive(name) : otherwise;
    }

    public double number(String... names) {
        return read("a number", Json::isDouble, JsonNode::doubleValue, names);
    }

    public double number(String name, double otherwise) {
        return has(name) ? number(name) : otherwise;
    }

    public boolean flag(String... names) {
        return read("true or false", JsonNode::isBoolean, JsonNode::booleanValue, names);
    }

    public boolean flag(String name, boolean otherwise) {
        return has(name) ? flag(name) : otherwise;
    }

    public String text(String... names) {
        return read("a text", JsonNode::isString, JsonNode::stringValue, names);
    }

    public String text(String name, String otherwise) {
        return has(name) ? text(name) : otherwise;
    }

    /// An object inside.
    public Json object(String... names) {
        String name = first(names);
        ObjectNode inner = read("an object", JsonNode::isObject, ObjectNode.class::cast, names);
        return new Json(file, full(name), inner);
    }

    /// A list of whole numbers; a single one counts as a list of one, as `eos_token_id` has it.
    public List<Integer> integers(String... names) {
        return list("a list of integers", Json::isInt, JsonNode::intValue, names);
    }

    /// A list of numbers; a single one counts as a list of one.
    public List<Double> numbers(String... names) {
        return list("a list of numbers", Json::isDouble, JsonNode::doubleValue, names);
    }

    /// A list of texts; a single one counts as a list of one.
    public List<String> texts(String... names) {
        return list("a list of texts", JsonNode::isString, JsonNode::stringValue, names);
    }

    /// A list of objects.
    public List<Json> objects(String... names) {
        String name = first(names);
        List<ObjectNode> nodes = list("a list of objects", JsonNode::isObject, ObjectNode.class::cast, names);
        var objects = new ArrayList<Json>(nodes.size());
        for (ObjectNode inner : nodes) {
            objects.add(new Json(file, full(name) + "[" + objects.size() + "]", inner));
        }
        return List.copyOf(objects);
    }

    /// What to throw when a value is of the right type and still wrong: `config.json: "NAME" must be WANTED, found …`.
    public IllegalArgumentException mustBe(String name, String wanted) {
        return new IllegalArgumentException(
                "%s: \"%s\" must be %s, found %s".formatted(file, full(name), wanted, shown(node.get(name))));
    }

    private <T> List<T> list(String wanted, Predicate<JsonNode> fits, Function<JsonNode, T> convert, String... names) {
        return read(wanted, value -> fits.test(value) || value.isArray() && value.valueStream().allMatch(fits),
                value -> value.isArray() ? value.valueStream().map(convert).toList() : List.of(convert.apply(value)),
                names);
    }

    private <T> T read(String wanted, Predicate<JsonNode> fits, Function<JsonNode, T> convert, String... names) {
        String name = first(names);
        if (!has(name)) {
            throw new IllegalArgumentException("%s: %s is missing; it must be %s".formatted(file,
                    Arrays.stream(names).map(each -> '"' + full(each) + '"').collect(Collectors.joining(" or ")),
                    wanted));
        }
        JsonNode value = node.get(name);
        if (!fits.test(value)) {
            throw mustBe(name, wanted);
        }
        return convert.apply(value);
    }

    private String full(String name) {
        return MappedFile.oneLine(path.isEmpty() ? name : path + "." + name);
    }

    private static boolean isInt(JsonNode value) {
        return value.isIntegralNumber() && value.canConvertToInt();
    }

    /// Whole numbers of many digits may be larger than any double.
    private static boolean isDouble(JsonNode value) {
        return value.isNumber() && value.doubleValueOpt().isPresent();
    }

    private static String shown(@Nullable JsonNode value) {
        String text = value == null || value.isMissingNode() ? "nothing" : MappedFile.oneLine(value.toString());
        return text.length() <= 60 ? text : text.substring(0, 60) + "…";
    }

    @Override
    public String toString() {
        return file + (path.isEmpty() ? "" : ": " + path);
    }
}
