package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.nn.Weights;

/// M2M100: BART with norms before each part and fairseq's sinusoidal positions. Fan et al. 2020,
/// <https://arxiv.org/abs/2010.11125>.
record M2M100(Bart.Config config) implements Bart.Parts {
    static final Family FAMILY = Bart.family("M2M100", "model", M2M100::fromJson, "m2m_100");

    static M2M100 fromJson(Json json) {
        return new M2M100(Bart.Config.fromJson(json.withDefaults(Json.object().put("activation_function", "relu")
                .put("scale_embedding", true).put("attention_dropout", 0.1))));
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
        return Bart.Positions.sinusoidalAfterPadding(config);
    }
}
