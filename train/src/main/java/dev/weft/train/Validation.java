package dev.weft.train;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/// What an evaluation of the model as it is found.
///
/// @param metric         name of the value to choose models by
/// @param higherIsBetter of that value: an accuracy, not a loss
/// @param values         all values by name, that one among them
public record Validation(String metric, boolean higherIsBetter, Map<String, Double> values) {
    public Validation {
        if (!values.containsKey(metric)) {
            throw new IllegalArgumentException("The evaluation gave no %s; it gave %s".formatted(metric,
                    values.keySet()));
        }
        values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }

    /// A mean loss, in nats.
    public static Validation loss(double loss) {
        return new Validation("loss", false, Map.of("loss", loss));
    }

    /// The value to choose models by.
    public double value() {
        return values.get(metric);
    }

    /// Whether this is better than `best`, which is NaN where there was none; a value that is no number is never.
    boolean betterThan(double best) {
        return !Double.isNaN(value()) && (Double.isNaN(best) || (higherIsBetter ? value() > best : value() < best));
    }
}
