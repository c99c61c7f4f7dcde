package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.nn.Block;
import dev.weft.nn.Norm;
import dev.weft.nn.Residual;
import dev.weft.nn.RmsNorm;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.Attention;
import dev.weft.nn.attention.Reach;

/// Gemma 2: Gemma with a norm before and after each part, every second layer local, and capped scores.
/// Gemma Team 2024, <https://arxiv.org/abs/2408.00118>.
///
/// @param queryScalar scores are divided by its root, in place of the head's width
/// @param softcap     of the scores; 0: none
record Gemma2(Llama.Config config, LayerTypes layers, double queryScalar, double softcap) implements LlamaParts {
    static final String MODEL_TYPE = "gemma2";

    static Gemma2 fromJson(Json json) {
        Json full = json.withDefaults(Gemma.defaults().put("num_key_value_heads", 4).put("sliding_window", 4096)
                .put("attn_logit_softcapping", 50.0));
        return new Gemma2(Llama.Config.fromJson(full), LayerTypes.read(full, layer -> layer % 2 == 0),
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
        return Mistral.reach(config, layers, layer);
    }

    @Override
    public Attention formula(int layer) {
        return LlamaParts.super.formula(layer).withScale(1 / Math.sqrt(queryScalar)).withSoftcap(softcap);
    }

    @Override
    public Block block(int layer, Weights weights) {
        return sandwich(this, layer, weights);
    }

    static Block sandwich(LlamaParts parts, int layer, Weights weights) {
        int hidden = parts.config().hiddenSize();
        return new Block.Sequential(
                Residual.sandwich(parts.norm(weights.at("input_layernorm"), hidden),
                        parts.norm(weights.at("post_attention_layernorm"), hidden), 0),
                parts.attention(layer, weights.at("self_attn")), null,
                Residual.sandwich(parts.norm(weights.at("pre_feedforward_layernorm"), hidden),
                        parts.norm(weights.at("post_feedforward_layernorm"), hidden), 0),
                parts.feedForward(layer, weights));
    }
}
