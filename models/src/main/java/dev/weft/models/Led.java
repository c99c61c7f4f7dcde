package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.QueryKeyValue;
import dev.weft.nn.attention.SelfAttention;
import dev.weft.nn.attention.WindowedAttention;
import java.util.List;

/// LED: BART with Longformer's attention in its encoder. Beltagy et al. 2020, §7, <https://arxiv.org/abs/2004.05150>.
///
/// @param windows how many positions each layer of the encoder sees, half of them to each side
record Led(Bart.Config config, List<Integer> windows) implements Bart.Parts {
    static final Family FAMILY = Bart.family("LED", "led", Led::fromJson, "led");

    static Led fromJson(Json json) {
        Json full = json.withDefaults(Json.object().put("max_encoder_position_embeddings", 16_384)
                .put("max_decoder_position_embeddings", 1024));
        Bart.Config config = Bart.Config.fromJson(full);
        return new Led(config, Longformer.windows(full, "attention_window", config.encoder().layers()));
    }

    @Override
    public Bart.Positions positions(Bart.Config.Half half, Weights weights) {
        return Bart.Positions.learned(config, half, weights, 0);
    }

    @Override
    public SelfAttention encoderAttention(int layer, Weights weights) {
        int heads = config.encoder().heads();
        int headDim = config.hiddenSize() / heads;
        Weights inner = weights.at("longformer_self_attn");
        return new WindowedAttention(new Heads(layer, heads, headDim), inputs(inner, ""), inputs(inner, "_global"),
                dense(weights.at("output")), formula(headDim), windows.get(layer) / 2);
    }

    private QueryKeyValue.Apart inputs(Weights weights, String ending) {
        return new QueryKeyValue.Apart(dense(weights.at("query" + ending)), dense(weights.at("key" + ending)),
                dense(weights.at("value" + ending)));
    }
}
