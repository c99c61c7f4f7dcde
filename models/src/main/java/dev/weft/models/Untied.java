package dev.weft.models;

import dev.weft.models.heads.PretrainedModel;
import dev.weft.nn.Init;
import dev.weft.nn.WeightSource;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.Arrays;
import java.util.Set;

/// A model's weights, and for an output matrix that it lacks a copy of its input embedding.
record Untied(PretrainedModel base) implements WeightSource {
    @Override
    public Set<String> names() {
        return base.parameters().keySet();
    }

    @Override
    public Set<String> grown() {
        return base.context().weights().grown();
    }

    @Override
    public Tensor read(String name, Init init, long... shape) {
        Tensor own = base.parameters().get(name);
        Tensor embedding = base.textBackbone().tokens().weight();
        if (own == null && !Arrays.equals(embedding.shape(), shape)) {
            throw new IllegalArgumentException("The base has no `%s`".formatted(name));
        }
        try (var off = Gradients.off()) {
            return TensorScope.tidy(() -> own == null ? embedding.detach().copy() : own.detach()).unscoped()
                    .requiresGrad((own == null ? embedding : own).requiresGrad());
        }
    }
}
