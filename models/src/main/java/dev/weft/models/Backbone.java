package dev.weft.models;

import dev.weft.nn.Embedding;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Init;
import dev.weft.tensor.Tensor;

/// A family's stack of blocks without a head.
///
/// Every family shows the same names to a [dev.weft.nn.Trace]: `blocks.I.resid_pre`, `blocks.I.attn.scores`,
/// `blocks.I.attn.weights`, `blocks.I.attn.out`, `blocks.I.cross.weights`, `blocks.I.mlp.out`, and `final` for what
/// [#forward] returns.
public interface Backbone {
    /// Token ids `[batch, seq]` to `[batch, seq, hidden]`.
    Tensor forward(Tensor tokenIds, ForwardPass pass);

    int hiddenSize();

    int vocabSize();

    /// How many positions it can tell apart.
    int maxPositions();

    int layers();

    /// The input embedding, which a tied head shares.
    Embedding tokens();

    /// How a head's new weights begin.
    Init init();
}
