package dev.weft.eval;

import dev.weft.eval.picture.Chart;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Whether a model is right as often as it says: the expected calibration error, and its reliability curve.
///
/// Guo et al. 2017, <https://arxiv.org/abs/1706.04599>, §2: answers lie in bins of equal width by their confidence, a
/// confidence on a border in the lower one; the error is the mean distance of accuracy and confidence over all answers.
public final class Calibration implements Metric<Double, Boolean> {
    /// The answers of like confidence: `from` without, `to` included.
    ///
    /// @param confidence their mean confidence
    /// @param accuracy   the share that is right
    public record Bin(double from, double to, long count, double confidence, double accuracy) {}

    private final long[] counts;
    private final double[] confidences;
    private final long[] right;
    private final Seen seen = new Seen("calibration");

    /// 15 bins, as in the paper.
    public Calibration() {
        this(15);
    }

    public Calibration(int bins) {
        if (bins < 1) {
            throw new IllegalArgumentException("Calibration needs at least one bin, found " + bins);
        }
        counts = new long[bins];
        confidences = new double[bins];
        right = new long[bins];
    }

    /// @param confidence the probability that the model gave its answer, 0 to 1
    /// @param correct    whether the answer was right
    @Override
    public void add(Double confidence, Boolean correct) {
        seen.finite(confidence, "confidence");
        if (confidence < 0 || confidence > 1) {
            throw seen.wrong("the confidence is " + confidence + "; it must be a probability from 0 to 1");
        }
        int bin = Math.max(0, (int) Math.ceil(confidence * counts.length) - 1);
        if (bin > 0 && confidence <= (double) bin / counts.length) {
            bin--; // the product was rounded up beyond a border
        }
        counts[bin]++;
        confidences[bin] += confidence;
        right[bin] += correct ? 1 : 0;
        seen.add();
    }

    /// The bins that are not empty.
    public List<Bin> bins() {
        var bins = new ArrayList<Bin>();
        for (int i = 0; i < counts.length; i++) {
            if (counts[i] > 0) {
                bins.add(new Bin((double) i / counts.length, (i + 1.0) / counts.length, counts[i],
                        confidences[i] / counts[i], (double) right[i] / counts[i]));
            }
        }
        return bins;
    }

    public double expectedError() {
        double examples = seen.some();
        return bins().stream().mapToDouble(bin -> bin.count / examples * Math.abs(bin.accuracy - bin.confidence)).sum();
    }

    /// That of the worst bin.
    public double maximumError() {
        seen.some();
        return bins().stream().mapToDouble(bin -> Math.abs(bin.accuracy - bin.confidence)).max().orElseThrow();
    }

    @Override
    public Map<String, Double> values() {
        var values = new LinkedHashMap<String, Double>();
        values.put("expected_calibration_error", expectedError());
        values.put("maximum_calibration_error", maximumError());
        return values;
    }

    /// The reliability curve: accuracy over confidence; on the diagonal a model is as right as it says.
    public String svg() {
        var chart = new Chart("confidence", new Chart.Range(0, 1), "%.2f", new Chart.Range(0, 1), "%.2f");
        for (Bin bin : bins()) {
            chart.bar(bin.from, bin.to, bin.accuracy, "#bbccee");
        }
        return chart.line(List.of(new Chart.Point(0, 0), new Chart.Point(1, 1)), "#999", 1)
                .line(bins().stream().map(bin -> new Chart.Point(bin.confidence, bin.accuracy)).toList(), "#4477aa", 2)
                .legend(String.format(Locale.ROOT, "accuracy; expected calibration error %.4f", expectedError()),
                        "#4477aa")
                .svg();
    }
}
