package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.nn.Weights;

/// The small Blenderbot: BART whose decoder adds positions after the norm of its embeddings. Roller et al. 2020,
/// <https://arxiv.org/abs/2004.13637>.
record BlenderbotSmall(Bart.Config config) implements Bart.Parts {
    static final Family FAMILY = Bart.family("BlenderbotSmall", "model", BlenderbotSmall::fromJson, "blenderbot-small");

    static BlenderbotSmall fromJson(Json json) {
        return new BlenderbotSmall(Bart.Config.fromJson(
                json.withDefaults(Json.object().put("pad_token_id", 0).put("decoder_start_token_id", 1)
                        .put("encoder_layers", 8).put("decoder_layers", 8).put("encoder_ffn_dim", 2048)
                        .put("decoder_ffn_dim", 2048).put("max_position_embeddings", 512))));
    }

    @Override
    public boolean placesAfterNorm() {
        return true;
    }

    @Override
    public Bart.Positions positions(Bart.Config.Half half, Weights weights) {
        return Bart.Positions.learned(config, half, weights, 0);
    }

    @Override
    public boolean scalesOutside() {
        return true;
    }
}
