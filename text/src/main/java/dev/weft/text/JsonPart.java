package dev.weft.text;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// A value inside a JSON file together with the file and the way to it, so that every complaint can name its place.
record JsonPart(Path file, String place, JsonNode node) {
    /// Vocabularies are objects with a hundred thousand names, each met once: looking for known names only costs time.
    static final JsonMapper MAPPER = JsonMapper
            .builder(JsonFactory.builder().disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES).build())
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION).build();

    /// @throws IllegalArgumentException if the file is not one JSON object
    static JsonPart read(Path file) {
        JsonNode node;
        try {
            node = MAPPER.readTree(Files.readAllBytes(file));
        } catch (IOException e) {
            throw new UncheckedIOException("%s: cannot be read: %s".formatted(file, e.getMessage()), e);
        } catch (JacksonException e) {
            throw new IllegalArgumentException(
                    "%s: not a whole JSON file: %s; is the download complete?".formatted(file,
                            OneLine.of(e.getOriginalMessage())),
                    e);
        }
        var part = new JsonPart(file, "", node);
        if (!node.isObject()) {
            throw part.error("expected a JSON object, found " + node.getNodeType());
        }
        return part;
    }

    IllegalArgumentException error(String problem) {
        return new IllegalArgumentException(OneLine.of(
                place.isEmpty() ? "%s: %s".formatted(file, problem) : "%s: %s: %s".formatted(file, place, problem)));
    }

    boolean has(String name) {
        return node.hasNonNull(name);
    }

    JsonPart at(String name) {
        JsonNode child = node.get(name);
        String where = place.isEmpty() ? name : place + "." + name;
        if (child == null) {
            throw error("\"%s\" is missing".formatted(name));
        }
        return new JsonPart(file, where, child);
    }

    /// The part under that name, or null where it is absent or JSON null.
    @Nullable
    JsonPart optional(String name) {
        return has(name) ? at(name) : null;
    }

    List<JsonPart> items() {
        if (!node.isArray()) {
            throw error("expected a list, found " + node.getNodeType());
        }
        var items = new ArrayList<JsonPart>(node.size());
        for (int i = 0; i < node.size(); i++) {
            items.add(new JsonPart(file, place + "[" + i + "]", node.get(i)));
        }
        return items;
    }

    /// What a list holds, or an object under its names.
    List<JsonPart> elements() {
        return node.isObject() ? node.propertyNames().stream().map(this::at).toList() : items();
    }

    String string() {
        if (!node.isString()) {
            throw error("expected a string, found " + node.getNodeType());
        }
        return node.stringValue();
    }

    String string(String name) {
        return at(name).string();
    }

    @Nullable
    String optionalString(String name) {
        return has(name) ? string(name) : null;
    }

    boolean flag(String name, boolean otherwise) {
        if (!has(name)) {
            return otherwise;
        }
        JsonPart flag = at(name);
        if (!flag.node.isBoolean()) {
            throw flag.error("expected true or false, found " + flag.node);
        }
        return flag.node.booleanValue();
    }

    /// A token id: a whole number from 0 to below [Vocabulary#MAX_SIZE].
    int id() {
        if (!node.isIntegralNumber() || !node.canConvertToInt() || node.intValue() < 0
                || node.intValue() >= Vocabulary.MAX_SIZE) {
            throw error("expected an id from 0 to %d, found %s".formatted(Vocabulary.MAX_SIZE - 1, node));
        }
        return node.intValue();
    }

    /// A whole number from 0 up; what no int can hold counts as the largest int.
    int count() {
        if (!node.isIntegralNumber() || node.asDouble() < 0) {
            throw error("expected a whole number from 0 up, found " + node);
        }
        return node.canConvertToInt() ? node.intValue() : Integer.MAX_VALUE;
    }

    /// This part, after refusing options that the code would silently ignore; "type" is always known.
    JsonPart allows(String... names) {
        List<String> known = List.of(names);
        for (String name : node.propertyNames()) {
            if (!name.equals("type") && !known.contains(name)) {
                throw error("option \"%s\" is not supported; known options: %s".formatted(name,
                        String.join(", ", known)));
            }
        }
        return this;
    }

    IllegalArgumentException unknownType(String type, String... known) {
        return error("type \"%s\" is not supported; known types: %s".formatted(type, String.join(", ", known)));
    }

    static ObjectNode object(String type) {
        return JsonNodeFactory.instance.objectNode().put("type", type);
    }
}
