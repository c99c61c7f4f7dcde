package dev.weft.models;

import dev.weft.nn.Activation;
import dev.weft.models.heads.VocabularyHead;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadLayout;
import dev.weft.nn.ForwardPass;
import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;

/// RoBERTa, and XLM-RoBERTa: BERT whose positions are counted from the padding id and skip padding. Liu et al. 2019,
/// <https://arxiv.org/abs/1907.11692>.
record Roberta(Bert.Config config) implements Bert.Parts {
    static final Family FAMILY = Family
            .of("Roberta", heads(), (json, weights, kind) -> new Bert(fromJson(json), weights), "roberta")
            .below("roberta")
            .withDropouts("hidden_dropout_prob", "attention_probs_dropout_prob").withFirstPosition(2);
    static final Family XLM = Family
            .of("XLMRoberta", heads(), (json, weights, kind) -> new Bert(fromJson(json), weights),
                    "xlm-roberta")
            .below("roberta")
            .withDropouts("hidden_dropout_prob", "attention_probs_dropout_prob").withFirstPosition(2);
    static final Family CAMEMBERT = Family
            .of("Camembert", heads(), (json, weights, kind) -> new Bert(fromJson(json), weights),
                    "camembert")
            .below("roberta")
            .withDropouts("hidden_dropout_prob", "attention_probs_dropout_prob").withFirstPosition(2);

    /// RoBERTa's: a projection of its own for each head, on the first token.
    static HeadLayout heads() {
        return HeadLayout.encoder(VocabularyHead.transformed("lm_head.dense", "lm_head.layer_norm", Activation.GELU,
                "lm_head.decoder", "lm_head.bias"), HeadLayout.pooled("pooler.dense"))
                .withSequence(HeadLayout.denseThenOut(Activation.TANH));
    }

    static Roberta fromJson(Json json) {
        return new Roberta(Bert.Config.fromJson(json.withDefaults(Json.object().put("pad_token_id", 1))));
    }

    @Override
    public int paddingPosition() {
        return config.padTokenId();
    }

    @Override
    public Tensor places(Tensor tokenIds, ForwardPass pass) {
        return places(tokenIds, pass, config, config.padTokenId());
    }

    static Tensor places(Tensor tokenIds, ForwardPass pass, Bert.Config config, int padId) {
        // The first positions, up to the padding id, are never a token's.
        int room = config.maxPositionEmbeddings() - padId - 1;
        pass.positions(tokenIds.size(1), room, "max_position_embeddings less those before the first");
        return afterPadding(tokenIds, pass, padId);
    }

    /// Positions counted from the padding id, padding itself not counted.
    static Tensor afterPadding(Tensor tokenIds, ForwardPass pass, int padId) {
        if (pass.positions() != null) {
            return pass.positions();
        }
        Tensor real = tokenIds.ne(padId).to(DType.INT64);
        return real.cumsum(1).add(pass.cached()).mul(real).add(padId);
    }
}
