package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.Norms;
import dev.weft.nn.attention.Reach;

/// Qwen3: Llama with a norm on each query and key head. Yang et al. 2025, <https://arxiv.org/abs/2505.09388>.
record Qwen3(Llama.Config config, LayerTypes layers) implements LlamaParts {
    static final String MODEL_TYPE = "qwen3";

    static Qwen3 fromJson(Json json) {
        return new Qwen3(config(json), Qwen2.layers(json));
    }

    static Llama.Config config(Json json) {
        return Llama.Config.fromJson(json.withDefaults(Json.object().put("head_dim", 128)));
    }

    @Override
    public Reach reach(int layer) {
        return Mistral.reach(config, layers, layer);
    }

    @Override
    public Norms norms(Heads heads, Weights weights) {
        return norms(this, heads, weights);
    }

    static Norms norms(LlamaParts parts, Heads heads, Weights weights) {
        return new Norms.PerHead(parts.norm(weights.at("q_norm"), heads.headDim()),
                parts.norm(weights.at("k_norm"), heads.headDim()));
    }
}
