package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.nn.FeedForward;
import dev.weft.nn.Linear;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.Inputs;
import dev.weft.nn.attention.Reach;
import dev.weft.nn.position.RopeScaling;

/// Phi-3: Llama with its projections packed together and, in the long variants, LongRoPE. Abdin et al. 2024,
/// <https://arxiv.org/abs/2404.14219>.
record Phi3(Llama.Config config, LayerTypes layers) implements LlamaParts {
    static final String MODEL_TYPE = "phi3";

    static Phi3 fromJson(Json json) {
        Json full = json.withDefaults(Json.object().put("original_max_position_embeddings", 4096)
                .put("max_position_embeddings", 4096).put("rms_norm_eps", 1e-5));
        return new Phi3(Llama.Config.fromJson(full), LayerTypes.read(full, layer -> true));
    }

    @Override
    public Reach reach(int layer) {
        return Mistral.reach(config, layers, layer);
    }

    @Override
    public long recomputesBeyond() {
        return config.rotary().scaling() instanceof RopeScaling.LongRope longRope
                ? longRope.context()
                : Long.MAX_VALUE;
    }

    @Override
    public Inputs inputs(Heads heads, Weights weights) {
        return new Inputs.Packed(Linear.load(weights.at("qkv_proj"), config.hiddenSize(),
                heads.queryWidth() + 2 * heads.keyWidth(), false, config.init()));
    }

    @Override
    public FeedForward feedForward(int layer, Weights weights) {
        Weights mlp = weights.at("mlp");
        int inner = config.intermediateSize();
        return new FeedForward.GatedPacked(
                Linear.load(mlp.at("gate_up_proj"), config.hiddenSize(), 2 * inner, false, config.init()),
                config.activation(),
                Linear.load(mlp.at("down_proj"), inner, config.hiddenSize(), false, config.init()), 0);
    }
}
