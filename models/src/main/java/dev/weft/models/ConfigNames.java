package dev.weft.models;

import dev.weft.models.backbone.Sizes;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Sizes and dropout of a config by the names that its family has for them: see [Family].
public final class ConfigNames {
    private ConfigNames() {}

    /// The config with sizes under the names that its family has for them.
    ///
    /// @param config with its `model_type`; sizes may have the usual names (`hidden_size`, …)
    public static ObjectNode own(ObjectNode config) {
        ObjectNode own = Json.object();
        config.properties().forEach(entry -> names(config, entry.getKey())
                .forEach(name -> own.set(name, entry.getValue())));
        return own;
    }

    /// Whether a config has a size, under its usual name or its family's.
    public static boolean says(ObjectNode config, String usual) {
        return config.has(usual) || names(config, usual).stream().anyMatch(config::has);
    }

    /// What the family of a config calls a size; two names where both halves of a model have it.
    static List<String> names(ObjectNode config, String usual) {
        return List.of(family(config).sizeNames().getOrDefault(usual, usual).split(","));
    }

    private static Family family(ObjectNode config) {
        return Families.of(config.path("model_type").asString());
    }

    /// The config that a head asks for: its labels, and what it drops.
    static ObjectNode with(HeadSpec head, ObjectNode config) {
        ObjectNode own = head.labelled(config);
        return head.dropout().isPresent() ? withDropout(own, head.dropout().getAsDouble()) : own;
    }

    /// The config with this share of activations dropped wherever the family drops some.
    ///
    /// @throws IllegalArgumentException if the family's config says nothing of that
    public static ObjectNode withDropout(ObjectNode config, double share) {
        List<String> names = family(config).dropouts();
        if (names.isEmpty()) {
            throw new IllegalArgumentException("config.json of the model_type %s says nothing of dropout; leave it out"
                    .formatted(config.path("model_type").asString()));
        }
        ObjectNode dropping = config.deepCopy();
        names.forEach(name -> dropping.put(name, share));
        return dropping;
    }

    /// The size of a table of learned positions that has room for so many tokens: positions of RoBERTa's kin begin behind the
    /// padding's.
    public static int positions(ObjectNode config, int tokens) {
        return tokens + family(config).firstPosition();
    }

    /// How many blocks a model of this config has; of each half, where it has two.
    ///
    /// @throws IllegalArgumentException if the config does not say
    public static int layers(ObjectNode config) {
        JsonNode layers = config.path(names(config, "num_hidden_layers").getFirst());
        if (!layers.isInt()) {
            throw new IllegalArgumentException("config.json does not say how many layers the model has");
        }
        return layers.asInt();
    }

    /// How wide a model of this config is.
    ///
    /// @throws IllegalArgumentException if the config does not say
    public static int width(ObjectNode config) {
        JsonNode width = config.path(names(config, "hidden_size").getFirst());
        if (!width.isInt()) {
            throw new IllegalArgumentException("config.json does not say how wide the model is");
        }
        return width.asInt();
    }

    /// The config of a model that keeps some of its blocks; lists with an entry for each block keep theirs.
    static ObjectNode withLayers(ObjectNode config, List<Integer> kept) {
        ObjectNode cut = config.deepCopy();
        int layers = layers(config);
        names(config, "num_hidden_layers").forEach(name -> cut.put(name, kept.size()));
        var lists = new ArrayList<String>();
        config.properties().forEach(entry -> {
            if (entry.getValue().isArray() && entry.getValue().size() == layers
                    && !entry.getKey().equals("architectures")) {
                lists.add(entry.getKey());
            }
        });
        for (String name : lists) {
            ArrayNode some = cut.putArray(name);
            kept.forEach(layer -> some.add(config.get(name).get(layer)));
        }
        return cut;
    }
}
