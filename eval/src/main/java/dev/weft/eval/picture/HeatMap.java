package dev.weft.eval.picture;

import java.util.List;

/// A table of numbers from 0 to 1, dark where they are high: a confusion matrix, the attention of a translation.
///
/// @param rowsName what the rows are
/// @param shares   `[rows, columns]`, from 0 to 1
/// @param texts    `[rows, columns]`, what stands in the fields; `""` for nothing
public record HeatMap(String rowsName, List<String> rows, String columnsName, List<String> columns, double[][] shares,
        String[][] texts) {
    private static final int FIELD = 48;
    private static final int LETTER = 7;

    public HeatMap {
        if (shares.length != rows.size() || texts.length != rows.size()) {
            throw new IllegalArgumentException(
                    "Expected %d rows, one for each name, found %d of numbers and %d of texts"
                            .formatted(rows.size(), shares.length, texts.length));
        }
        for (int row = 0; row < rows.size(); row++) {
            if (shares[row].length != columns.size() || texts[row].length != columns.size()) {
                throw new IllegalArgumentException("Row %s: expected %d columns, found %d numbers and %d texts"
                        .formatted(rows.get(row), columns.size(), shares[row].length, texts[row].length));
            }
        }
    }

    public String svg() {
        double left = 24 + LETTER * longest(rows);
        double top = 40;
        // Names of columns go down in steps where they are wider than their fields.
        int steps = Math.max(1, (int) Math.ceil(LETTER * longest(columns) / (double) FIELD));
        double bottom = top + FIELD * rows.size();
        double width = Math.max(left + FIELD * columns.size() + LETTER * longest(columns) / 2.0 + 8,
                LETTER * (rowsName.length() + columnsName.length() + 12));
        var drawing = new Drawing(width, bottom + 16 * steps + 12);
        drawing.text(8, 20, Drawing.Anchor.START, "black", rowsName + " ↓   " + columnsName + " →");
        for (int row = 0; row < rows.size(); row++) {
            double y = top + FIELD * row;
            drawing.text(left - 8, y + FIELD / 2.0 + 4, Drawing.Anchor.END, "black", rows.get(row));
            for (int column = 0; column < columns.size(); column++) {
                double x = left + FIELD * column;
                double share = Math.clamp(shares[row][column], 0, 1);
                drawing.rectangle(x, y, FIELD - 1, FIELD - 1, colour(share));
                drawing.text(x + FIELD / 2.0, y + FIELD / 2.0 + 4, Drawing.Anchor.MIDDLE,
                        share > 0.5 ? "white" : "black", texts[row][column]);
            }
        }
        for (int column = 0; column < columns.size(); column++) {
            drawing.text(left + FIELD * (column + 0.5), bottom + 16 * (1 + column % steps), Drawing.Anchor.MIDDLE,
                    "black", columns.get(column));
        }
        return drawing.svg();
    }

    private static int longest(List<String> names) {
        return names.stream().mapToInt(String::length).max().orElse(0);
    }

    /// From a light grey to blue.
    private static String colour(double share) {
        return "#%02x%02x%02x".formatted(mixed(0xf0, 0x22, share), mixed(0xf2, 0x55, share), mixed(0xf5, 0x99, share));
    }

    private static int mixed(int low, int high, double share) {
        return (int) Math.round(low + (high - low) * share);
    }
}
