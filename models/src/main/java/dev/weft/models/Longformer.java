package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.models.heads.AfterQuestion;
import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.HeadLayout;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Projection;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.QueryKeyValue;
import dev.weft.nn.attention.SelfAttention;
import dev.weft.nn.attention.WindowedAttention;
import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import java.util.Collections;
import java.util.List;

/// Longformer: RoBERTa whose positions see a window around them and a few global tokens. Beltagy et al. 2020,
/// <https://arxiv.org/abs/2004.05150>.
///
/// @param windows how many positions each layer sees, half of them to each side
/// @param kind    what stands on it, which decides which tokens are global where the caller does not say: a classifier's
///                first one, the question, or the answer to choose
/// @param sepId   the id between the two
record Longformer(Bert.Config config, List<Integer> windows, HeadKind kind, int sepId) implements Bert.Parts {
    static final Family FAMILY = Family
            .of("Longformer", Roberta.heads().without(HeadKind.CAUSAL_LANGUAGE),
                    (json, weights, kind) -> new Bert(fromJson(json, kind), weights), "longformer")
            .below("longformer")
            .withDropouts("hidden_dropout_prob", "attention_probs_dropout_prob").withFirstPosition(2);

    static Longformer fromJson(Json json, HeadKind kind) {
        Json full = json.withDefaults(Json.object().put("pad_token_id", 1));
        Bert.Config config = Bert.Config.fromJson(full);
        List<Integer> windows = windows(full, "attention_window", config.numHiddenLayers());
        return new Longformer(config, windows, kind, full.integer("sep_token_id", 2));
    }

    /// One for each layer, or the same for all.
    static List<Integer> windows(Json json, String name, int layers) {
        List<Integer> given = json.has(name) ? json.integers(name) : List.of(512);
        List<Integer> windows = given.size() == 1 ? Collections.nCopies(layers, given.getFirst()) : given;
        if (windows.size() != layers || windows.stream().anyMatch(window -> window < 2 || window % 2 != 0)) {
            throw json.mustBe(name, "an even number above 0, or one for each of %d layers".formatted(layers));
        }
        return windows;
    }

    @Override
    public int paddingPosition() {
        return config.padTokenId();
    }

    @Override
    public Tensor places(Tensor tokenIds, ForwardPass pass) {
        return Roberta.places(tokenIds, pass, config, config.padTokenId());
    }

    @Override
    public ForwardPass inside(Tensor tokenIds, ForwardPass pass) {
        if (pass.globals() != null) {
            return pass;
        }
        Tensor places = Tensor.arange(0, tokenIds.size(1)).unsqueeze(0).to(tokenIds.device());
        return switch (kind) {
            case SEQUENCE_CLASSIFICATION ->
                pass.withGlobals(places.eq(0).expand(tokenIds.shape()).to(DType.INT64));
            case QUESTION_ANSWERING -> pass.withGlobals(
                    places.lt(AfterQuestion.end(tokenIds, sepId)).to(DType.INT64));
            case MULTIPLE_CHOICE -> pass.withGlobals(
                    AfterQuestion.end(tokenIds, sepId).add(1).lt(places).to(DType.INT64));
            default -> pass;
        };
    }

    @Override
    public SelfAttention attention(int layer, Weights weights, Projection output) {
        var global = new QueryKeyValue.Apart(dense(weights.at("query_global")), dense(weights.at("key_global")),
                dense(weights.at("value_global")));
        return new WindowedAttention(new Heads(layer, config.numAttentionHeads(), config.headDim()), inputs(weights),
                global, output, formula(), windows.get(layer) / 2);
    }
}
