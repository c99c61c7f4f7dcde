package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadLayout;

/// ELECTRA: BERT with narrow embeddings, trained to tell which tokens were replaced. Clark et al. 2020,
/// <https://arxiv.org/abs/2003.10555>.
final class Electra {
    static final Family FAMILY = Family
            .of("Electra", HeadLayout.electra(), Electra::config, Bert::new, "electra").below("electra")
            .withDropouts("hidden_dropout_prob", "attention_probs_dropout_prob");

    private Electra() {}

    private static Bert.Config config(Json json) {
        return Bert.Config.fromJson(json.withDefaults(Json.object().put("embedding_size", 128)));
    }
}
