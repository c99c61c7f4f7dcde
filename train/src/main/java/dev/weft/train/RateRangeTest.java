package dev.weft.train;

import dev.weft.eval.picture.Chart;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Which learning rate to take: the rate rises exponentially from step to step, and where the loss falls fastest is a good
/// one. Smith 2017, §3.3, <https://arxiv.org/abs/1506.01186>.
///
/// @param points what was tried, in order
public record RateRangeTest(List<Point> points) {
    /// Share of earlier losses in the smoothed one.
    private static final double SMOOTHING = 0.9;
    /// Beyond so many times the best smoothed loss a rate is too high.
    private static final double TOO_HIGH = 4;

    /// @param loss     of the step taken at this rate
    /// @param smoothed mean of it and those before, later ones weighing more
    public record Point(double rate, double loss, double smoothed) {}

    /// Takes up to `settings.steps()` steps; ends where the loss explodes. The model and the optimizer are afterwards as they
    /// were before; that needs room for a second copy of both.
    ///
    /// @throws IllegalArgumentException if `from` is not below `to`, or not above 0
    public static <B> RateRangeTest run(Trainer.Task<B> task, Settings settings, double from, double to) {
        if (!(from > 0 && from < to)) {
            throw new IllegalArgumentException(
                    "The rates must be above 0 and rise, found %s to %s".formatted(from, to));
        }
        var schedule = new Schedule.Exponential(from, to, settings.steps());
        var trainer = new Trainer<>(new Trainer.Task<>(task.model(), task.objective(), task.batches(), task.optimizer(),
                schedule, null, task.writer(), task.dataFingerprint()), settings);
        var points = new ArrayList<Point>();
        try (var off = Gradients.off(); var scope = TensorScope.open()) {
            Map<String, Tensor> weights = copies(task.model().parameters());
            Map<String, Tensor> state = copies(task.optimizer().state());
            try (var on = Gradients.on()) {
                points.addAll(climb(trainer, schedule, settings.steps()));
            } finally {
                weights.forEach((name, weight) -> task.model().parameters().get(name).copyInPlace(weight));
                task.optimizer().restore(state);
            }
        }
        return new RateRangeTest(List.copyOf(points));
    }

    private static List<Point> climb(Trainer<?> trainer, Schedule schedule, long steps) {
        var points = new ArrayList<Point>();
        double mean = 0;
        double best = Double.POSITIVE_INFINITY;
        for (long step = 0; step < steps; step++) {
            double loss;
            try {
                loss = trainer.step(step).loss();
            } catch (TrainingFailed exploded) {
                break;
            }
            mean = SMOOTHING * mean + (1 - SMOOTHING) * loss;
            double smoothed = mean / (1 - Math.pow(SMOOTHING, step + 1.0));
            points.add(new Point(schedule.rate(step), loss, smoothed));
            best = Math.min(best, smoothed);
            if (smoothed > TOO_HIGH * Math.abs(best)) {
                break;
            }
        }
        return points;
    }

    private static Map<String, Tensor> copies(Map<String, Tensor> tensors) {
        var copies = new LinkedHashMap<String, Tensor>();
        tensors.forEach((name, tensor) -> copies.put(name, tensor.detach().copy()));
        return copies;
    }

    /// The rate at which the smoothed loss fell fastest, over a tenth of the test; the first tenth, when few losses are in the
    /// mean, does not count.
    ///
    /// @throws IllegalArgumentException if it never fell
    public double steepest() {
        int found = -1;
        double slope = 0;
        int width = Math.max(1, points.size() / 10);
        for (int i = 2 * width; i < points.size(); i++) {
            double change = points.get(i).smoothed() - points.get(i - width).smoothed();
            if (change < slope) {
                slope = change;
                found = i - width / 2;
            }
        }
        if (found < 0) {
            throw new IllegalArgumentException(
                    "The loss fell at none of the %d rates; begin lower, or look at the data".formatted(points.size()));
        }
        return points.get(found).rate();
    }

    /// The smoothed loss over the learning rate, on a scale of powers of ten, with [#steepest] marked where there is one.
    public String svg() {
        double low = points.stream().mapToDouble(Point::smoothed).min().orElseThrow();
        double high = points.stream().limit(Math.max(2, points.size() / 2)).mapToDouble(Point::smoothed).max()
                .orElseThrow() + 1e-9;
        var losses = new Chart.Range(low - 0.05 * (high - low), high);
        var powers = new Chart.Range(Math.log10(points.getFirst().rate()),
                Math.log10(points.getLast().rate()) + 1e-9);
        var chart = new Chart("learning rate, 10 to the power of", powers, "%.1f", losses, "%.2f").line(
                points.stream()
                        .map(point -> new Chart.Point(Math.log10(point.rate()), Math.min(high, point.smoothed())))
                        .toList(),
                "#4477aa", 2);
        try {
            double x = Math.log10(steepest());
            chart.line(List.of(new Chart.Point(x, losses.from()), new Chart.Point(x, high)), "#cc3311", 1)
                    .legend(String.format(Locale.ROOT, "falls fastest at %.2g", steepest()), "#cc3311");
        } catch (IllegalArgumentException e) {
            chart.legend("falls nowhere", "#cc3311");
        }
        return chart.svg();
    }
}
