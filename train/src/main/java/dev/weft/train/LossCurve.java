package dev.weft.train;

import dev.weft.checkpoint.AtomicFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.node.ObjectNode;

/// The loss over the steps of a run as a picture, `loss.svg`, from its `metrics.jsonl`.
public final class LossCurve {
    public static final String FILE = "loss.svg";
    private static final int WIDTH = 800;
    private static final int HEIGHT = 400;
    private static final int MARGIN = 56;

    private record Point(double x, double y) {}

    private LossCurve() {}

    /// Draws the run's curve; nothing if it logged nothing.
    public static void draw(Path run) throws IOException {
        List<ObjectNode> lines = MetricsLog.read(run);
        List<Point> training = points(lines, "loss");
        List<Point> validation = points(lines, "validation_loss");
        if (!training.isEmpty()) {
            AtomicFile.write(run.resolve(FILE), svg(training, validation));
        }
    }

    private static List<Point> points(List<ObjectNode> lines, String key) {
        var points = new ArrayList<Point>();
        for (ObjectNode line : lines) {
            if (line.has(key)) {
                points.add(new Point(line.get("step").asDouble(), line.get(key).asDouble()));
            }
        }
        return points;
    }

    private static String svg(List<Point> training, List<Point> validation) {
        double lastStep = Math.max(1, training.getLast().x());
        double low = Math.min(lowest(training), lowest(validation));
        double high = Math.max(training.stream().mapToDouble(Point::y).max().orElse(1),
                validation.stream().mapToDouble(Point::y).max().orElse(0));
        double bottom = low - 0.05 * (high - low) - 1e-9;
        var text = new StringBuilder("""
                <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">
                <rect width="100%%" height="100%%" fill="white"/>
                """.formatted(WIDTH, HEIGHT));
        for (int tick = 0; tick <= 4; tick++) {
            double y = bottom + (high - bottom) * tick / 4;
            double step = lastStep * tick / 4;
            text.append(format("<line x1='%d' x2='%d' y1='%.1f' y2='%.1f' stroke='#ddd'/>%n", MARGIN, WIDTH - 16,
                    down(y, bottom, high), down(y, bottom, high)));
            text.append(format("<text x='%d' y='%.1f' text-anchor='end'>%.2f</text>%n", MARGIN - 6,
                    down(y, bottom, high) + 4, y));
            text.append(format("<text x='%.1f' y='%d' text-anchor='middle'>%.0f</text>%n", across(step, lastStep),
                    HEIGHT - MARGIN + 18, step));
        }
        text.append(line(thinned(training), lastStep, bottom, high, "#4477aa", 1));
        text.append(line(validation, lastStep, bottom, high, "#cc3311", 2));
        text.append(format("<text x='%d' y='%d' text-anchor='middle'>step</text>%n", WIDTH / 2, HEIGHT - 12));
        text.append(format("<text x='%d' y='20' fill='#4477aa'>training loss %.4f</text>%n", WIDTH - 300,
                training.getLast().y()));
        if (!validation.isEmpty()) {
            text.append(
                    format("<text x='%d' y='38' fill='#cc3311'>validation loss %.4f, lowest %.4f</text>%n", WIDTH - 300,
                            validation.getLast().y(), lowest(validation)));
        }
        return text.append("</svg>\n").toString();
    }

    /// At most two points a pixel, each the mean of its neighbours: more would only be noise and bytes.
    private static List<Point> thinned(List<Point> points) {
        int group = Math.max(1, points.size() / WIDTH);
        var thin = new ArrayList<Point>();
        for (int i = 0; i < points.size(); i += group) {
            List<Point> near = points.subList(i, Math.min(points.size(), i + group));
            thin.add(new Point(near.getLast().x(), near.stream().mapToDouble(Point::y).average().orElseThrow()));
        }
        return thin;
    }

    private static String line(List<Point> points, double lastStep, double low, double high, String colour, int width) {
        if (points.isEmpty()) {
            return "";
        }
        var path = new StringBuilder(
                format("<polyline fill='none' stroke='%s' stroke-width='%d' points='", colour, width));
        for (Point point : points) {
            path.append(format("%.1f,%.1f ", across(point.x(), lastStep), down(point.y(), low, high)));
        }
        return path.append("'/>\n").toString();
    }

    private static double across(double step, double last) {
        return MARGIN + (WIDTH - MARGIN - 16) * step / last;
    }

    private static double down(double loss, double low, double high) {
        return HEIGHT - MARGIN - (HEIGHT - MARGIN - 12) * (loss - low) / (high - low);
    }

    private static double lowest(List<Point> points) {
        return points.stream().mapToDouble(Point::y).min().orElse(Double.POSITIVE_INFINITY);
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
