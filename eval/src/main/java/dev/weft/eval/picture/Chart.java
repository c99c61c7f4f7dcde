package dev.weft.eval.picture;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/// Curves and dots over an axis, with ticks on both sides and a legend in the upper right corner.
public final class Chart {
    private static final int WIDTH = 800;
    private static final int HEIGHT = 400;
    private static final int MARGIN = 56;
    private static final int RIGHT = WIDTH - 16;
    private static final int TOP = 12;

    /// What an axis shows.
    public record Range(double from, double to) {
        public Range {
            if (!(from < to)) {
                throw new IllegalArgumentException("A range must go upwards, found %s to %s".formatted(from, to));
            }
        }
    }

    public record Point(double x, double y) {}

    /// What an axis says at a place.
    public record Tick(double at, String text) {}

    private final Range across;
    private final Range up;
    private final Drawing drawing = new Drawing(WIDTH, HEIGHT);
    private int legends;

    /// @param name         of the horizontal axis
    /// @param acrossFormat how its ticks are written, as for [String#format]
    /// @param upFormat     how those of the vertical axis are
    public Chart(String name, Range across, String acrossFormat, Range up, String upFormat) {
        this(name, across, IntStream.rangeClosed(0, 4).mapToDouble(i -> across.from + (across.to - across.from) * i / 4)
                .mapToObj(x -> new Tick(x, Drawing.format(acrossFormat, x))).toList(), up, upFormat);
    }

    /// With ticks of one's own along the horizontal axis.
    public Chart(String name, Range across, List<Tick> ticks, Range up, String upFormat) {
        this.across = across;
        this.up = up;
        for (int tick = 0; tick <= 4; tick++) {
            double y = up.from + (up.to - up.from) * tick / 4;
            drawing.line(MARGIN, down(y), RIGHT, down(y), "#ddd");
            drawing.text(MARGIN - 6, down(y) + 4, Drawing.Anchor.END, "black", Drawing.format(upFormat, y));
        }
        for (Tick tick : ticks) {
            drawing.text(across(tick.at), HEIGHT - MARGIN + 18, Drawing.Anchor.MIDDLE, "black", tick.text);
        }
        drawing.text(WIDTH / 2.0, HEIGHT - 12, Drawing.Anchor.MIDDLE, "black", name);
    }

    /// A curve through the points; nothing if there are none.
    public Chart line(List<Point> points, String colour, int width) {
        if (!points.isEmpty()) {
            var path = new StringBuilder();
            for (Point point : thinned(points)) {
                path.append(Drawing.format("%.1f,%.1f ", across(point.x), down(point.y)));
            }
            drawing.lines(path.toString(), colour, width);
        }
        return this;
    }

    /// A dot at each point.
    public Chart dots(List<Point> points, String colour) {
        points.forEach(point -> drawing.circle(across(point.x), down(point.y), 4, colour));
        return this;
    }

    /// A column from the horizontal axis up to `y`.
    public Chart bar(double from, double to, double y, String colour) {
        drawing.rectangle(across(from) + 1, down(y), across(to) - across(from) - 2, down(up.from) - down(y), colour);
        return this;
    }

    /// A line of the legend, in the colour of what it explains.
    public Chart legend(String text, String colour) {
        drawing.text(WIDTH - 300, 20 + 18 * legends++, Drawing.Anchor.START, colour, text);
        return this;
    }

    public String svg() {
        return drawing.svg();
    }

    /// At most two points a pixel, each the mean of its neighbours: more would only be noise and bytes.
    private static List<Point> thinned(List<Point> points) {
        int group = Math.max(1, points.size() / WIDTH);
        var thin = new ArrayList<Point>();
        for (int i = 0; i < points.size(); i += group) {
            List<Point> near = points.subList(i, Math.min(points.size(), i + group));
            thin.add(new Point(near.getLast().x, near.stream().mapToDouble(Point::y).average().orElseThrow()));
        }
        return thin;
    }

    private double across(double x) {
        return MARGIN + (RIGHT - MARGIN) * (x - across.from) / (across.to - across.from);
    }

    private double down(double y) {
        return HEIGHT - MARGIN - (HEIGHT - MARGIN - TOP) * (y - up.from) / (up.to - up.from);
    }
}
