package dev.weft.nn;

import dev.weft.tensor.Kernels;
import dev.weft.tensor.Tensor;

/// A learned vector per id.
public final class Embedding {
    private static final int NONE = -1;

    private final Tensor weight;
    private final int paddingId;
    private final double scale;

    private Embedding(Tensor weight, int paddingId, double scale) {
        this.weight = weight;
        this.paddingId = paddingId;
        this.scale = scale;
    }

    /// `weight [entries, hidden]` at this place.
    public static Embedding load(Weights weights, int entries, int hidden, Init init) {
        return weights.embedding(entries, hidden, init);
    }

    static Embedding read(Weights weights, int entries, int hidden, Init init) {
        return new Embedding(weights.get("weight", init, entries, hidden), NONE, 1);
    }

    /// The same, whose vector of `id` is not trained through look-ups: padding. Ids beyond the table mean none.
    public Embedding withPadding(int id) {
        return new Embedding(weight, id < weight.size(0) ? id : NONE, scale);
    }

    /// The same with what is looked up multiplied by this: Gemma, BART. A tied head is not.
    public Embedding withScale(double factor) {
        return new Embedding(weight, paddingId, factor);
    }

    /// ids `[...]` to `[..., hidden]`.
    public Tensor forward(Tensor ids) {
        Tensor vectors = Kernels.embedding(weight, ids, paddingId);
        return scale == 1 ? vectors : vectors.mul(scale);
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
