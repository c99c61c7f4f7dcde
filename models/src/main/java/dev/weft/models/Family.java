package dev.weft.models;

import dev.weft.models.backbone.Backbone;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.HeadLayout;
import dev.weft.nn.Weights;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/// All that a family of checkpoints says of itself: how it is built, what can stand on it, and what its classes, its settings
/// and its weights are called. Each family has its own in its own file; [Families] lists them.
///
/// @param modelTypes what its configs call it; the first is written
/// @param className  first part of the names of its classes in the Python library: `Bert`
/// @param prefix     under which the backbone's weights lie below a head
/// @param builder    of the backbone
/// @param heads      what can stand on it
/// @param prefixes   for kinds of heads below which it is another
/// @param special    endings of class names that are not the usual ones
/// @param sizeNames  what its config calls sizes that most configs have, where it has other names; two, with a comma between,
///                   where both halves of a model have it
/// @param dropouts   the shares that its config says of what training drops
/// @param firstPosition positions of a learned table that come before a text's first
record Family(List<String> modelTypes, String className, String prefix, Builder builder, HeadLayout heads,
        Map<HeadKind, String> prefixes, Map<HeadKind, String> special, Map<String, String> sizeNames,
        List<String> dropouts, int firstPosition) {
    /// Builds the backbone.
    interface Builder {
        /// @param weights the backbone's
        /// @param kind    what will stand on it
        Backbone build(Json config, Weights weights, HeadKind kind);
    }

    /// A family whose backbone is the same below every head.
    static <C> Family of(String className, HeadLayout heads, Function<Json, C> config, Wiring<C> wiring,
            String... modelTypes) {
        return of(className, heads, (json, weights, kind) -> wiring.build(config.apply(json), weights), modelTypes);
    }

    /// How a typed config and weights become a backbone.
    ///
    /// @param <C> the family's config
    interface Wiring<C> {
        Backbone build(C config, Weights weights);
    }

    static Family of(String className, HeadLayout heads, Builder builder, String... modelTypes) {
        return new Family(List.of(modelTypes), className, "", builder, heads, Map.of(), Map.of(), Map.of(), List.of(),
                0);
    }

    /// With the place of the backbone's weights below a head.
    Family below(String name) {
        return new Family(modelTypes, className, name, builder, heads, prefixes, special, sizeNames, dropouts,
                firstPosition);
    }

    /// With another place of the backbone's weights below a kind of head.
    Family below(HeadKind kind, String other) {
        return new Family(modelTypes, className, prefix, builder, heads, plus(prefixes, kind, other), special,
                sizeNames,
                dropouts, firstPosition);
    }

    /// With another ending of the class name for a kind of head.
    Family named(HeadKind kind, String ending) {
        return new Family(modelTypes, className, prefix, builder, heads, prefixes, plus(special, kind, ending),
                sizeNames,
                dropouts, firstPosition);
    }

    Family withSizeNames(Map<String, String> names) {
        return new Family(modelTypes, className, prefix, builder, heads, prefixes, special, names, dropouts,
                firstPosition);
    }

    Family withDropouts(String... names) {
        return new Family(modelTypes, className, prefix, builder, heads, prefixes, special, sizeNames, List.of(names),
                firstPosition);
    }

    Family withFirstPosition(int first) {
        return new Family(modelTypes, className, prefix, builder, heads, prefixes, special, sizeNames, dropouts, first);
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
