package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.nn.Block;
import dev.weft.nn.Norm;
import dev.weft.nn.Residual;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.Norms;

/// OLMo 2: Llama with norms after each part instead of before, and on all queries and all keys. OLMo Team 2025,
/// <https://arxiv.org/abs/2501.00656>.
record Olmo2(Llama.Config config) implements LlamaParts {
    static final String MODEL_TYPE = "olmo2";

    static Olmo2 fromJson(Json json) {
        return new Olmo2(Llama.Config.fromJson(json.withDefaults(Json.object().put("rms_norm_eps", 1e-5))));
    }

    @Override
    public Norms norms(Heads heads, Weights weights) {
        return new Norms.Whole(norm(weights.at("q_norm"), heads.queryWidth()),
                norm(weights.at("k_norm"), heads.keyWidth()));
    }

    @Override
    public Block block(int layer, Weights weights) {
        int hidden = config.hiddenSize();
        return new Block.Sequential(
                Residual.sandwich(Norm.NONE, norm(weights.at("post_attention_layernorm"), hidden), 0),
                attention(layer, weights.at("self_attn")), null,
                Residual.sandwich(Norm.NONE, norm(weights.at("post_feedforward_layernorm"), hidden), 0),
                feedForward(layer, weights));
    }
}
