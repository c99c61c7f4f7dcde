package dev.weft.models;

import dev.weft.models.backbone.Seq2Seq;
import dev.weft.checkpoint.Json;

/// mBART: BART with norms before each part, whose texts begin with their language. Liu et al. 2020,
/// <https://arxiv.org/abs/2001.08210>.
record MBart(Bart.Config config) implements Bart.Parts {
    static final Family FAMILY = Bart.family("MBart", "model", MBart::fromJson, "mbart");

    static MBart fromJson(Json json) {
        return new MBart(Bart.Config.fromJson(json));
    }

    @Override
    public boolean normsFirst() {
        return true;
    }

    /// The language, which ends the labels, begins the decoder's input.
    @Override
    public Seq2Seq.Shift shift() {
        return new Seq2Seq.Shift(config.padTokenId(), null);
    }
}
