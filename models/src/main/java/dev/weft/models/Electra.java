package dev.weft.models;

import dev.weft.nn.Activation;
import dev.weft.models.heads.VocabularyHead;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadLayout;

/// ELECTRA: BERT with narrow embeddings, trained to tell which tokens were replaced. Clark et al. 2020,
/// <https://arxiv.org/abs/2003.10555>.
final class Electra {
    static final Family FAMILY = Family
            .of("Electra", heads(), Electra::config, Bert::new, "electra").below("electra")
            .withDropouts("hidden_dropout_prob", "attention_probs_dropout_prob");

    /// ELECTRA's: a generator says what stands behind masks, a discriminator which tokens are not the text's own.
    private static HeadLayout heads() {
        return HeadLayout
                .encoder(VocabularyHead.transformed("generator_predictions.dense", "generator_predictions.LayerNorm",
                        Activation.GELU, "generator_lm_head", "generator_lm_head.bias"),
                        HeadLayout.denseThenOut(Activation.GELU))
                .withChoice(HeadLayout.summary("first", true, "gelu"))
                .withPretext(new HeadLayout.Pretext.Replaced("discriminator_predictions.dense",
                        "discriminator_predictions.dense_prediction"))
                .withoutPooling();
    }

    private Electra() {}

    private static Bert.Config config(Json json) {
        return Bert.Config.fromJson(json.withDefaults(Json.object().put("embedding_size", 128)));
    }
}
