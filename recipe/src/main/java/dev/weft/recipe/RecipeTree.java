package dev.weft.recipe;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Recipes as trees of keys: one laid over another, keys set by their path. What kind of value a key takes is decided by
/// [Recipe]'s records.
final class RecipeTree {
    private RecipeTree() {}

    static String referenceText() {
        return resource(Recipe.FILE);
    }

    static String resource(String name) {
        try (InputStream in = RecipeTree.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalArgumentException("There is no preset " + name.replaceAll(".*/|\\.yaml", "")
                        + "; there are tiny, small, medium and gpt2");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static ObjectNode reference() {
        return parse(referenceText(), Recipe.FILE);
    }

    static ObjectNode parse(String yaml, String name) {
        JsonNode tree;
        try {
            tree = Recipe.YAML.readTree(yaml);
        } catch (JacksonException e) {
            throw new IllegalArgumentException("%s, line %d: no YAML: %s".formatted(name,
                    e.getLocation() == null ? 0 : e.getLocation().getLineNr(),
                    e.getOriginalMessage().lines().findFirst().orElse("")), e);
        }
        if (tree.isMissingNode() || tree.isNull()) {
            return Recipe.YAML.createObjectNode();
        }
        if (!(tree instanceof ObjectNode object)) {
            throw new IllegalArgumentException(
                    name + ": a recipe has keys such as task, model and data, found " + tree.getNodeType());
        }
        return object;
    }

    /// @throws IllegalArgumentException if a file lacks one of the parts that recipes have
    static void requireAllParts(Path file) {
        ObjectNode tree;
        try {
            tree = parse(Files.readString(file), file.toString());
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be read: " + e.getMessage(), e);
        }
        List<String> missing = names(Recipe.class).stream().filter(part -> !tree.has(part)).toList();
        if (!missing.isEmpty()) {
            throw new IllegalArgumentException(
                    "%s is damaged: it says nothing of %s; put back what was there, or begin a new run with --out"
                            .formatted(file, String.join(", ", missing)));
        }
    }

    /// The lower tree with what the upper one says.
    static ObjectNode over(ObjectNode lower, ObjectNode upper, String name) {
        ObjectNode result = lower.deepCopy();
        upper.properties().forEach(entry -> lay(result, entry.getKey(), entry.getValue(), Recipe.class, "", name));
        if (upper.path("train").has("steps") && !upper.path("train").has("epochs")) {
            ((ObjectNode) result.get("train")).putNull("epochs");
        }
        return result;
    }

    private static void lay(ObjectNode into, String key, JsonNode value, Class<?> type, String path, String name) {
        String whole = path + key;
        Type kind = component(type, key, path, name);
        if (kind instanceof Class<?> part && part.isRecord()) {
            if (!(value instanceof ObjectNode section)) {
                throw new IllegalArgumentException("%s: %s is a part with keys of its own (%s), found %s".formatted(
                        name, whole, String.join(", ", names(part)), value));
            }
            section.properties().forEach(entry -> lay((ObjectNode) into.get(key), entry.getKey(), entry.getValue(),
                    part, whole + ".", name));
        } else if (kind != ObjectNode.class && into.get(key) instanceof ObjectNode map
                && value instanceof ObjectNode more) {
            more.properties().forEach(entry -> {
                if (whole.equals("data.columns") && !map.has(entry.getKey())) {
                    throw unknown(name, whole + "." + entry.getKey(), map.propertyNames());
                }
                map.set(entry.getKey(), fitting(entry.getValue(), valueOf(kind), whole + "." + entry.getKey(), name));
            });
        } else {
            into.set(key, fitting(value, kind, whole, name));
        }
    }

    static ObjectNode set(ObjectNode tree, String path, @Nullable Object value) {
        ObjectNode result = tree.deepCopy();
        String[] keys = path.split("\\.", 3);
        Type kind = Recipe.class;
        String before = "";
        ObjectNode into = result;
        for (int i = 0; i < keys.length; i++) {
            boolean last = i == keys.length - 1;
            boolean inMap = !(kind instanceof Class<?> type && type.isRecord());
            if (inMap) {
                if (before.equals("data.columns.") && !into.has(keys[i])) {
                    throw unknown("--set", path, into.propertyNames());
                }
                // A key of a config may be of any kind.
                into.set(keys[i], kind instanceof ParameterizedType
                        ? fitting(plain(value), valueOf(kind), path, "--set")
                        : plain(value));
                return result;
            }
            kind = component((Class<?>) kind, keys[i], before, "--set");
            before += keys[i] + ".";
            if (path.equals("train.steps")) {
                into.putNull("epochs");
            }
            if (last) {
                into.set(keys[i], fitting(plain(value), kind, path, "--set"));
            } else if (into.get(keys[i]) instanceof ObjectNode section) {
                into = section;
            } else {
                throw new IllegalArgumentException("--set: %s has no keys of its own".formatted(before));
            }
        }
        return result;
    }

    private static Type valueOf(Type map) {
        return map instanceof ParameterizedType type ? type.getActualTypeArguments()[1] : JsonNode.class;
    }

    static JsonNode plain(@Nullable Object value) {
        if (value instanceof String text && (text.matches("[\\[{].*[]}]|-?[0-9][0-9._eE+-]*|true|false|null"))) {
            try {
                return Recipe.YAML.readTree(text);
            } catch (JacksonException e) {
                // A text that only looks like something else.
            }
        }
        return Recipe.YAML.valueToTree(value);
    }

    private static Type component(Class<?> type, String key, String path, String name) {
        return Arrays.stream(type.getRecordComponents()).filter(each -> name(each).equals(key)).findFirst()
                .map(RecordComponent::getGenericType)
                .orElseThrow(() -> unknown(name, path + key, names(type)));
    }

    private static IllegalArgumentException unknown(String name, String path, Collection<String> known) {
        String key = path.substring(path.lastIndexOf('.') + 1);
        Optional<String> elsewhere = keys().stream().filter(each -> each.endsWith("." + key)).findFirst();
        return new IllegalArgumentException("%s: a recipe has no key \"%s\"; %s".formatted(name, path,
                elsewhere.map(each -> "did you mean " + each + "?")
                        .orElse("there are " + String.join(", ", known))));
    }

    /// All keys by their paths.
    static List<String> keys() {
        return Arrays.stream(Recipe.class.getRecordComponents())
                .flatMap(each -> each.getType().isRecord()
                        ? names(each.getType()).stream().map(key -> name(each) + "." + key)
                        : Stream.of(name(each)))
                .toList();
    }

    private static List<String> names(Class<?> type) {
        return Arrays.stream(type.getRecordComponents()).map(RecipeTree::name).toList();
    }

    private static String name(RecordComponent component) {
        return component.getName().replaceAll("([a-z])([A-Z])", "$1_$2").toLowerCase(Locale.ROOT);
    }

    /// The value as its key takes it.
    private static JsonNode fitting(JsonNode value, Type kind, String path, String name) {
        if (kind instanceof ParameterizedType list && list.getRawType() == List.class) {
            return list(value, path, name);
        }
        Class<?> type = kind instanceof ParameterizedType map ? (Class<?>) map.getRawType() : (Class<?>) kind;
        if (value.isNull()) {
            if (type.isPrimitive()) {
                throw wrong(name, path, "needs a value", value);
            }
            return value;
        }
        if (type == int.class || type == Integer.class || type == long.class || type == Long.class) {
            boolean whole = value.isIntegralNumber() && (type == long.class || type == Long.class || value.isInt());
            return require(whole, value, name, path, "must be a whole number");
        }
        if (type == double.class || type == Double.class) {
            return require(value.isNumber() && Double.isFinite(value.asDouble()), value, name, path,
                    "must be a number");
        }
        if (type == boolean.class) {
            return require(value.isBoolean(), value, name, path, "must be true or false");
        }
        if (type == String.class) {
            require(value.isValueNode(), value, name, path, "must be a text");
            return Recipe.YAML.valueToTree(value.asString());
        }
        return require(value.isObject(), value, name, path, "must have keys of its own, such as {key: value}");
    }

    private static JsonNode list(JsonNode value, String path, String name) {
        var given = new ArrayList<String>();
        if (value instanceof ArrayNode array) {
            array.forEach(each -> given.add(require(each.isValueNode(), each, name, path, "is a list of texts")
                    .asString()));
        } else if (!value.isNull()) {
            given.add(require(value.isValueNode(), value, name, path, "is a list of texts").asString());
        }
        // A query has commas of its own, and so may a file.
        boolean whole = path.matches("data\\.(train|dev)(_target)?|tokenizer\\.text");
        return Recipe.YAML.valueToTree(given.stream()
                .flatMap(text -> whole ? Stream.of(text) : Arrays.stream(text.split(",")).map(String::strip))
                .filter(text -> !text.isEmpty()).toList());
    }

    private static JsonNode require(boolean holds, JsonNode value, String name, String path, String otherwise) {
        if (!holds) {
            throw wrong(name, path, otherwise, value);
        }
        return value;
    }

    private static IllegalArgumentException wrong(String name, String path, String otherwise, JsonNode value) {
        return new IllegalArgumentException("%s: %s %s, found %s".formatted(name, path, otherwise,
                value.isString() ? "\"" + value.asString() + '"' : value));
    }

    // ---- what the reference says of its keys ----

    /// Read from the reference: the comment above a key begins with its options.
    static List<Recipe.Key> explained() {
        var keys = new ArrayList<Recipe.Key>();
        var sections = new ArrayList<String>();
        var comment = new ArrayList<String>();
        for (String line : referenceText().lines().toList()) {
            String bare = line.strip();
            if (bare.startsWith("#")) {
                comment.add(bare.substring(1).strip());
            } else if (!bare.isEmpty()) {
                int depth = (line.length() - line.stripLeading().length()) / 2;
                String key = bare.substring(0, bare.indexOf(':'));
                String value = bare.substring(bare.indexOf(':') + 1).strip();
                sections.subList(Math.min(depth, sections.size()), sections.size()).clear();
                String path = Stream.concat(sections.stream(), Stream.of(key)).collect(Collectors.joining("."));
                String text = String.join(" ", comment);
                List<String> options = text.startsWith("--")
                        ? Arrays.stream(text.split(" {2,}", 2)[0].split(",\\s*")).map(String::strip).toList()
                        : List.of();
                String meaning = text.startsWith("--")
                        ? text.split(" {2,}", 2).length > 1 ? text.split(" {2,}", 2)[1] : ""
                        : text;
                if (value.isEmpty()) {
                    sections.add(key);
                }
                keys.add(new Recipe.Key(path, meaning, options, value));
                comment.clear();
            } else {
                comment.clear();
            }
        }
        return keys;
    }
}
