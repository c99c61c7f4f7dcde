package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.nn.AttentionMask;
import dev.weft.nn.attention.AttentionPattern;
import dev.weft.nn.position.Rotary;
import java.util.List;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Which layers of a decoder look back only so far.
///
/// @param window how many keys such a layer sees, the query's own among them; 0: no layer is limited
/// @param local  which layers they are
public record LayerTypes(int window, IntPredicate local) {
    /// No layer is limited.
    public static LayerTypes full() {
        return new LayerTypes(0, layer -> false);
    }

    /// All layers are.
    public static LayerTypes all(int window) {
        return new LayerTypes(window, layer -> true);
    }

    /// All but each `every`th.
    public static LayerTypes butEach(int every, int window) {
        return new LayerTypes(window, layer -> (layer + 1) % every != 0);
    }

    /// As `layer_types` and `sliding_window` say, or where one is missing, as the family has it; a window that is null is none.
    static LayerTypes read(Json config, LayerTypes usual) {
        List<String> types = config.has("layer_types") ? config.texts("layer_types") : List.of();
        int window = config.node().path("sliding_window").isNull()
                ? 0
                : config.integer("sliding_window", usual.window());
        return new LayerTypes(window,
                types.isEmpty() ? usual.local() : layer -> types.get(layer).equals("sliding_attention"));
    }

    /// The same, where windows are used at all (`use_sliding_window`): in the layers from a number on, or in all.
    ///
    /// @param firstName what the config calls the first of them; empty: it is layer 0
    static LayerTypes from(Json config, String firstName, int first, int window) {
        LayerTypes types = read(config, new LayerTypes(window,
                layer -> firstName.isEmpty() || layer >= config.integer(firstName, first)));
        return config.flag("use_sliding_window", false) ? types : full();
    }

    boolean limits(int layer) {
        return window > 0 && local.test(layer);
    }

    /// What a layer of a decoder reaches.
    ///
    /// @param rotary null: this layer knows no positions
    AttentionPattern pattern(int layer, @Nullable Rotary rotary) {
        AttentionPattern causal = AttentionPattern.causal().with(rotary);
        return limits(layer) ? causal.with(AttentionMask.window(window)) : causal;
    }

    void write(ObjectNode config, int layers) {
        if (window > 0) {
            config.put("sliding_window", window);
            ArrayNode types = config.putArray("layer_types");
            for (int layer = 0; layer < layers; layer++) {
                types.add(local.test(layer) ? "sliding_attention" : "full_attention");
            }
        } else {
            config.putNull("sliding_window");
        }
    }
}
