package dev.weft.train;

import dev.weft.checkpoint.AtomicFile;
import dev.weft.eval.picture.Chart;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/// How a run went as pictures, from its `metrics.jsonl`: `loss.svg`, and where its evaluations measure more than a loss the
/// first of their values under its name, such as `accuracy.svg`.
public final class LossCurve {
    public static final String FILE = "loss.svg";

    private LossCurve() {}

    /// Draws the run's curves; nothing if it logged nothing.
    public static void draw(Path run) throws IOException {
        List<ObjectNode> lines = MetricsLog.read(run);
        List<Chart.Point> training = points(lines, "loss");
        if (training.isEmpty()) {
            return;
        }
        AtomicFile.write(run.resolve(FILE), svg(training, points(lines, MetricsLog.VALIDATION + "loss")));
        Optional<String> main = lines.stream().flatMap(line -> line.propertyNames().stream())
                .filter(name -> name.startsWith(MetricsLog.VALIDATION)).findFirst()
                .map(name -> name.substring(MetricsLog.VALIDATION.length())).filter(name -> !name.equals("loss"));
        if (main.isPresent()) {
            String name = main.get();
            List<Chart.Point> points = points(lines, MetricsLog.VALIDATION + name);
            if (!points.isEmpty()) {
                AtomicFile.write(run.resolve(name + ".svg"), svg(name, points, training.getLast().x()));
            }
        }
    }

    private static String svg(String name, List<Chart.Point> points, double steps) {
        double low = lowest(points);
        double high = points.stream().mapToDouble(Chart.Point::y).max().orElseThrow();
        double rim = 0.05 * (high - low) + 1e-9 * Math.max(1, Math.abs(high));
        return new Chart("step", new Chart.Range(0, Math.max(1, steps)), "%.0f",
                new Chart.Range(low - rim, high + rim), "%.3f").line(points, "#cc3311", 2)
                .legend(format("validation %s %.4f, highest %.4f", name, points.getLast().y(), high), "#cc3311").svg();
    }

    private static List<Chart.Point> points(List<ObjectNode> lines, String key) {
        var points = new ArrayList<Chart.Point>();
        for (ObjectNode line : lines) {
            // What was undefined, or diverged, cannot be drawn.
            if (line.path(key).isNumber() && Double.isFinite(line.get(key).asDouble())) {
                points.add(new Chart.Point(line.get("step").asDouble(), line.get(key).asDouble()));
            }
        }
        return points;
    }

    private static String svg(List<Chart.Point> training, List<Chart.Point> validation) {
        double low = Math.min(lowest(training), lowest(validation));
        double high = Math.max(training.stream().mapToDouble(Chart.Point::y).max().orElse(1),
                validation.stream().mapToDouble(Chart.Point::y).max().orElse(0));
        var losses = new Chart.Range(low - 0.05 * (high - low) - 1e-9 * Math.max(1, Math.abs(low)), high);
        var steps = new Chart.Range(0, Math.max(1, training.getLast().x()));
        var chart = new Chart("step", steps, "%.0f", losses, "%.2f").line(training, "#4477aa", 1)
                .line(validation, "#cc3311", 2)
                .legend(format("training loss %.4f", training.getLast().y()), "#4477aa");
        if (!validation.isEmpty()) {
            chart.legend(
                    format("validation loss %.4f, lowest %.4f", validation.getLast().y(), lowest(validation)),
                    "#cc3311");
        }
        return chart.svg();
    }

    private static double lowest(List<Chart.Point> points) {
        return points.stream().mapToDouble(Chart.Point::y).min().orElse(Double.POSITIVE_INFINITY);
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
