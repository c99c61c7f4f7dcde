package dev.weft.text;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// What the files beside a vocabulary say about it: `tokenizer_config.json`, and where that does not list its tokens the
/// older `special_tokens_map.json`, whose word then counts, and `added_tokens.json`; for the family `config.json`.
///
/// @param listed the tokens that are listed with their ids, by id
record FolderSettings(Path folder, ObjectNode config, List<AddedToken> listed) {
    static final String LISTED = "added_tokens_decoder";
    private static final ObjectNode NOTHING = JsonNodeFactory.instance.objectNode();

    static FolderSettings beside(Path file) {
        Path folder = file.toAbsolutePath().getParent();
        var config = new JsonPart(folder.resolve("tokenizer_config.json"), "",
                read(folder.resolve("tokenizer_config.json")).deepCopy());
        var listed = new ArrayList<AddedToken>();
        JsonPart described = config.optional(LISTED);
        if (described != null) {
            for (String id : described.node().propertyNames()) {
                listed.add(AddedToken.described(described.at(id), id(id, described)));
            }
        } else {
            read(folder.resolve("special_tokens_map.json")).properties()
                    .forEach(role -> ((ObjectNode) config.node()).set(role.getKey(), role.getValue()));
            var names = new JsonPart(folder.resolve("added_tokens.json"), "",
                    read(folder.resolve("added_tokens.json")));
            for (String content : names.node().propertyNames()) {
                listed.add(AddedToken.special(names.at(content).id(), content));
            }
        }
        listed.sort(Comparator.comparingInt(AddedToken::id));
        return new FolderSettings(folder, (ObjectNode) config.node(), listed);
    }

    private static int id(String key, JsonPart where) {
        if (!key.matches("\\d{1,7}") || Integer.parseInt(key) >= Vocabulary.MAX_SIZE) {
            throw where.error("expected an id from 0 to %d as name, found \"%s\"".formatted(Vocabulary.MAX_SIZE - 1,
                    key));
        }
        return Integer.parseInt(key);
    }

    private static ObjectNode read(Path file) {
        return Files.exists(file) ? (ObjectNode) JsonPart.read(file).node() : NOTHING;
    }

    /// The family: the name of the Python class without `Tokenizer` and `Fast`, as `XLMRoberta`, else what the model's
    /// `config.json` calls itself, as `xlm-roberta`; both in small letters and digits alone. Empty if neither is said.
    String family() {
        String name = config.path("tokenizer_class").stringValue("").replaceAll("(Tokenizer)?(Fast)?$", "");
        if (name.isEmpty() || name.equals("PreTrained") || name.equals("Auto")) {
            name = read(folder.resolve("config.json")).path("model_type").stringValue("");
        }
        return name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "");
    }

    boolean flag(String name, boolean otherwise) {
        return config.path(name).booleanValue(otherwise);
    }

    int number(String name, int otherwise) {
        return config.path(name).intValue(otherwise);
    }

    /// A string, or an object with its `content`.
    @Nullable
    String text(String name) {
        JsonNode node = config.path(name);
        return (node.isObject() ? node.path("content") : node).stringValue(null);
    }

    String text(String name, String otherwise) {
        String found = text(name);
        return found == null ? otherwise : found;
    }

    /// The special tokens without a role of their own.
    List<String> additional() {
        var tokens = new ArrayList<String>();
        for (String name : List.of("additional_special_tokens", "extra_special_tokens")) {
            for (JsonNode token : config.path(name)) {
                String text = (token.isObject() ? token.path("content") : token).stringValue(null);
                if (text != null && !tokens.contains(text)) {
                    tokens.add(text);
                }
            }
        }
        return tokens;
    }

    /// What a tokenizer has to find in a text before all else: `family`'s tokens, with what the files say of them, and
    /// those of the files. Tokens that the vocabulary lacks are put behind it.
    List<AddedToken> added(Vocabulary vocabulary, List<AddedToken> family) {
        var added = new LinkedHashMap<String, AddedToken>();
        for (AddedToken token : listed) {
            join(vocabulary, token);
            added.put(token.content(), token);
        }
        for (AddedToken token : family) {
            added.computeIfAbsent(token.content(), content -> token.withId(vocabulary.add(content)));
        }
        for (String content : additional()) {
            added.computeIfAbsent(content, c -> AddedToken.special(vocabulary.add(c), c));
        }
        return List.copyOf(added.values());
    }

    private void join(Vocabulary vocabulary, AddedToken token) {
        String owner = vocabulary.token(token.id());
        int id = vocabulary.idOrNone(token.content());
        if (owner != null && !owner.equals(token.content()) || id >= 0 && id != token.id()) {
            throw new IllegalArgumentException(
                    "%s: the added token \"%s\" has id %d, but in the vocabulary %s; do these files belong together?"
                            .formatted(folder, token.content(), token.id(),
                                    id >= 0 ? "it has id " + id : "that is \"%s\"".formatted(owner)));
        }
        vocabulary.put(token.content(), token.id());
    }

    /// Roles and their tokens: those of the files, else the family's.
    Map<String, String> roles(Map<String, String> family, List<AddedToken> added) {
        var roles = new LinkedHashMap<>(SpecialTokens.roles(config, family.isEmpty() ? added : List.of()));
        family.forEach(roles::putIfAbsent);
        return roles;
    }
}
