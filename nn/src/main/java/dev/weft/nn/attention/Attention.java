package dev.weft.nn.attention;

import dev.weft.nn.ScoreMask;
import dev.weft.nn.Dropout;
import dev.weft.nn.Trace;
import dev.weft.tensor.Autocast;
import dev.weft.tensor.DType;
import dev.weft.tensor.Engine;
import dev.weft.tensor.FastPath;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Kernels;
import dev.weft.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// softmax(QKᵀ · scale + mask) V — “Attention Is All You Need”, §3.2.1 — and the choice of the kernel that computes it.
///
/// @param scale    what scores are multiplied by, commonly 1/√headDim
/// @param softcap  scores become softcap · tanh(scores / softcap), as in Gemma 2; 0 leaves them
/// @param dropout  share of the weights dropped in training
public record Attention(double scale, double softcap, double dropout) {
    /// 1/√headDim, no cap, no dropout.
    public static Attention scaled(int headDim) {
        return new Attention(1 / Math.sqrt(headDim), 0, 0);
    }

    /// With another factor of the scores.
    public Attention withScale(double scale) {
        return new Attention(scale, softcap, dropout);
    }

    /// With scores capped to ±`softcap`; 0 caps none.
    public Attention withSoftcap(double softcap) {
        return new Attention(scale, softcap, dropout);
    }

    /// With this share of the weights dropped in training.
    public Attention withDropout(double dropout) {
        return new Attention(scale, softcap, dropout);
    }

    /// @param queries `[batch, heads, querySeq, headDim]`
    /// @param keys    `[batch, kvHeads, keySeq, headDim]`; each serves heads / kvHeads query heads
    /// @param values  `[batch, kvHeads, keySeq, valueDim]`
    /// @param trace   taps `scores` before the softmax and `weights` after it, when someone listens
    /// @return        `[batch, heads, querySeq, valueDim]`
    public Tensor attend(Tensor queries, Tensor keys, Tensor values, ScoreMask mask, Dropout drop, Trace trace) {
        if (queries.dtype() != keys.dtype()) {
            // From a cache, which holds them in what attention computes in.
            return attend(queries.to(keys.dtype()), keys, values, mask, drop, trace).to(queries.dtype());
        }
        int groups = (int) (queries.size(1) / keys.size(1));
        if (groups > 1 && queries.size(2) == 1 && mask.sameForAllHeads() && !listens(trace)) {
            // One new query: those that share a key head stand beside each other, and no key is copied.
            Tensor together = queries.reshape(queries.size(0), keys.size(1), groups, queries.size(3));
            return attend(together, keys, values, mask, drop, trace).reshape(queries.size(0), queries.size(1), 1,
                    values.size(3));
        }
        Tensor allKeys = groups == 1 ? keys : keys.repeatInterleave(groups, 1);
        Tensor allValues = groups == 1 ? values : values.repeatInterleave(groups, 1);
        boolean recorded = recorded(queries, keys, values);
        // LibTorch's fused kernel takes an exponential of float32's accuracy in float64 too.
        boolean exact = queries.dtype() == DType.FLOAT64 && !recorded;
        if (exact || explicit(mask, drop, trace)) {
            return explicit(queries, allKeys, allValues, mask, drop, trace);
        }
        var trial = AttentionTrial.of(queries, keys, values, mask, recorded);
        if (recorded && recomputes(queries)) {
            return FastPath.RECOMPUTED_ATTENTION.proven(trial, () -> trial.of(Attention::recomputed))
                    ? recomputed(queries, allKeys, allValues, mask)
                    : explicit(queries, allKeys, allValues, mask, drop, trace);
        }
        return FastPath.FUSED_ATTENTION.proven(trial, () -> trial.of(Attention::fused))
                ? fused(queries, allKeys, allValues, mask)
                : explicit(queries, allKeys, allValues, mask, drop, trace);
    }

    private Tensor recomputed(Tensor queries, Tensor keys, Tensor values, ScoreMask mask) {
        return Gradients.apply(new RecomputedAttention(scale, mask), queries, keys, values);
    }

    /// The same for queries, keys and values in one tensor, of which training makes one gradient instead of three.
    ///
    /// @param packed `[batch, seq, 3, heads, headDim]`
    /// @return       `[batch, heads, seq, headDim]`
    public Tensor attendPacked(Tensor packed, ScoreMask mask, Dropout drop, Trace trace) {
        Tensor[] parts = RecomputedAttention.unpacked(packed);
        if (!explicit(mask, drop, trace) && recomputes(packed) && recorded(packed)) {
            var trial = AttentionTrial.of(parts[0], parts[1], parts[2], mask, true);
            if (FastPath.RECOMPUTED_ATTENTION.proven(List.of("packed", trial),
                    () -> trial.of(Attention::recomputedPacked))) {
                return Gradients.apply(new RecomputedAttention(scale, mask), packed);
            }
        }
        return attend(parts[0], parts[1], parts[2], mask, drop, trace);
    }

    private Tensor recomputedPacked(Tensor queries, Tensor keys, Tensor values, ScoreMask mask) {
        Tensor packed = Tensor.stack(List.of(queries, keys, values), 0).permute(1, 3, 0, 2, 4);
        return Gradients.apply(new RecomputedAttention(scale, mask), packed);
    }

    /// Only the explicit product shows or changes the scores and weights.
    private boolean explicit(ScoreMask mask, Dropout drop, Trace trace) {
        return softcap != 0 || mask.hidesRows() || mask.averagesRows() || mask.trained()
                || drop instanceof Dropout.On && dropout > 0
                || listens(trace);
    }

    private static boolean listens(Trace trace) {
        return trace.listens("weights") || trace.listens("scores");
    }

    /// Whether training computes the weights again itself, instead of LibTorch's fused kernel: the latter's backward pass is
    /// slow on a CPU but for float32 on MKL (docs/decisions/0004-attention-kernels.md).
    private static boolean recomputes(Tensor input) {
        return input.device().isCpu() && !(input.dtype() == DType.FLOAT32 && Engine.blas().equals("MKL"));
    }

    private static boolean recorded(Tensor... inputs) {
        boolean recorded = false;
        for (Tensor input : inputs) {
            recorded |= input.requiresGrad();
        }
        return recorded && Gradients.recording();
    }

    Tensor explicit(Tensor queries, Tensor keys, Tensor values, ScoreMask mask, Dropout drop, Trace trace) {
        // Scale the queries, not the scores: in half precision the raw scores can overflow.
        Tensor scores = queries.mul(scale).matmul(keys.transpose(-2, -1));
        if (softcap != 0) {
            scores = scores.div(softcap).tanh().mul(softcap);
        }
        Tensor added = mask.additive(scores.dtype());
        scores = trace.tap("scores", added == null ? scores : scores.add(added));
        Tensor weights = trace.tap("weights", mask.withoutHiddenRows(scores.softmax(-1)));
        return drop.apply(weights, dropout).to(values.dtype()).matmul(values);
    }

    private Tensor fused(Tensor queries, Tensor keys, Tensor values, ScoreMask mask) {
        DType dtype = queries.dtype();
        // In half precision this kernel's products are plain loops on a CPU, and converting to float32 and back is cheap
        // (docs/decisions/0004-attention-kernels.md).
        if (queries.device().isCpu() && dtype != DType.FLOAT32 && dtype.isFloating()
                && !(Gradients.recording() && queries.requiresGrad())) {
            try (var plain = Autocast.paused(queries.device())) {
                return fused(queries.to(DType.FLOAT32), keys.to(DType.FLOAT32), values.to(DType.FLOAT32), mask)
                        .to(dtype);
            }
        }
        @Nullable
        Tensor added = mask.causalOnly() ? null : mask.additive(dtype);
        return Kernels.attention(queries, keys, values, added, mask.causalOnly(), scale);
    }
}
