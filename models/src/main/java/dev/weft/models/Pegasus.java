package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.nn.Weights;

/// Pegasus: BART with norms before each part and sinusoidal positions. Zhang et al. 2019,
/// <https://arxiv.org/abs/1912.08777>.
record Pegasus(Bart.Config config) implements Bart.Parts {
    static final Family FAMILY = Bart.family("Pegasus", "model", Pegasus::fromJson, "pegasus");

    static Pegasus fromJson(Json json) {
        return new Pegasus(Bart.Config.fromJson(
                json.withDefaults(Json.object().put("pad_token_id", 0).put("decoder_start_token_id", 0))));
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
        return Bart.Positions.sinusoidal(config);
    }

    @Override
    public boolean scalesOutside() {
        return true;
    }
}
