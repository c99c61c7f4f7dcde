package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadLayout;
import dev.weft.nn.Projection;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.AttentionPattern;
import dev.weft.nn.attention.SelfAttention;
import dev.weft.nn.position.Rotary;
import org.jspecify.annotations.Nullable;

/// RoFormer: BERT with rotary positions in place of learned ones. Su et al. 2021, <https://arxiv.org/abs/2104.09864>.
///
/// @param turnsValues whether values are turned as well
record RoFormer(Bert.Config config, boolean turnsValues) implements Bert.Parts {
    static final Family FAMILY = Family
            .of("RoFormer", heads(), (json, weights, kind) -> new Bert(fromJson(json), weights),
                    "roformer")
            .below("roformer")
            .withDropouts("hidden_dropout_prob", "attention_probs_dropout_prob");

    /// RoFormer's: BERT's without a pooler.
    private static HeadLayout heads() {
        return HeadLayout.encoder(Bert.vocabulary(), HeadLayout.denseThenOut(null))
                .withChoice(HeadLayout.summary("last", false, "")).withoutPooling();
    }

    static RoFormer fromJson(Json json) {
        return new RoFormer(Bert.Config.fromJson(json.withDefaults(Json.object().put("max_position_embeddings", 1536))),
                json.flag("rotary_value", false));
    }

    @Override
    public AttentionPattern pattern(int layer) {
        return Bert.Parts.super.pattern(layer)
                .with(Rotary.plain(config.headDim(), 10_000, Rotary.Pairing.NEIGHBOURS));
    }

    @Override
    public @Nullable String positions() {
        return null;
    }

    @Override
    public SelfAttention attention(int layer, Weights weights, Projection output) {
        var plain = (GroupedQueryAttention) Bert.Parts.super.attention(layer, weights, output);
        return plain.withTurnedValues(turnsValues);
    }
}
