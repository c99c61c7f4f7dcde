package dev.weft.nn;

import dev.weft.tensor.DType;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// An [AttentionMask] for given lengths: what is added to the scores.
///
/// Its tensors belong to the scope in which it was prepared, commonly that of the whole forward pass.
public final class ScoreMask {
    /// Finite, so that a row that sees nothing gives numbers, and gradients that are numbers.
    private static final double HIDDEN = -1e30;
    private static final double HIDDEN_FLOAT16 = -60_000;

    private final @Nullable Tensor additive;
    private final @Nullable Tensor seesSomething;
    private final boolean causalOnly;
    private final boolean averagesRows;

    /// @param allowed   bool, broadcast to `[batch, heads, querySeq, keySeq]`; null where everything is seen
    /// @param bias      added to the scores, of the same shape; null for none
    /// @param causalOnly whether it is a square causal mask and nothing else
    /// @param hidesRows whether a query without any key gathers nothing; else it gathers the average of all
    /// @param padded    whether padding may leave a query without any
    public ScoreMask(@Nullable Tensor allowed, @Nullable Tensor bias, boolean causalOnly, boolean hidesRows,
            boolean padded) {
        this.causalOnly = causalOnly;
        Tensor blind = allowed != null && (hidesRows || padded && Gradients.recording())
                ? unlessAll(allowed.to(DType.FLOAT32).max(-1, true))
                : null;
        seesSomething = hidesRows ? blind : null;
        averagesRows = !hidesRows && blind != null;
        if (allowed == null) {
            additive = bias;
        } else {
            Tensor hidden = Tensor.zeros(DType.FLOAT32, allowed.shape()).to(allowed.device()).maskedFill(allowed.not(),
                    HIDDEN);
            additive = bias == null ? hidden : hidden.add(bias);
        }
    }

    private ScoreMask(@Nullable Tensor additive, ScoreMask other) {
        this.additive = additive;
        seesSomething = other.seesSomething;
        averagesRows = other.averagesRows;
        causalOnly = false;
    }

    /// For the last keys only, where a window hides the others anyway.
    public ScoreMask ofLast(long keys) {
        return additive == null || additive.size(-1) <= keys
                ? this
                : new ScoreMask(additive.narrow(-1, additive.size(-1) - keys, keys), this);
    }

    /// With more added to the scores, broadcast to `[batch, heads, querySeq, keySeq]`.
    public ScoreMask with(Tensor bias) {
        return new ScoreMask(additive == null ? bias : additive.add(bias), this);
    }

    private static @Nullable Tensor unlessAll(Tensor rows) {
        return rows.min().item() > 0 ? null : rows;
    }

    /// Whether what is added is trained, so that its gradient is wanted.
    public boolean trained() {
        return additive != null && additive.requiresGrad();
    }

    /// Whether this is a square causal mask and nothing else, which kernels know without being given it.
    public boolean causalOnly() {
        return causalOnly;
    }

    /// Whether each head is given the same.
    public boolean sameForAllHeads() {
        return additive == null || additive.dim() < 3 || additive.size(-3) == 1;
    }

    /// Whether some query may be left without any key.
    public boolean hidesRows() {
        return seesSomething != null;
    }

    /// Whether in training some query without any key gathers the average of all: LibTorch's fused kernel forgets going
    /// backward over how many, because next to what hides a key their number's logarithm is lost.
    public boolean averagesRows() {
        return averagesRows;
    }

    /// Added to the scores, broadcast to `[batch, heads, querySeq, keySeq]`; null where there is nothing to add.
    @Nullable
    public Tensor additive(DType dtype) {
        if (additive == null || additive.dtype() == dtype) {
            return additive;
        }
        return (dtype == DType.FLOAT16 ? additive.clampMin(HIDDEN_FLOAT16) : additive).to(dtype);
    }

    /// Zero weights for the queries that see no key, so that they gather nothing instead of an average of hidden keys.
    public Tensor withoutHiddenRows(Tensor weights) {
        return seesSomething == null ? weights : weights.mul(seesSomething.to(weights.dtype()));
    }
}
