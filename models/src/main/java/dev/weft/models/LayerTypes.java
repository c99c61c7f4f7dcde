package dev.weft.models;

import dev.weft.checkpoint.Json;
import java.util.List;
import java.util.function.IntPredicate;

/// Which layers of a decoder look back only so far.
///
/// @param window how many keys such a layer sees, the query's own among them; 0: no layer is limited
/// @param local  which layers they are
record LayerTypes(int window, IntPredicate local) {
    /// As `layer_types` says, or where it is missing, as the family had it before.
    static LayerTypes read(Json config, IntPredicate before) {
        List<String> types = config.has("layer_types") ? config.texts("layer_types") : List.of();
        return new LayerTypes(config.integer("sliding_window", 0),
                types.isEmpty() ? before : layer -> types.get(layer).equals("sliding_attention"));
    }

    boolean limits(int layer) {
        return window > 0 && local.test(layer);
    }
}
