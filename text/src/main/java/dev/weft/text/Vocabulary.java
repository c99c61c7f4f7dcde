package dev.weft.text;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// Tokens and their ids, one to one. Ids may leave gaps; the size is the highest id + 1.
final class Vocabulary {
    /// Above every vocabulary in use (the largest hold a million); a hostile id must not claim the memory.
    static final int MAX_SIZE = 1 << 23;

    private final Map<String, Integer> ids;
    private @Nullable String[] tokens;
    private int size;

    Vocabulary(int expectedTokens) {
        ids = HashMap.newHashMap(expectedTokens);
        tokens = new String[Math.max(16, expectedTokens)];
    }

    /// `file` is a flat object from token to id, as `vocab.json` or a model's `vocab`.
    static Vocabulary fromJson(JsonPart file) {
        if (!file.node().isObject()) {
            throw file.error("expected an object from token to id, found " + file.node().getNodeType());
        }
        var vocabulary = new Vocabulary(file.node().size());
        for (var entry : file.node().properties()) {
            int id = new JsonPart(file.file(), file.place() + "[\"" + entry.getKey() + "\"]", entry.getValue())
                    .id();
            String taken = vocabulary.token(id);
            if (taken != null) {
                throw file.error("id %d is given twice, to \"%s\" and to \"%s\"".formatted(id, taken, entry.getKey()));
            }
            vocabulary.put(entry.getKey(), id);
        }
        return vocabulary;
    }

    Vocabulary copy() {
        var copy = new Vocabulary(size);
        for (int id = 0; id < size; id++) {
            if (tokens[id] != null) {
                copy.put(tokens[id], id);
            }
        }
        return copy;
    }

    /// The flat object that [#fromJson] reads, in the order of the ids.
    ObjectNode toJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        for (int id = 0; id < size; id++) {
            if (tokens[id] != null) {
                json.put(tokens[id], id);
            }
        }
        return json;
    }

    void put(String token, int id) {
        if (id >= tokens.length) {
            tokens = Arrays.copyOf(tokens, Math.max(id + 1, tokens.length + (tokens.length >> 1)));
        }
        tokens[id] = token;
        ids.put(token, id);
        size = Math.max(size, id + 1);
    }

    /// Appends under the next id, or finds the token where it already is.
    int add(String token) {
        Integer known = ids.get(token);
        if (known != null) {
            return known;
        }
        put(token, size);
        return size - 1;
    }

    /// Highest id + 1.
    int size() {
        return size;
    }

    /// The id of a token, or -1.
    int idOrNone(String token) {
        Integer id = ids.get(token);
        return id == null ? -1 : id;
    }

    OptionalInt id(String token) {
        Integer id = ids.get(token);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    @Nullable
    String token(int id) {
        return id < size ? tokens[id] : null;
    }
}
