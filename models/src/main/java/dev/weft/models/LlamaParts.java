package dev.weft.models;

import dev.weft.nn.Activation;
import dev.weft.nn.Block;
import dev.weft.nn.FeedForward;
import dev.weft.nn.Linear;
import dev.weft.nn.Norm;
import dev.weft.nn.Residual;
import dev.weft.nn.RmsNorm;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.Attention;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.Inputs;
import dev.weft.nn.attention.GroupedQueryAttention.Norms;
import dev.weft.nn.attention.Reach;
import dev.weft.nn.attention.SelfAttention;

/// The parts of which [Llama] is wired. The defaults are Llama's own; a family that does one thing differently says
/// that one thing.
interface LlamaParts {
    Llama.Config config();

    /// What a layer reaches.
    default Reach reach(int layer) {
        return Reach.causal().with(config().rotary());
    }

    /// See [Backbone#recomputesBeyond].
    default long recomputesBeyond() {
        return Long.MAX_VALUE;
    }

    /// What embeddings are multiplied by.
    default double embeddingScale() {
        return 1;
    }

    default Norm norm(Weights weights, int width) {
        return RmsNorm.load(weights, width, config().normEps());
    }

    default Block block(int layer, Weights weights) {
        int hidden = config().hiddenSize();
        return new Block.Sequential(
                Residual.preNorm(norm(weights.at("input_layernorm"), hidden), config().residualDropout()),
                attention(layer, weights.at("self_attn")), null,
                Residual.preNorm(norm(weights.at("post_attention_layernorm"), hidden), config().residualDropout()),
                feedForward(layer, weights));
    }

    default SelfAttention attention(int layer, Weights weights) {
        Llama.Config config = config();
        Heads heads = new Heads(layer, config.numAttentionHeads(), config.numKeyValueHeads(), config.headDim());
        return new GroupedQueryAttention(heads, inputs(heads, weights),
                Linear.load(weights.at("o_proj"), heads.queryWidth(), config.hiddenSize(), outputBias(),
                        config.init()),
                formula(layer)).withNorms(norms(heads, weights));
    }

    default Inputs inputs(Heads heads, Weights weights) {
        return Inputs.Apart.load(weights, config().hiddenSize(), heads, inputBias(), config().init());
    }

    /// Whether queries, keys and values have biases.
    default boolean inputBias() {
        return config().attentionBias();
    }

    default boolean outputBias() {
        return config().attentionBias();
    }

    default Norms norms(Heads heads, Weights weights) {
        return new Norms.None();
    }

    default Attention formula(int layer) {
        return Attention.scaled(config().headDim()).withDropout(config().attentionDropout());
    }

    /// @param weights of the whole layer
    default FeedForward feedForward(int layer, Weights weights) {
        return gated(weights.at("mlp"), config().intermediateSize(), config().activation());
    }

    /// down(activation(gate(x)) · up(x)) under Llama's names.
    default FeedForward gated(Weights mlp, int inner, Activation activation) {
        int hidden = config().hiddenSize();
        boolean bias = config().mlpBias();
        return new FeedForward.Gated(Linear.load(mlp.at("gate_proj"), hidden, inner, bias, config().init()),
                Linear.load(mlp.at("up_proj"), hidden, inner, bias, config().init()), activation,
                Linear.load(mlp.at("down_proj"), inner, hidden, bias, config().init()));
    }
}
