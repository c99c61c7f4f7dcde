package dev.weft.nn;

import dev.weft.tensor.Tensor;

/// A model that scores every id of its vocabulary as the next one, at every position.
public interface LanguageModel extends Model {
    /// Token ids `[batch, seq]` to `[batch, seq, hidden]`.
    Tensor hidden(Tensor tokenIds, ForwardPass pass);

    /// `[..., hidden]` to logits `[..., vocab]`.
    Tensor score(Tensor hidden);

    /// Token ids `[batch, seq]` to logits `[batch, seq, vocab]`.
    default Tensor logits(Tensor tokenIds, ForwardPass pass) {
        return score(hidden(tokenIds, pass));
    }

    /// How many ids it scores.
    int vocabSize();

    /// How many positions it can tell apart.
    int maxPositions();

    /// A text that grows longer than this is computed otherwise from its beginning on, so that a cache filled before is of
    /// no use: LongRoPE's other factors. Most models have no such length.
    default long recomputesBeyond() {
        return Long.MAX_VALUE;
    }
}
