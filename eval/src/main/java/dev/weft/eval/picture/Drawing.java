package dev.weft.eval.picture;

import java.util.Locale;

/// An SVG picture, shape by shape. Lengths are in pixels from the upper left corner.
public final class Drawing {
    /// Where a text lies around its point.
    public enum Anchor {
        START, MIDDLE, END
    }

    private final StringBuilder shapes = new StringBuilder();

    public Drawing(double width, double height) {
        shapes.append(format("""
                <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" font-family="sans-serif" font-size="12">
                <rect width="100%%" height="100%%" fill="white"/>
                """, width, height));
    }

    public void line(double x1, double y1, double x2, double y2, String colour) {
        shapes.append(format("<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' stroke='%s'/>\n", x1, x2, y1, y2, colour));
    }

    /// Connected lines.
    ///
    /// @param points `x,y` pairs with a space after each
    void lines(String points, String colour, int width) {
        shapes.append(format("<polyline fill='none' stroke='%s' stroke-width='%d' points='%s'/>\n", colour, width,
                points));
    }

    public void rectangle(double x, double y, double width, double height, String colour) {
        shapes.append(format("<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' fill='%s'/>\n", x, y, width, height,
                colour));
    }

    void circle(double x, double y, double radius, String colour) {
        shapes.append(format("<circle cx='%.1f' cy='%.1f' r='%.1f' fill='%s'/>\n", x, y, radius, colour));
    }

    public void text(double x, double y, Anchor anchor, String colour, String text) {
        shapes.append(format("<text x='%.1f' y='%.1f' text-anchor='%s' fill='%s'>", x, y,
                anchor.name().toLowerCase(Locale.ROOT), colour)).append(escaped(text)).append("</text>\n");
    }

    /// The file.
    public String svg() {
        return shapes + "</svg>\n";
    }

    private static String escaped(String text) {
        var escaped = new StringBuilder();
        text.codePoints().forEach(character -> {
            switch (character) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                // XML has no place for other control characters and single surrogates.
                default -> escaped.appendCodePoint(
                        character < 0x20 || character >= 0xd800 && character < 0xe000 || character == 0xfffe
                                || character == 0xffff ? 0xfffd : character);
            }
        });
        return escaped.toString();
    }

    static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
