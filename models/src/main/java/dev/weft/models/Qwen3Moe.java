package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.nn.Experts;
import dev.weft.nn.FeedForward;
import dev.weft.nn.Linear;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.Norms;
import dev.weft.nn.attention.Reach;
import java.util.List;
import java.util.stream.IntStream;

/// Qwen3-MoE: Qwen3 with experts in place of the feed-forward part of most layers. Yang et al. 2025,
/// <https://arxiv.org/abs/2505.09388>.
///
/// @param plainLayers those that have no experts
record Qwen3Moe(Llama.Config config, LayerTypes layers, int experts, int perToken, int expertSize,
        boolean renormalise, int sparseStep, List<Integer> plainLayers) implements LlamaParts {
    static final String MODEL_TYPE = "qwen3_moe";

    static Qwen3Moe fromJson(Json json) {
        // Where windows are used, all layers have them.
        Json full = json.withDefaults(Json.object().put("sliding_window", 4096));
        LayerTypes layers = full.flag("use_sliding_window", false)
                ? LayerTypes.read(full, layer -> true)
                : new LayerTypes(0, layer -> false);
        return new Qwen3Moe(Llama.Config.fromJson(full), layers, full.positive(full.first("num_experts",
                "num_local_experts"), 128), full.positive("num_experts_per_tok", 8),
                full.positive("moe_intermediate_size", 768), full.flag("norm_topk_prob", false),
                full.positive("decoder_sparse_step", 1),
                full.has("mlp_only_layers") ? full.integers("mlp_only_layers") : List.of());
    }

    @Override
    public Reach reach(int layer) {
        return Mistral.reach(config, layers, layer);
    }

    @Override
    public Norms norms(Heads heads, Weights weights) {
        return Qwen3.norms(this, heads, weights);
    }

    @Override
    public FeedForward feedForward(int layer, Weights weights) {
        if (plainLayers.contains(layer) || (layer + 1) % sparseStep != 0) {
            return LlamaParts.super.feedForward(layer, weights);
        }
        Weights mlp = weights.at("mlp");
        return new Experts(Linear.load(mlp.at("gate"), config.hiddenSize(), experts, false, config.init()),
                IntStream.range(0, experts)
                        .mapToObj(expert -> gated(mlp.at("experts").at(expert), expertSize, config.activation()))
                        .toList(),
                perToken, renormalise);
    }
}
