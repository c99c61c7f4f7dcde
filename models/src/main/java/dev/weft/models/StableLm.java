package dev.weft.models;

import dev.weft.models.backbone.Sizes;
import dev.weft.models.backbone.TextBackbone;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.HeadLayout;
import dev.weft.nn.Activation;
import dev.weft.nn.block.Block;
import dev.weft.nn.FeedForward;
import dev.weft.nn.Init;
import dev.weft.nn.LayerNorm;
import dev.weft.nn.Norm;
import dev.weft.nn.Residual;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.Attention;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.Norms;
import dev.weft.nn.attention.AttentionPattern;
import dev.weft.nn.position.Rotary;
import dev.weft.tensor.Tensor;
import java.util.List;
import java.util.stream.IntStream;

/// StableLM: Llama with LayerNorm and a quarter of each head turned; in the larger ones attention and feed-forward stand
/// side by side. Bellagente et al. 2024, <https://arxiv.org/abs/2402.17834>.
public final class StableLm {
    static final Family FAMILY = Family
            .of("StableLm", HeadLayout.decoder(false), Config::fromJson, StableLm::build, "stablelm").below("model")
            .below(HeadKind.QUESTION_ANSWERING, "transformer").withDropouts("hidden_dropout", "attention_dropout");

    private StableLm() {}

    /// Sizes of a checkpoint, named as in its `config.json`.
    ///
    /// @param useQkvBias          whether queries, keys and values have biases
    /// @param qkLayernorm         whether each query and key head has a norm of its own
    /// @param useParallelResidual whether attention and feed-forward read the same
    @ModelConfig.Type("stablelm")
    public record Config(int vocabSize, int hiddenSize, int intermediateSize, int numHiddenLayers,
            int numAttentionHeads, int numKeyValueHeads, int headDim, int maxPositionEmbeddings, Activation hiddenAct,
            double layerNormEps, double initializerRange, boolean useQkvBias, boolean qkLayernorm,
            boolean useParallelResidual, double attentionDropout, double hiddenDropout, int padTokenId,
            boolean tieWordEmbeddings, RopeConfig rope) implements ModelConfig<Config> {
        private static final Config USUAL = new Config(50_304, 2560, 6912, 32, 32, 0, 0, 4096, Activation.SILU, 1e-5,
                0.02, false, false, false, 0, 0, -1, false, RopeConfig.of(10_000).withShare(0.25));

        public Config {
            Sizes.requireHeads(numAttentionHeads, numKeyValueHeads, headDim);
        }

        /// As in `config.json`; what is missing has the published default.
        public static Config fromJson(Json json) {
            return ModelConfig.read(json, USUAL);
        }

        /// Two narrow layers: what a test builds in a blink.
        public static Config tiny() {
            return ModelConfig.tiny(USUAL);
        }
    }

    /// Names in quotes are the names inside the checkpoint.
    private static TextBackbone build(Config config, Weights weights) {
        Rotary rotary = config.rope().rotary(config.headDim());
        return Decoder.load(config, config.padTokenId(), weights, (layer, block) -> block(config, layer, block),
                layer -> AttentionPattern.causal().with(rotary), norm(config, weights.at("norm"))).turning(rotary);
    }

    private static Block block(Config config, int layer, Weights weights) {
        int hidden = config.hiddenSize();
        var heads = new Heads(layer, config.numAttentionHeads(), config.numKeyValueHeads(), config.headDim());
        Weights place = weights.at("self_attn");
        GroupedQueryAttention attention = GroupedQueryAttention.load(place, heads, hidden, config.useQkvBias(), false,
                config.init(), Attention.scaled(config.headDim()).withDropout(config.attentionDropout()))
                .withNorms(config.qkLayernorm()
                        ? new Norms.PerHead(perHead(config, place.at("q_layernorm"), heads.heads()),
                                perHead(config, place.at("k_layernorm"), heads.kvHeads()))
                        : new Norms.None());
        FeedForward feedForward = FeedForward.Gated.load(weights.at("mlp"), config.hiddenAct(), hidden,
                config.intermediateSize(), false, config.init());
        Norm entry = norm(config, weights.at("input_layernorm"));
        return config.useParallelResidual()
                ? new Block.Parallel(entry, attention, entry, feedForward, config.hiddenDropout())
                : Block.of(Residual.preNorm(entry, config.hiddenDropout()), attention,
                        Residual.preNorm(norm(config, weights.at("post_attention_layernorm")), config.hiddenDropout()),
                        feedForward);
    }

    private static Norm norm(Config config, Weights weights) {
        return LayerNorm.load(weights, config.hiddenSize(), config.layerNormEps());
    }

    /// Another norm for each head, each a weight of its own in the file.
    private static Norm perHead(Config config, Weights weights, int heads) {
        List<Tensor> each = IntStream.range(0, heads)
                .mapToObj(head -> weights.at("norms").at(head).get("weight", Init.ones(), config.headDim())).toList();
        return x -> LayerNorm.ofHeads(Tensor.stack(each, 0), config.layerNormEps()).forward(x);
    }
}
