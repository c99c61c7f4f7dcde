package dev.weft.nn.attention;

import dev.weft.nn.ScoreMask;
import dev.weft.nn.Dropout;
import dev.weft.nn.Trace;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.FastPath;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A quick kernel of [Attention] against the explicit product, for the shapes that the same code computes: lengths fall
/// into the classes by which kernels cut them, and are tried with odd ends.
///
/// @param recorded whether gradients are wanted, which are compared too
record AttentionTrial(DType dtype, Device device, long headDim, long valueDim, PreparedPattern prepared, int queryClass,
        int keyClass, boolean recorded) {
    private enum PreparedPattern {
        ALL, CAUSAL, MASKED, MASKED_BY_HEAD
    }

    /// From how many positions on a kernel takes larger pieces, and how many are tried there.
    private static final long[] FROM = {1, 2, 32, 192, 512, 768};
    private static final long[] TRIED = {1, 13, 67, 197, 521, 773};

    static AttentionTrial of(Tensor queries, Tensor keys, Tensor values, ScoreMask mask, boolean recorded) {
        PreparedPattern prepared = mask.causalOnly()
                ? PreparedPattern.CAUSAL
                : mask.additive(DType.FLOAT32) == null
                        ? PreparedPattern.ALL
                        : mask.sameForAllHeads() ? PreparedPattern.MASKED : PreparedPattern.MASKED_BY_HEAD;
        return new AttentionTrial(queries.dtype(), queries.device(), queries.size(-1), values.size(-1), prepared,
                lengthClass(queries.size(2)), lengthClass(keys.size(2)), recorded);
    }

    private static int lengthClass(long length) {
        int found = 0;
        while (found + 1 < FROM.length && length >= FROM[found + 1]) {
            found++;
        }
        return found;
    }

    @Override
    public String toString() {
        return "%s, %d wide, %s, %d queries, %d keys%s".formatted(dtype, headDim, prepared.name().toLowerCase()
                .replace('_', ' '), TRIED[queryClass], TRIED[keyClass], recorded ? ", with gradients" : "");
    }

    interface Way {
        Tensor attend(Attention attention, Tensor queries, Tensor keys, Tensor values, ScoreMask mask);
    }

    FastPath.Trial of(Way quick) {
        long batch = 2;
        long heads = 3;
        long querySeq = TRIED[queryClass];
        long keySeq = TRIED[keyClass];
        try (var random = Randomness.seeded(1)) {
            Tensor queries = any(random, batch, heads, querySeq, headDim);
            Tensor keys = any(random, batch, heads, keySeq, headDim);
            Tensor values = any(random, batch, heads, keySeq, valueDim);
            Tensor above = any(random, batch, heads, querySeq, valueDim);
            ScoreMask mask = mask(random, batch, heads, querySeq, keySeq);
            // As exact as the numbers at hand allow; the explicit product in half precision rounds its weights.
            Way plain = (attention, q, k, v, seen) -> attention.explicit(q, k, v, seen, Dropout.OFF, Trace.SILENT);
            List<Tensor> wanted = results(plain, mask, dtype == DType.FLOAT64 ? dtype : DType.FLOAT32, queries, keys,
                    values, above);
            List<Tensor> found = results(quick, mask, dtype, queries, keys, values, above);
            var trial = new FastPath.Trial(0);
            // In half precision scores and weights are rounded on the way as well.
            double allowed = dtype == DType.FLOAT32 || dtype == DType.FLOAT64
                    ? FastPath.Trial.rounding(dtype, 16 * (headDim + keySeq))
                    : 4 * FastPath.Trial.rounding(dtype, headDim);
            for (int i = 0; i < wanted.size(); i++) {
                trial = trial.and(FastPath.Trial.of(found.get(i), wanted.get(i), allowed));
            }
            return trial;
        }
    }

    private Tensor any(Randomness random, long... shape) {
        return random.normal(0, 1, shape).to(dtype).to(device);
    }

    private ScoreMask mask(Randomness random, long batch, long heads, long querySeq, long keySeq) {
        return switch (prepared) {
            case ALL -> new ScoreMask(null, null, false, false, false);
            case CAUSAL ->
                new ScoreMask(Tensor.full(1, DType.BOOL, querySeq, keySeq).tril(0).to(device), null, true, false,
                        false);
            case MASKED -> new ScoreMask(null, hidden(random, batch, 1, querySeq, keySeq), false, false, false);
            case MASKED_BY_HEAD ->
                new ScoreMask(null, hidden(random, batch, heads, querySeq, keySeq), false, false, false);
        };
    }

    private Tensor hidden(Randomness random, long... shape) {
        // The first key stays in prepared of every query.
        Tensor hides = random.chances(0.3, shape).and(Tensor.arange(0, shape[3]).gt(0).expand(shape));
        return random.normal(0, 1, shape).maskedFill(hides, -1e30).to(device);
    }

    private List<Tensor> results(Way way, ScoreMask mask, DType as, Tensor... qkvAndAbove) {
        Tensor[] inputs = new Tensor[4];
        for (int i = 0; i < 4; i++) {
            inputs[i] = qkvAndAbove[i].to(as).copy().requiresGrad(recorded && i < 3);
        }
        if (!recorded) {
            return List.of(way.attend(Attention.scaled((int) headDim), inputs[0], inputs[1], inputs[2], mask));
        }
        try (var on = Gradients.on()) {
            Tensor out = way.attend(Attention.scaled((int) headDim), inputs[0], inputs[1], inputs[2], mask);
            var results = new ArrayList<Tensor>();
            results.add(out.detach());
            out.mul(inputs[3]).sum().backward();
            for (int i = 0; i < 3; i++) {
                @Nullable
                Tensor gradient = inputs[i].grad();
                results.add(gradient == null ? inputs[i].detach().zerosLike() : gradient);
            }
            return results;
        }
    }
}
