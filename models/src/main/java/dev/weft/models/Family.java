package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.HeadStyle;
import dev.weft.nn.Weights;
import java.util.EnumMap;
import java.util.Map;

/// How a family of checkpoints is built and what its classes are called in the Python library.
///
/// @param className first part of their names: `Bert`
/// @param prefix    under which the backbone's weights lie below a head
/// @param heads     what can stand on it
/// @param prefixes  for kinds of heads below which it is another
/// @param special   endings of class names that are not the usual ones
record Family(String className, String prefix, Builder builder, HeadStyle heads, Map<HeadKind, String> prefixes,
        Map<HeadKind, String> special) {
    /// Builds the backbone.
    interface Builder {
        /// @param weights the backbone's
        /// @param kind    what will stand on it
        Backbone build(Json config, Weights weights, HeadKind kind);
    }

    Family(String className, String prefix, Builder builder, HeadStyle heads) {
        this(className, prefix, builder, heads, Map.of(), Map.of());
    }

    /// With another ending of the class name for a kind of head.
    Family with(HeadKind kind, String ending) {
        return new Family(className, prefix, builder, heads, prefixes, plus(special, kind, ending));
    }

    /// With another place of the backbone's weights below a kind of head.
    Family withPrefix(HeadKind kind, String other) {
        return new Family(className, prefix, builder, heads, plus(prefixes, kind, other), special);
    }

    private static Map<HeadKind, String> plus(Map<HeadKind, String> map, HeadKind kind, String value) {
        var all = new EnumMap<HeadKind, String>(HeadKind.class);
        all.putAll(map);
        all.put(kind, value);
        return all;
    }

    /// Under which name the backbone's weights lie below a head: empty for the base model.
    String prefix(HeadKind kind) {
        return kind == HeadKind.BASE || kind == HeadKind.ENCODER ? "" : prefixes.getOrDefault(kind, prefix);
    }

    /// The class that the Python library opens this head with.
    String architecture(HeadKind kind) {
        return className + special.getOrDefault(kind, kind.ending());
    }
}
