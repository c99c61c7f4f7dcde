package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.nn.attention.Reach;

/// Qwen2: Llama with biases on queries, keys and values, and upper layers that may look back only so far.
/// Yang et al. 2024, <https://arxiv.org/abs/2407.10671>.
record Qwen2(Llama.Config config, LayerTypes layers) implements LlamaParts {
    static final String MODEL_TYPE = "qwen2";

    static Qwen2 fromJson(Json json) {
        return new Qwen2(Llama.Config.fromJson(json), layers(json));
    }

    /// The layers from `max_window_layers` on, where windows are used at all.
    static LayerTypes layers(Json json) {
        Json full = json.withDefaults(Json.object().put("sliding_window", 4096));
        LayerTypes types = LayerTypes.read(full, layer -> layer >= full.integer("max_window_layers", 28));
        return full.flag("use_sliding_window", false) ? types : new LayerTypes(0, layer -> false);
    }

    @Override
    public Reach reach(int layer) {
        return Mistral.reach(config, layers, layer);
    }

    @Override
    public boolean inputBias() {
        return true;
    }
}
