package dev.weft.tensor;

import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// Operations over all parameters at once: one call, no loop in Java, no transfer to the host.
///
/// Each has a plain form, one tensor after the other, which is used where the fused one is not proven ([FastPath]).
public final class Updates {
    private Updates() {}

    /// One step of AdamW (Loshchilov & Hutter 2019) in place, fused: per parameter
    /// `p ← p − lr·wd·p`, then `p ← p − lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + eps)`.
    ///
    /// @param steps how many updates each has had, this one included; `[]` of float32 each
    public static void adamW(List<Tensor> parameters, List<Tensor> gradients, List<Tensor> first, List<Tensor> second,
            List<Tensor> steps, double learningRate, double beta1, double beta2, double weightDecay, double eps) {
        if (parameters.isEmpty()) {
            return;
        }
        var step = new AdamW(parameters, gradients, first, second, steps, learningRate, beta1, beta2, weightDecay,
                eps);
        if (proven("AdamW", parameters, Updates::adamWTrial)) {
            step.fused();
        } else {
            step.plain();
        }
    }

    private record AdamW(List<Tensor> parameters, List<Tensor> gradients, List<Tensor> first, List<Tensor> second,
            List<Tensor> steps, double learningRate, double beta1, double beta2, double weightDecay, double eps) {

        void fused() {
            AtenOps.call(AtenOps.Op.FUSED_ADAMW, array(parameters), array(gradients), array(first), array(second),
                    new Tensor[0],
                    array(steps), learningRate, beta1, beta2, weightDecay, eps, false, false, AtenOps.None.NONE,
                    AtenOps.None.NONE).close();
        }

        void plain() {
            for (int i = 0; i < parameters.size(); i++) {
                try (var scope = TensorScope.open(); var off = Gradients.off()) {
                    Tensor gradient = gradients.get(i);
                    double step = steps.get(i).item();
                    parameters.get(i).mulInPlace(1 - learningRate * weightDecay);
                    first.get(i).mulInPlace(beta1).addInPlace(gradient, 1 - beta1);
                    second.get(i).mulInPlace(beta2).addInPlace(gradient.mul(gradient), 1 - beta2);
                    Tensor root = second.get(i).sqrt().div(Math.sqrt(1 - Math.pow(beta2, step))).add(eps);
                    parameters.get(i).addInPlace(first.get(i).div(root),
                            -learningRate / (1 - Math.pow(beta1, step)));
                }
            }
        }
    }

    /// √(Σ of all squares) over all tensors, `[]`.
    public static Tensor globalNorm(List<Tensor> tensors) {
        return proven("norms", tensors, Updates::normTrial) ? fusedNorm(tensors) : plainNorm(tensors);
    }

    private static Tensor fusedNorm(List<Tensor> tensors) {
        try (var norms = AtenOps.call(AtenOps.Op.FOREACH_NORM, array(tensors), 2L, AtenOps.None.NONE);
                var list = norms.get(0);
                var parts = list.toTensorVector();
                var inner = TensorScope.open()) {
            Tensor stacked = Tensor.produce("stack", () -> org.bytedeco.pytorch.global.torch.stack(parts));
            return inner.keep(stacked.mul(stacked).sum().sqrt());
        }
    }

    private static Tensor plainNorm(List<Tensor> tensors) {
        return TensorScope.tidy(() -> Tensor
                .stack(tensors.stream().map(each -> each.mul(each).sum()).toList(), 0).sum().sqrt());
    }

    /// Multiplies every tensor in place by the one number of `factor`.
    public static void scale(List<Tensor> tensors, Tensor factor) {
        if (proven("scaling", tensors, like -> changed(like, each -> AtenOps.call(AtenOps.Op.FOREACH_MUL,
                array(each), Tensor.scalar(0.3).to(like.device())).close(), each -> each.mulInPlace(0.3)))) {
            AtenOps.call(AtenOps.Op.FOREACH_MUL, array(tensors), factor).close();
        } else {
            tensors.forEach(each -> each.mulInPlace(factor.to(each.dtype())));
        }
    }

    /// Adds one number to every tensor in place.
    public static void add(List<Tensor> tensors, double number) {
        if (proven("adding", tensors, like -> changed(like,
                each -> AtenOps.call(AtenOps.Op.FOREACH_ADD, array(each), 0.3).close(),
                each -> each.copyInPlace(each.add(0.3))))) {
            AtenOps.call(AtenOps.Op.FOREACH_ADD, array(tensors), number).close();
        } else {
            tensors.forEach(each -> each.copyInPlace(each.add(number)));
        }
    }

    private interface TrialOf {
        FastPath.Trial like(Tensor one);
    }

    private static boolean proven(String which, List<Tensor> tensors, TrialOf trial) {
        return tensors.isEmpty() || FastPath.FUSED_UPDATES.proven(
                List.of(which, tensors.getFirst().dtype(), tensors.getFirst().device()),
                () -> trial.like(tensors.getFirst()));
    }

    /// Random tensors of several sizes, with odd ends, of the type and device of one.
    private static List<Tensor> any(Tensor like, long seed) {
        try (var random = Randomness.seeded(seed)) {
            return Stream.of(new long[]{1}, new long[]{17}, new long[]{3, 43}, new long[]{1031})
                    .map(shape -> random.normal(0, 1, shape).to(like.dtype()).to(like.device())).toList();
        }
    }

    private static FastPath.Trial adamWTrial(Tensor like) {
        List<List<Tensor>> ends = Stream.<Consumer<AdamW>>of(AdamW::fused, AdamW::plain).map(way -> {
            List<Tensor> parameters = any(like, 1);
            List<Tensor> first = any(like, 2).stream().map(each -> each.mul(0.1)).toList();
            List<Tensor> second = any(like, 3).stream().map(each -> each.mul(each)).toList();
            List<Tensor> steps = parameters.stream().map(each -> Tensor.scalar(3).to(like.device())).toList();
            way.accept(new AdamW(parameters, any(like, 4), first, second, steps, 0.01, 0.9, 0.99, 0.1, 1e-8));
            return Stream.of(parameters, first, second).flatMap(List::stream).toList();
        }).toList();
        return trial(ends.getFirst(), ends.getLast());
    }

    private static FastPath.Trial normTrial(Tensor like) {
        List<Tensor> tensors = any(like, 5);
        return FastPath.Trial.of(fusedNorm(tensors), plainNorm(tensors.stream().map(each -> each.to(DType.FLOAT32))
                .toList()), FastPath.Trial.rounding(like.dtype(), 1024));
    }

    private static FastPath.Trial changed(Tensor like, Consumer<List<Tensor>> fused, Consumer<Tensor> plain) {
        List<Tensor> found = any(like, 6);
        fused.accept(found);
        List<Tensor> wanted = any(like, 6);
        wanted.forEach(plain);
        return trial(found, wanted);
    }

    private static FastPath.Trial trial(List<Tensor> found, List<Tensor> wanted) {
        FastPath.Trial all = new FastPath.Trial(0);
        for (int i = 0; i < found.size(); i++) {
            all = all.and(
                    FastPath.Trial.of(found.get(i), wanted.get(i), FastPath.Trial.rounding(wanted.get(i).dtype(), 16)));
        }
        return all;
    }

    private static Tensor[] array(List<Tensor> tensors) {
        return tensors.toArray(Tensor[]::new);
    }
}
