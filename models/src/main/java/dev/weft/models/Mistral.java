package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.nn.attention.AttentionMask;
import dev.weft.nn.attention.Reach;

/// Mistral: Llama whose layers may look back only so far. Jiang et al. 2023, <https://arxiv.org/abs/2310.06825>.
record Mistral(Llama.Config config, LayerTypes layers) implements LlamaParts {
    static final String MODEL_TYPE = "mistral";

    static Mistral fromJson(Json json) {
        Json full = json.withDefaults(Json.object().put("num_key_value_heads", 8).put("sliding_window", 4096));
        return new Mistral(Llama.Config.fromJson(full), LayerTypes.read(full, layer -> true));
    }

    @Override
    public Reach reach(int layer) {
        return reach(config, layers, layer);
    }

    static Reach reach(Llama.Config config, LayerTypes layers, int layer) {
        Reach causal = Reach.causal().with(config.rotary());
        return layers.limits(layer) ? causal.with(AttentionMask.window(layers.window())) : causal;
    }
}
