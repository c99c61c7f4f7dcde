package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadKind;
import dev.weft.nn.Weights;

/// Marian, the model of OPUS-MT: BART with sinusoidal positions and no norm on embeddings. Junczys-Dowmunt et al. 2018,
/// <https://arxiv.org/abs/1804.00344>.
record Marian(Bart.Config config, boolean sharesEmbeddings) implements Bart.Parts {
    static final Family FAMILY = Bart.family("Marian", "model", Marian::fromJson, "marian").named(HeadKind.SEQ2SEQ,
            "MTModel");

    static Marian fromJson(Json json) {
        Json full = json.withDefaults(Json.object().put("pad_token_id", 58_100).put("decoder_start_token_id", 58_100));
        boolean shares = full.flag("share_encoder_decoder_embeddings", true);
        return new Marian(Bart.Config.fromJson(full), shares);
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
