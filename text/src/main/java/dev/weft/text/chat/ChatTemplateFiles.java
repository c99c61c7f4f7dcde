package dev.weft.text.chat;

import dev.weft.jinja.Template;
import dev.weft.jinja.TemplateLimits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/// The chat templates in a model's folder, in the order in which the Python library looks for them.
final class ChatTemplateFiles {
    private static final String TEMPLATE = "chat_template";
    private static final String CONFIG = "tokenizer_config.json";

    private ChatTemplateFiles() {}

    static ChatTemplate load(Path folder) {
        return find(folder).orElseThrow(() -> new IllegalArgumentException(
                ("%s: no chat template here; expected chat_template.jinja, or "
                        + "\"chat_template\" in tokenizer_config.json").formatted(folder)));
    }

    static Optional<ChatTemplate> find(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new IllegalArgumentException("%s: there is no such folder".formatted(folder));
        }
        JsonNode config = json(folder.resolve(CONFIG));
        Map<String, Template> templates = files(folder);
        if (templates.isEmpty()) {
            templates = named(folder.resolve(CONFIG), config.path(TEMPLATE));
        }
        if (templates.isEmpty()) {
            Path legacy = folder.resolve("chat_template.json");
            templates = named(legacy, json(legacy).path(TEMPLATE));
        }
        if (templates.isEmpty()) {
            return Optional.empty();
        }
        var tokens = new LinkedHashMap<String, String>();
        addTokens(json(folder.resolve("special_tokens_map.json")), tokens);
        addTokens(config, tokens);
        return Optional.of(
                new ChatTemplate(templates, tokens, TemplateLimits.USUAL, Clock.systemDefaultZone(), null));
    }

    static void save(Path folder, Map<String, Template> templates) {
        try {
            for (Map.Entry<String, Template> each : templates.entrySet()) {
                Path file = each.getKey().equals("default")
                        ? folder.resolve("chat_template.jinja")
                        : folder.resolve("additional_chat_templates").resolve(each.getKey() + ".jinja");
                Files.createDirectories(file.getParent());
                Files.writeString(file, each.getValue().source());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("%s: the chat template cannot be written: %s".formatted(folder,
                    e.getMessage()), e);
        }
    }

    private static Map<String, Template> files(Path folder) {
        var templates = new LinkedHashMap<String, Template>();
        Path only = folder.resolve("chat_template.jinja");
        if (Files.exists(only)) {
            templates.put("default", Template.of(only.toString(), text(only)));
        }
        Path more = folder.resolve("additional_chat_templates");
        if (Files.isDirectory(more)) {
            try (var files = Files.list(more)) {
                files.filter(file -> file.getFileName().toString().endsWith(".jinja")).sorted()
                        .forEach(file -> templates.put(file.getFileName().toString().replaceAll("\\.jinja$", ""),
                                Template.of(file.toString(), text(file))));
            } catch (IOException e) {
                throw new UncheckedIOException("%s: cannot be read: %s".formatted(more, e.getMessage()), e);
            }
        }
        return templates;
    }

    /// A template, or a list of templates with names.
    private static Map<String, Template> named(Path file, JsonNode given) {
        var templates = new LinkedHashMap<String, Template>();
        if (given.isString()) {
            templates.put("default", Template.of("chat_template of " + file, given.stringValue()));
        } else if (given.isArray()) {
            for (JsonNode one : given) {
                if (!one.path("name").isString() || !one.path("template").isString()) {
                    throw new IllegalArgumentException(
                            "%s: each entry of \"chat_template\" needs a name and a template, both strings"
                                    .formatted(file));
                }
                String name = one.get("name").stringValue();
                templates.put(name, Template.of("chat_template \"%s\" of %s".formatted(name, file),
                        one.get("template").stringValue()));
            }
        } else if (!given.isMissingNode() && !given.isNull()) {
            throw new IllegalArgumentException("%s: \"chat_template\" must be a string or a list, found %s"
                    .formatted(file, given.getNodeType()));
        }
        return templates;
    }

    /// `bos_token` and its like: a string each, or an object with the string as content.
    private static void addTokens(JsonNode config, Map<String, String> tokens) {
        config.properties().forEach(entry -> {
            JsonNode token = entry.getValue().isObject() ? entry.getValue().path("content") : entry.getValue();
            if (entry.getKey().endsWith("_token") && token.isString()) {
                tokens.put(entry.getKey(), token.stringValue());
            }
        });
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("%s: is not UTF-8".formatted(file), e);
        } catch (IOException e) {
            throw new UncheckedIOException("%s: cannot be read: %s".formatted(file, e.getMessage()), e);
        }
    }

    private static JsonNode json(Path file) {
        if (!Files.exists(file)) {
            return JsonNodeFactory.instance.objectNode();
        }
        JsonNode tree = Conversation.tree(text(file), file.toString());
        if (!tree.isObject()) {
            throw new IllegalArgumentException("%s: expected a JSON object, found %s".formatted(file,
                    tree.getNodeType()));
        }
        return tree;
    }
}
