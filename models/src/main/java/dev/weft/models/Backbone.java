package dev.weft.models;

import dev.weft.nn.Embedding;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Init;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// A family's stack of blocks without a head.
///
/// Every family shows the same names to a [dev.weft.nn.Trace]: `blocks.I.resid_pre`, `blocks.I.attn.scores`,
/// `blocks.I.attn.weights`, `blocks.I.attn.out`, `blocks.I.cross.weights`, `blocks.I.mlp.out`, and `final` for what
/// [#forward] returns; an encoder-decoder has them below `encoder` and `decoder`.
public interface Backbone {
    /// Token ids `[batch, seq]` to `[batch, seq, hidden]`.
    Tensor forward(Tensor tokenIds, ForwardPass pass);

    /// What it was built with.
    Sizes sizes();

    /// The input embedding, which a tied head shares.
    Embedding tokens();

    /// Width of what [#forward] gives.
    default int hiddenSize() {
        return sizes().hiddenSize();
    }

    default int vocabSize() {
        return sizes().vocabSize();
    }

    /// How many positions it can tell apart.
    default int maxPositions() {
        return sizes().maxPositionEmbeddings();
    }

    /// See [dev.weft.nn.LanguageModel#recomputesBeyond].
    default long recomputesBeyond() {
        return Long.MAX_VALUE;
    }

    default int layers() {
        return sizes().numHiddenLayers();
    }

    /// Vectors of no token that stand before every text: [#outputs] has them, [#forward] leaves them out.
    default int prompts() {
        return 0;
    }

    /// How a head's new weights begin.
    default Init init() {
        return sizes().init();
    }

    /// Runs on arguments by the reference's names: `last_hidden_state`, and `encoder_last_hidden_state` of an
    /// encoder-decoder.
    default Map<String, Tensor> outputs(Map<String, Tensor> inputs, ForwardPass pass) {
        return Map.of("last_hidden_state", forward(Inputs.ids(inputs), Inputs.pass(inputs, pass)));
    }
}
