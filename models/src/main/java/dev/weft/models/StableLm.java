package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.nn.Block;
import dev.weft.nn.LayerNorm;
import dev.weft.nn.Norm;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.Norms;
import dev.weft.tensor.Tensor;
import java.util.List;
import java.util.stream.IntStream;

/// StableLM: Llama with LayerNorm and a quarter of each head turned; in the larger ones attention and feed-forward stand
/// side by side. Bellagente et al. 2024, <https://arxiv.org/abs/2402.17834>.
///
/// @param inputBias whether queries, keys and values have biases
/// @param normed    whether each query and key head has a norm of its own
/// @param parallel  whether attention and feed-forward read the same
record StableLm(Llama.Config config, boolean inputBias, boolean normed, boolean parallel) implements LlamaParts {
    static final String MODEL_TYPE = "stablelm";

    static StableLm fromJson(Json json) {
        Json full = json.withDefaults(Json.object().put("layer_norm_eps", 1e-5));
        return new StableLm(Llama.Config.fromJson(full, 0.25), full.flag("use_qkv_bias", false),
                full.flag("qk_layernorm", false), full.flag("use_parallel_residual", false));
    }

    @Override
    public Norm norm(Weights weights, int width) {
        return LayerNorm.load(weights, width, config.normEps());
    }

    @Override
    public boolean outputBias() {
        return false;
    }

    @Override
    public Norms norms(Heads heads, Weights weights) {
        return normed
                ? new Norms.PerHead(perHead(weights.at("q_layernorm"), heads.heads(), heads.headDim()),
                        perHead(weights.at("k_layernorm"), heads.kvHeads(), heads.headDim()))
                : new Norms.None();
    }

    /// Another norm for each head: `[batch, heads, seq, headDim]`.
    private Norm perHead(Weights weights, int heads, int headDim) {
        List<LayerNorm> norms = IntStream.range(0, heads)
                .mapToObj(head -> LayerNorm.loadWithoutBias(weights.at("norms").at(head), headDim, config.normEps()))
                .toList();
        return x -> Tensor.cat(IntStream.range(0, heads).mapToObj(head -> norms.get(head).forward(x.narrow(1, head, 1)))
                .toList(), 1);
    }

    @Override
    public Block block(int layer, Weights weights) {
        if (!parallel) {
            return LlamaParts.super.block(layer, weights);
        }
        Norm norm = norm(weights.at("input_layernorm"), config.hiddenSize());
        return new Block.Parallel(norm, attention(layer, weights.at("self_attn")), norm, feedForward(layer, weights),
                config.residualDropout());
    }
}
