package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.nn.Block;
import dev.weft.nn.Norm;
import dev.weft.nn.RmsNorm;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.Attention;
import dev.weft.nn.attention.AttentionMask;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.Norms;
import dev.weft.nn.attention.Reach;
import dev.weft.nn.position.Rotary;

/// Gemma 3's text model: Gemma 2 with norms on queries and keys in place of capped scores, and five local layers, whose
/// rotary positions have a base of their own, to each global one. Gemma Team 2025, <https://arxiv.org/abs/2503.19786>.
///
/// @param nearby rotary positions of the local layers
record Gemma3(Llama.Config config, LayerTypes layers, Rotary global, Rotary nearby, double queryScalar,
        double softcap) implements LlamaParts {
    static final String MODEL_TYPE = "gemma3_text";

    static Gemma3 fromJson(Json json) {
        Json full = json.withDefaults(Gemma.defaults().put("num_key_value_heads", 4).put("sliding_window", 4096)
                .put("max_position_embeddings", 131_072));
        Llama.Config config = Llama.Config.fromJson(full);
        int pattern = full.positive("sliding_window_pattern", 6);
        Rotary nearby = RopeConfig.read(full, "sliding_attention", config.headDim(), 1, "rope_local_base_freq",
                10_000);
        return new Gemma3(config, LayerTypes.read(full, layer -> (layer + 1) % pattern != 0),
                RopeConfig.read(full, "full_attention", config.headDim(), 1, "rope_theta", 1e6),
                // The old form's one rope_scaling is that of the global layers.
                full.has("rope_parameters") ? nearby : RopeConfig.unscaled(nearby),
                full.number("query_pre_attn_scalar", 256), full.number("attn_logit_softcapping", 0));
    }

    @Override
    public double embeddingScale() {
        return Math.sqrt(config.hiddenSize());
    }

    @Override
    public Norm norm(Weights weights, int width) {
        return RmsNorm.loadAroundOne(weights, width, config.normEps());
    }

    @Override
    public Reach reach(int layer) {
        return layers.limits(layer)
                ? Reach.causal().with(nearby).with(AttentionMask.window(layers.window()))
                : Reach.causal().with(global);
    }

    @Override
    public Norms norms(Heads heads, Weights weights) {
        return Qwen3.norms(this, heads, weights);
    }

    @Override
    public Attention formula(int layer) {
        return LlamaParts.super.formula(layer).withScale(1 / Math.sqrt(queryScalar)).withSoftcap(softcap);
    }

    @Override
    public Block block(int layer, Weights weights) {
        return Gemma2.sandwich(this, layer, weights);
    }
}
