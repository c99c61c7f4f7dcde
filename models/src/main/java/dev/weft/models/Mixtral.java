package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.nn.Experts;
import dev.weft.nn.FeedForward;
import dev.weft.nn.Linear;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.Reach;
import java.util.stream.IntStream;

/// Mixtral: Mistral with experts in place of each feed-forward part. Jiang et al. 2024,
/// <https://arxiv.org/abs/2401.04088>.
record Mixtral(Llama.Config config, LayerTypes layers, int experts, int perToken) implements LlamaParts {
    static final String MODEL_TYPE = "mixtral";

    static Mixtral fromJson(Json json) {
        Json full = json.withDefaults(Json.object().put("num_key_value_heads", 8).put("rope_theta", 1e6));
        return new Mixtral(Llama.Config.fromJson(full), LayerTypes.read(full, layer -> true),
                full.positive("num_local_experts", 8), full.positive("num_experts_per_tok", 2));
    }

    @Override
    public Reach reach(int layer) {
        return Mistral.reach(config, layers, layer);
    }

    @Override
    public FeedForward feedForward(int layer, Weights weights) {
        Weights moe = weights.at("block_sparse_moe");
        return new Experts(Linear.load(moe.at("gate"), config.hiddenSize(), experts, false, config.init()),
                IntStream.range(0, experts).mapToObj(each -> expert(moe.at("experts").at(each))).toList(), perToken,
                true);
    }

    private FeedForward expert(Weights weights) {
        int hidden = config.hiddenSize();
        int inner = config.intermediateSize();
        return new FeedForward.Gated(Linear.load(weights.at("w1"), hidden, inner, false, config.init()),
                Linear.load(weights.at("w3"), hidden, inner, false, config.init()), config.activation(),
                Linear.load(weights.at("w2"), inner, hidden, false, config.init()));
    }
}
