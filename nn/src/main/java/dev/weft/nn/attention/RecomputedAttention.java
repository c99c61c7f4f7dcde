package dev.weft.nn.attention;

import dev.weft.nn.ScoreMask;
import dev.weft.tensor.Autocast;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Kernels;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Attention for training: nothing of size querySeq × keySeq is stored, the weights are computed again going backward
/// (as in FlashAttention, Dao et al. 2022, §3.1), a few examples at a time so that they stay in the processor's cache.
///
/// When this and when LibTorch's fused kernel: docs/decisions/0004-attention-kernels.md.
record RecomputedAttention(double scale, ScoreMask mask) implements Gradients.Function {
    /// Weights held at once: 2 MiB of float32, what a core's own cache takes.
    private static final long WEIGHTS_AT_ONCE = 1 << 19;

    /// `[batch, seq, 3, heads, headDim]` to three of `[batch, heads, seq, headDim]`.
    static Tensor[] unpacked(Tensor packed) {
        return packed.permute(2, 0, 3, 1, 4).unbind(0).toArray(Tensor[]::new);
    }

    private static Tensor[] parts(List<Tensor> inputs) {
        return inputs.size() == 1 ? unpacked(inputs.getFirst()) : inputs.toArray(Tensor[]::new);
    }

    /// Some examples of queries, keys and values, `[examples · heads, seq, headDim]` each.
    private record Part(Tensor queries, Tensor keys, Tensor values, long first, long examples, long heads) {
        static Part of(Tensor[] qkv, long first, long examples) {
            return new Part(rows(qkv[0], first, examples), rows(qkv[1], first, examples), rows(qkv[2], first, examples),
                    first,
                    examples, qkv[0].size(1));
        }

        private static Tensor rows(Tensor x, long first, long examples) {
            return x.narrow(0, first, examples).flatten(0, 1);
        }

        /// Writes `rows [examples · heads, seq, headDim]` to where these examples lie in `into`.
        void write(Tensor into, Tensor rows) {
            into.narrow(0, first, examples).copyInPlace(rows.view(examples, heads, rows.size(1), rows.size(2)));
        }
    }

    @Override
    public Tensor forward(List<Tensor> inputs, List<Tensor> saved) {
        Tensor[] qkv = parts(inputs);
        long[] shape = qkv[0].shape();
        Tensor added = mask.additive(qkv[0].dtype());
        if (added != null) {
            // A handle of our own: the mask's goes with the forward pass.
            saved.add(added.detach());
        }
        // Laid out as [batch, seq, heads, headDim], which is how the next projection reads it.
        Tensor out = Tensor.empty(qkv[0].dtype(), shape[0], shape[2], shape[1], qkv[2].size(3)).to(qkv[0].device())
                .transpose(1, 2);
        eachPart(qkv, saved, (part, weights) -> part.write(out, weights.matmul(part.values())));
        return out;
    }

    @Override
    public List<@Nullable Tensor> backward(Tensor gradient, List<Tensor> inputs, List<Tensor> saved) {
        Tensor[] qkv = parts(inputs);
        List<Tensor> results = inputs.stream().map(RecomputedAttention::like).toList();
        Tensor[] gradients = parts(results);
        eachPart(qkv, saved, (part, weights) -> {
            Tensor above = Part.rows(gradient, part.first(), part.examples());
            part.write(gradients[2], weights.transpose(-2, -1).matmul(above));
            Tensor change = above.matmul(part.values().transpose(-2, -1));
            Kernels.softmaxBackwardInPlace(change, weights);
            part.write(gradients[0], change.matmul(part.keys()).mulInPlace(scale));
            part.write(gradients[1], change.transpose(-2, -1).matmul(part.queries()).mulInPlace(scale));
        });
        return new ArrayList<>(results);
    }

    private interface Work {
        /// @param weights `[examples · heads, querySeq, keySeq]`
        void on(Part part, Tensor weights);
    }

    private void eachPart(Tensor[] qkv, List<Tensor> saved, Work work) {
        long batch = qkv[0].size(0);
        long heads = qkv[0].size(1);
        long perExample = heads * qkv[0].size(2) * qkv[1].size(2);
        long step = Math.clamp(WEIGHTS_AT_ONCE / perExample, 1, batch);
        try (var plain = Autocast.paused(qkv[0].device())) {
            for (long first = 0; first < batch; first += step) {
                try (var scope = TensorScope.open()) {
                    Part part = Part.of(qkv, first, Math.min(step, batch - first));
                    work.on(part, weights(part, saved));
                }
            }
        }
    }

    private Tensor weights(Part part, List<Tensor> saved) {
        Tensor keys = part.keys().transpose(-2, -1);
        Tensor weights = Tensor.empty(keys.dtype(), part.queries().size(0), part.queries().size(1), keys.size(2))
                .to(keys.device());
        if (saved.isEmpty()) {
            Kernels.bmmInto(weights, part.queries(), keys);
            weights.mulInPlace(scale);
        } else {
            Kernels.scaledBmmPlusInto(weights, added(part, saved.getFirst(), weights.shape()), part.queries(), keys,
                    scale);
        }
        Kernels.softmaxInPlace(weights);
        return weights;
    }

    /// The mask of these examples, broadcast to `[examples · heads, querySeq, keySeq]`.
    private static Tensor added(Part part, Tensor mask, long[] shape) {
        if (mask.dim() < 4) {
            return mask.expand(shape);
        }
        Tensor mine = mask.size(0) == 1 ? mask : mask.narrow(0, part.first(), part.examples());
        return mine.expand(part.examples(), part.heads(), shape[1], shape[2]).reshape(shape);
    }

    private static Tensor like(Tensor tensor) {
        return Tensor.empty(tensor.dtype(), tensor.shape()).to(tensor.device());
    }
}
