package dev.weft.nn;

import dev.weft.tensor.Kernels;
import dev.weft.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// A learned vector per id.
public final class Embedding {
    private static final int NONE = -1;

    private final Tensor weight;
    private final int paddingId;
    private final @Nullable Tensor prompts;

    private Embedding(Tensor weight, int paddingId, @Nullable Tensor prompts) {
        this.weight = weight;
        this.paddingId = paddingId;
        this.prompts = prompts;
    }

    /// `weight [entries, hidden]` at this place.
    public static Embedding load(Weights weights, int entries, int hidden, Init init) {
        return weights.embedding(entries, hidden, init);
    }

    static Embedding read(Weights weights, int entries, int hidden, Init init) {
        return new Embedding(weights.get("weight", init, entries, hidden), NONE, null);
    }

    /// The same, whose vector of `id` is not trained through look-ups: padding. Ids beyond the table mean none.
    public Embedding withPadding(int id) {
        return new Embedding(weight, id < weight.size(0) ? id : NONE, prompts);
    }

    /// The same with vectors of no token, `[count, hidden]`: of the ids after the last.
    public Embedding withPrompts(Tensor vectors) {
        return new Embedding(weight, paddingId, vectors);
    }

    /// ids `[...]` to `[..., hidden]`.
    public Tensor forward(Tensor ids) {
        if (prompts == null) {
            return Kernels.embedding(weight, ids, paddingId);
        }
        Tensor beyond = ids.ge(weight.size(0));
        Tensor tokens = Kernels.embedding(weight, ids.maskedFill(beyond, 0), paddingId);
        Tensor others = Kernels.embedding(prompts, ids.sub(weight.size(0)).clampMin(0), NONE);
        return Tensor.where(beyond.unsqueeze(-1), others.to(tokens.dtype()), tokens);
    }

    /// `[entries, hidden]`.
    public Tensor weight() {
        return weight;
    }

    /// Length of each vector.
    public int width() {
        return (int) weight.size(1);
    }

    /// The same weight as a map from hidden to ids: a tied head.
    public Projection tied() {
        return new Linear(weight, null, Linear.Layout.OUT_IN);
    }
}
