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

    /// The value to choose models by; no finite number where it is undefined on what is held out.
    public double value() {
        return values.get(metric);
    }

    /// Whether there is a [#value] to choose by.
    public boolean defined() {
        return Double.isFinite(value());
    }

    /// Whether this is better than `best`, which is NaN where there was none; what is undefined never is.
    boolean betterThan(double best) {
        return defined() && (Double.isNaN(best) || (higherIsBetter ? value() > best : value() < best));
    }
}
