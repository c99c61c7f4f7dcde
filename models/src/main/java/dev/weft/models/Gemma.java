package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.nn.Norm;
import dev.weft.nn.RmsNorm;
import dev.weft.nn.Weights;
import tools.jackson.databind.node.ObjectNode;

/// Gemma: Llama with a GELU in its gates, embeddings multiplied by √hidden, and norm weights stored less 1.
/// Gemma Team 2024, <https://arxiv.org/abs/2403.08295>.
record Gemma(Llama.Config config) implements LlamaParts {
    static final String MODEL_TYPE = "gemma";

    static Gemma fromJson(Json json) {
        return new Gemma(Llama.Config.fromJson(json.withDefaults(defaults())));
    }

    /// What the three generations share.
    static ObjectNode defaults() {
        return Json.object().put("head_dim", 256).put("hidden_act", "gelu_pytorch_tanh")
                .put("max_position_embeddings", 8192);
    }

    @Override
    public double embeddingScale() {
        return Math.sqrt(config.hiddenSize());
    }

    @Override
    public Norm norm(Weights weights, int width) {
        return RmsNorm.loadAroundOne(weights, width, config.normEps());
    }
}
