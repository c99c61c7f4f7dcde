package dev.weft.models;

import dev.weft.models.backbone.Backbone;
import dev.weft.models.backbone.Inputs;
import dev.weft.models.backbone.Sizes;
import dev.weft.models.backbone.TextBackbone;
import dev.weft.nn.block.Block;
import dev.weft.nn.Embedding;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Norm;
import dev.weft.nn.block.Stack;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.AttentionPattern;
import dev.weft.nn.position.Rotary;
import dev.weft.tensor.Tensor;
import java.util.function.BiFunction;
import java.util.function.IntFunction;

/// Vectors of tokens, blocks one after the other, a norm: what Llama is, and the families built after it. Each says in its own
/// file what its blocks are.
final class Decoder implements TextBackbone {
    private final Sizes sizes;
    private final Embedding tokens;
    private final Stack stack;
    private final double embeddingScale;
    private final double embeddingDropout;
    private final int positions;
    private final long recomputesBeyond;

    private Decoder(Sizes sizes, Embedding tokens, Stack stack, double embeddingScale, double embeddingDropout,
            int positions, long recomputesBeyond) {
        this.sizes = sizes;
        this.tokens = tokens;
        this.stack = stack;
        this.embeddingScale = embeddingScale;
        this.embeddingDropout = embeddingDropout;
        this.positions = positions;
        this.recomputesBeyond = recomputesBeyond;
    }

    /// Of weights under the names that most decoders have: `embed_tokens`, `layers.I`, `norm`.
    ///
    /// @param padTokenId whose vector is not trained; −1: none
    /// @param blocks     of the number and the weights of a layer
    /// @param reaches    what a layer's attention reaches
    /// @param norm       of the place of the last one
    static Decoder load(Sizes sizes, int padTokenId, Weights weights, BiFunction<Integer, Weights, Block> blocks,
            IntFunction<AttentionPattern> reaches, Norm norm) {
        Embedding tokens = Embedding
                .load(weights.at("embed_tokens"), sizes.vocabSize(), sizes.hiddenSize(), sizes.init())
                .withPadding(padTokenId);
        var stack = new Stack(sizes.numHiddenLayers(),
                layer -> blocks.apply(layer, weights.at("layers").at(layer)), reaches, norm);
        return new Decoder(sizes, tokens, stack, 1, 0, sizes.maxPositionEmbeddings(), Long.MAX_VALUE);
    }

    /// With vectors of tokens multiplied by this as they are looked up; vectors given in their place are not.
    Decoder withTokenScale(double factor) {
        return new Decoder(sizes, tokens.withScale(factor), stack, embeddingScale, embeddingDropout, positions,
                recomputesBeyond);
    }

    /// With vectors, whether of tokens or given, multiplied by this.
    Decoder withEmbeddingScale(double factor) {
        return new Decoder(sizes, tokens, stack, factor, embeddingDropout, positions, recomputesBeyond);
    }

    /// With this share of the vectors dropped in training.
    Decoder withEmbeddingDropout(double share) {
        return new Decoder(sizes, tokens, stack, embeddingScale, share, positions, recomputesBeyond);
    }

    /// With positions that this turns: some ways of stretching have no end.
    Decoder turning(Rotary rotary) {
        return new Decoder(sizes, tokens, stack, embeddingScale, embeddingDropout,
                RopeConfig.positions(rotary, positions), recomputesBeyond);
    }

    /// See [Backbone#recomputesBeyond].
    Decoder recomputingBeyond(long length) {
        return new Decoder(sizes, tokens, stack, embeddingScale, embeddingDropout, positions, length);
    }

    @Override
    public Tensor embed(Inputs inputs, ForwardPass pass) {
        Tensor embedded = inputs.vectors(tokens, pass);
        return pass.dropout().apply(embeddingScale == 1 ? embedded : embedded.mul(embeddingScale), embeddingDropout);
    }

    @Override
    public Tensor blocks(Tensor embedded, ForwardPass pass) {
        return stack.forward(embedded, pass);
    }

    @Override
    public Sizes sizes() {
        return sizes;
    }

    @Override
    public Embedding tokens() {
        return tokens;
    }

    @Override
    public int maxPositions() {
        return positions;
    }

    @Override
    public long recomputesBeyond() {
        return recomputesBeyond;
    }
}
