package dev.weft.benchmarks;

import dev.weft.tensor.Engine;
import dev.weft.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Memory over a long run: 2,000 steps of a tiny model, or as the options of [TrainStep] say. Ends with status 1 if it
/// grew after the first quarter.
public final class Soak {
    private static final double ALLOWED_GROWTH = 1.05;

    /// @param residentBytes of the whole process, Java's heap included
    /// @param tensors       native tensors alive
    private record Look(int step, long residentBytes, long tensors) {}

    private Soak() {}

    public static void main(String... args) {
        var all = new ArrayList<>(
                List.of("--layers", "2", "--hidden", "64", "--heads", "4", "--seq", "64", "--batch", "4",
                        "--steps", "2000", "--warmup", "0"));
        all.addAll(List.of(args));
        TrainStep.Options options = TrainStep.Options.parse(all.toArray(String[]::new));
        int steps = options.steps();
        List<Integer> looked = List.of(Math.max(1, steps / 20), steps / 4, steps / 2, steps);
        var looks = new ArrayList<Look>();
        options.train(trainer -> {
            for (int step = 1; step <= steps; step++) {
                trainer.step(step - 1);
                if (looked.contains(step)) {
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
