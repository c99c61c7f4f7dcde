package dev.weft.benchmarks;

import dev.weft.tensor.Engine;
import dev.weft.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Locale;
import java.util.Set;

/// Memory over a long run: 2,000 steps of a tiny model. Ends with status 1 if it grew after the first 500 steps.
public final class Soak {
    private static final Set<Integer> LOOKED_AT = Set.of(100, 500, 1000, 2000);
    private static final double ALLOWED_GROWTH = 1.05;

    /// @param residentBytes of the whole process, Java's heap included
    /// @param tensors       native tensors alive
    private record Look(int step, long residentBytes, long tensors) {}

    private Soak() {}

    public static void main(String... args) {
        var looks = new ArrayList<Look>();
        TrainStep.Options
                .parse("--layers", "2", "--hidden", "64", "--heads", "4", "--seq", "64", "--batch", "4", "--steps",
                        "2000", "--warmup", "0")
                .train(trainer -> {
                    for (int step = 1; step <= 2000; step++) {
                        trainer.step(step - 1);
                        if (LOOKED_AT.contains(step)) {
                            var look = new Look(step, Engine.residentBytes(), TensorScope.liveTensors());
                            looks.add(look);
                            System.out.printf(Locale.ROOT, "step %5d  resident %7.1f MB  tensors %d%n", look.step(),
                                    look.residentBytes() / 1e6, look.tensors());
                        }
                    }
                });
        Look settled = looks.get(1);
        Look last = looks.getLast();
        double growth = (double) last.residentBytes() / settled.residentBytes();
        boolean flat = growth < ALLOWED_GROWTH && last.tensors() == settled.tensors();
        System.out.printf(Locale.ROOT, "from step %d to %d: memory × %.3f, tensors %+d: %s%n", settled.step(),
                last.step(),
                growth, last.tensors() - settled.tensors(), flat ? "flat" : "IT GROWS");
        System.exit(flat ? 0 : 1);
    }
}
