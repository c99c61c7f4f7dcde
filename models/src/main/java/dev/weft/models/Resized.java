package dev.weft.models;

import dev.weft.models.heads.PretrainedModel;
import dev.weft.nn.Init;
import dev.weft.nn.WeightSource;
import dev.weft.tensor.DType;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// A model's weights for another number of ids.
final class Resized implements WeightSource {
    private final PretrainedModel base;
    private final Map<String, Tensor> weights;
    private final int from;
    private final int to;
    private final @Nullable WeightSource fresh;
    private final Set<String> grown = new TreeSet<>();

    /// @param fresh makes rows that are added; null: they are the mean of the others
    Resized(PretrainedModel base, int from, int to, @Nullable WeightSource fresh) {
        this.base = base;
        weights = base.parameters();
        this.from = from;
        this.to = to;
        this.fresh = fresh;
    }

    @Override
    public Set<String> names() {
        return weights.keySet();
    }

    @Override
    public Set<String> grown() {
        return grown;
    }

    @Override
    public Tensor read(String name, Init init, long... shape) {
        Tensor own = weights.get(name);
        if (own == null) {
            throw new IllegalArgumentException("The base has no `%s`".formatted(name));
        }
        boolean trained = own.requiresGrad();
        try (var off = Gradients.off()) {
            return TensorScope.tidy(() -> resized(name, own.detach(), init, shape)).unscoped().requiresGrad(trained);
        }
    }

    private Tensor resized(String name, Tensor own, Init init, long... shape) {
        int[] axes = IntStream.range(0, shape.length).filter(axis -> own.size(axis) != shape[axis]).toArray();
        if (axes.length == 0) {
            return own;
        }
        if (axes.length > 1 || own.size(axes[0]) != from || shape[axes[0]] != to) {
            throw new IllegalArgumentException("`%s` is %s here and %s for %d ids: not only its number of ids differs"
                    .formatted(name, Arrays.toString(own.shape()), Arrays.toString(shape), to));
        }
        int axis = axes[0];
        if (to < from) {
            return own.narrow(axis, 0, to).copy();
        }
        grown.add(name);
        return Tensor.cat(List.of(own, added(name, own, init, axis, shape).to(own.dtype()).to(own.device())), axis);
    }

    private Tensor added(String name, Tensor own, Init init, int axis, long... shape) {
        if (fresh != null) {
            try (Tensor whole = fresh.read(name, init, shape)) {
                return whole.narrow(axis, from, to - from).copy();
            }
        }
        long[] rows = shape.clone();
        rows[axis] = to - from;
        // What is never trained, BART's shift of scores, is zero where nobody set it.
        return base.context().weights().trains(name)
                ? own.to(DType.FLOAT32).mean(axis, true).expand(rows)
                : Tensor.zeros(own.dtype(), rows);
    }
}
