package dev.weft.nn.attention;

import dev.weft.tensor.Autocast;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Kernels;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Attention for training: nothing of size querySeq × keySeq is stored, the weights are computed again going backward
/// (as in FlashAttention, Dao et al. 2022, §3.1), one example at a time so that they stay in the processor's cache.
///
/// Why not LibTorch's fused kernel: docs/decisions/0004-attention-kernels.md.
record RecomputedAttention(double scale, ScoreMask mask) implements Gradients.Function {

    /// `[batch, seq, 3, heads, headDim]` to three of `[batch, heads, seq, headDim]`.
    static Tensor[] unpacked(Tensor packed) {
        Tensor apart = packed.permute(2, 0, 3, 1, 4);
        return new Tensor[]{apart.select(0, 0), apart.select(0, 1), apart.select(0, 2)};
    }

    private static Tensor[] parts(List<Tensor> inputs) {
        return inputs.size() == 1 ? unpacked(inputs.getFirst()) : inputs.toArray(Tensor[]::new);
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
        try (var plain = Autocast.paused(qkv[0].device())) {
            Tensor weights = Tensor.empty(qkv[0].dtype(), shape[1], shape[2], qkv[1].size(2)).to(qkv[0].device());
            for (long i = 0; i < shape[0]; i++) {
                try (var example = TensorScope.open()) {
                    weights(weights, qkv, i, saved);
                    out.select(0, i).copyInPlace(weights.matmul(qkv[2].select(0, i)));
                }
            }
        }
        return out;
    }

    @Override
    public List<@Nullable Tensor> backward(Tensor gradient, List<Tensor> inputs, List<Tensor> saved) {
        Tensor[] qkv = parts(inputs);
        Tensor[] gradients = new Tensor[3];
        Tensor packed = null;
        if (inputs.size() == 1) {
            packed = like(inputs.getFirst());
            gradients = unpacked(packed);
        } else {
            for (int i = 0; i < 3; i++) {
                gradients[i] = like(qkv[i]);
            }
        }
        long[] shape = qkv[0].shape();
        try (var plain = Autocast.paused(qkv[0].device())) {
            Tensor weights = Tensor.empty(qkv[0].dtype(), shape[1], shape[2], qkv[1].size(2)).to(qkv[0].device());
            Tensor change = like(weights);
            for (long i = 0; i < shape[0]; i++) {
                try (var example = TensorScope.open()) {
                    Tensor above = gradient.select(0, i);
                    weights(weights, qkv, i, saved);
                    gradients[2].select(0, i).copyInPlace(weights.transpose(-2, -1).matmul(above));
                    Kernels.bmmInto(change, above, qkv[2].select(0, i).transpose(-2, -1));
                    Kernels.softmaxBackwardInPlace(change, weights);
                    change.mulInPlace(scale);
                    gradients[0].select(0, i).copyInPlace(change.matmul(qkv[1].select(0, i)));
                    gradients[1].select(0, i).copyInPlace(change.transpose(-2, -1).matmul(qkv[0].select(0, i)));
                }
            }
        }
        return packed == null ? Arrays.asList(gradients) : Arrays.asList(packed);
    }

    /// The weights of example `i`, `[heads, querySeq, keySeq]`, written over `out`.
    private void weights(Tensor out, Tensor[] qkv, long i, List<Tensor> saved) {
        Tensor queries = qkv[0].select(0, i);
        Tensor keys = qkv[1].select(0, i).transpose(-2, -1);
        if (saved.isEmpty()) {
            Kernels.bmmInto(out, queries, keys);
            out.mulInPlace(scale);
        } else {
            Tensor added = saved.getFirst();
            Tensor mine = added.dim() == 4 ? added.select(0, added.size(0) == 1 ? 0 : i) : added;
            Kernels.scaledBmmPlusInto(out, mine.expand(out.shape()), queries, keys, scale);
        }
        Kernels.softmaxInPlace(out);
    }

    private static Tensor like(Tensor tensor) {
        return Tensor.empty(tensor.dtype(), tensor.shape()).to(tensor.device());
    }
}
