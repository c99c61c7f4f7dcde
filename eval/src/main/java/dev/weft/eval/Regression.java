package dev.weft.eval;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/// Numbers against numbers: Pearson's and Spearman's correlation, mean squared and absolute error.
///
/// Matches SciPy's `pearsonr` and `spearmanr` (equal values share their mean rank) and scikit-learn's errors. Keeps two
/// numbers per example.
public final class Regression implements Metric<Double, Double> {
    private final Numbers predicted = new Numbers();
    private final Numbers expected = new Numbers();
    private final Seen seen = new Seen("regression");

    @Override
    public void add(Double predicted, Double expected) {
        seen.finite(predicted, "prediction");
        seen.finite(expected, "expected number");
        this.predicted.add(predicted);
        this.expected.add(expected);
        seen.add();
    }

    /// How close to a line: −1 to 1; NaN if one side is constant.
    public double pearson() {
        seen.some();
        return correlation(predicted.toArray(), expected.toArray());
    }

    /// How alike the order is: −1 to 1; NaN if one side is constant.
    public double spearman() {
        seen.some();
        return correlation(predicted.ranks(), expected.ranks());
    }

    public double meanSquaredError() {
        double examples = seen.some();
        double sum = 0;
        for (int i = 0; i < predicted.size(); i++) {
            sum += Math.pow(predicted.at(i) - expected.at(i), 2);
        }
        return sum / examples;
    }

    public double meanAbsoluteError() {
        double examples = seen.some();
        double sum = 0;
        for (int i = 0; i < predicted.size(); i++) {
            sum += Math.abs(predicted.at(i) - expected.at(i));
        }
        return sum / examples;
    }

    @Override
    public Map<String, Double> values() {
        var values = new LinkedHashMap<String, Double>();
        values.put("pearson", pearson());
        values.put("spearmanr", spearman());
        values.put("mse", meanSquaredError());
        values.put("rmse", Math.sqrt(meanSquaredError()));
        values.put("mae", meanAbsoluteError());
        return values;
    }

    private static double correlation(double[] x, double[] y) {
        double meanX = Arrays.stream(x).average().orElseThrow();
        double meanY = Arrays.stream(y).average().orElseThrow();
        double both = 0;
        double squaresX = 0;
        double squaresY = 0;
        for (int i = 0; i < x.length; i++) {
            both += (x[i] - meanX) * (y[i] - meanY);
            squaresX += (x[i] - meanX) * (x[i] - meanX);
            squaresY += (y[i] - meanY) * (y[i] - meanY);
        }
        // Compared with the values themselves: the mean of equal numbers is often not quite that number.
        boolean constant = Arrays.stream(x).allMatch(value -> value == x[0])
                || Arrays.stream(y).allMatch(value -> value == y[0]);
        // One root each: the product of two tiny sums may be zero.
        return constant ? Double.NaN : Math.clamp(both / Math.sqrt(squaresX) / Math.sqrt(squaresY), -1, 1);
    }
}
