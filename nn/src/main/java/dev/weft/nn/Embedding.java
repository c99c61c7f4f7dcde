package dev.weft.nn;

import dev.weft.tensor.Kernels;
import dev.weft.tensor.Tensor;

/// A learned vector per id.
public final class Embedding {
    private final Tensor weight;

    private Embedding(Tensor weight) {
        this.weight = weight;
    }

    /// `weight [entries, hidden]` at this place.
    public static Embedding load(Weights weights, int entries, int hidden, Init init) {
        return new Embedding(weights.get("weight", init, entries, hidden));
    }

    /// ids `[...]` to `[..., hidden]`.
    public Tensor forward(Tensor ids) {
        return Kernels.embedding(weight, ids);
    }

    /// The same weight as a map from hidden to ids: a tied head.
    public Projection tied() {
        return new Linear(weight, null, Linear.Layout.OUT_IN);
    }
}
