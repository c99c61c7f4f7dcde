package dev.weft.models.heads;

import dev.weft.nn.CrossEntropy;
import dev.weft.nn.Loss;
import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import java.util.Map;
import java.util.stream.IntStream;

/// What the reference computes from logits and labels, as sums, in float32 whatever the logits are.
final class Losses {
    private Losses() {}

    static Tensor given(Map<String, Tensor> inputs, String name) {
        Tensor labels = inputs.get(name);
        if (labels == null) {
            throw new IllegalArgumentException("The loss needs " + name + ", found " + inputs.keySet());
        }
        return labels;
    }

    /// How many labels count.
    static long counted(Tensor labels) {
        return labels.ne(CrossEntropy.IGNORED).to(DType.INT64).sum().itemLong();
    }

    /// Places and their labels.
    ///
    /// @param hidden `[1, n, hidden]`
    /// @param labels `[1, n]`
    record Asked(Tensor hidden, Tensor labels) {}

    /// The places whose labels count, of `[batch, seq, hidden]` and `[batch, seq]`; all of them where none counts. With 15%
    /// of the tokens masked, scores of the vocabulary cost a seventh.
    static Asked asked(Tensor hidden, Tensor labels) {
        long[] given = labels.toLongs();
        long[] counting = IntStream.range(0, given.length).filter(i -> given[i] != CrossEntropy.IGNORED).asLongStream()
                .toArray();
        if (counting.length == 0) {
            return new Asked(hidden, labels);
        }
        Tensor places = Tensor.of(counting, counting.length).to(hidden.device());
        return new Asked(hidden.flatten(0, 1).indexSelect(0, places).unsqueeze(0),
                labels.reshape(-1).indexSelect(0, places).unsqueeze(0));
    }

    /// −log softmax(logits)[label] over the labels that count: `[..., classes]` and `[...]`.
    static Loss crossEntropy(Tensor logits, Tensor labels, double smoothing) {
        return Loss.of(
                CrossEntropy.sum(logits.reshape(-1, logits.size(-1)), labels.reshape(-1), CrossEntropy.IGNORED,
                        smoothing),
                counted(labels));
    }

    /// The labels that each position's logits but the last's are compared with: those after it.
    static Tensor next(Tensor labels) {
        return labels.narrow(1, 1, labels.size(1) - 1);
    }

    /// −log σ(logit) where the label is 1, −log(1 − σ(logit)) where it is 0, of each element.
    static Tensor binaryCrossEntropy(Tensor logits, Tensor labels) {
        Tensor x = wide(logits);
        // log(1 + eˣ) − xy, written so that it cannot overflow
        return x.relu().sub(x.mul(labels.to(x.dtype()))).add(x.abs().neg().exp().add(1).log());
    }

    static Loss squared(Tensor logits, Tensor labels) {
        Tensor x = wide(logits).reshape(-1);
        Tensor difference = x.sub(labels.reshape(-1).to(x.dtype()));
        return Loss.of(difference.mul(difference).sum(), labels.count());
    }

    static Tensor wide(Tensor logits) {
        return logits.dtype() == DType.FLOAT64 ? logits : logits.to(DType.FLOAT32);
    }
}
