package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.nn.Weights;

/// Blenderbot: BART with norms before each part and none on embeddings. Roller et al. 2020,
/// <https://arxiv.org/abs/2004.13637>.
record Blenderbot(Bart.Config config) implements Bart.Parts {
    static final Family FAMILY = Bart.family("Blenderbot", "model", Blenderbot::fromJson, "blenderbot");

    static Blenderbot fromJson(Json json) {
        return new Blenderbot(Bart.Config.fromJson(
                json.withDefaults(Json.object().put("pad_token_id", 0).put("decoder_start_token_id", 1)
                        .put("encoder_layers", 2).put("decoder_layers", 24).put("encoder_attention_heads", 32)
                        .put("decoder_attention_heads", 32).put("encoder_ffn_dim", 10_240)
                        .put("decoder_ffn_dim", 10_240).put("max_position_embeddings", 128))));
    }

    @Override
    public boolean normsFirst() {
        return true;
    }

    @Override
    public boolean normsEmbeddings() {
        return false;
    }

    @Override
    public Bart.Positions positions(Bart.Config.Half half, Weights weights) {
        return Bart.Positions.learned(config, half, weights, 0);
    }
}
