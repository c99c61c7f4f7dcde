package dev.weft.eval;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// What an evaluation found, to print.
///
/// @param task       what was evaluated
/// @param values     by name, in order
/// @param signatures what another must know to get the same values; may be empty
public record Report(String task, Map<String, Double> values, List<String> signatures) {
    private static final JsonMapper JSON = new JsonMapper();

    public Report {
        values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
        signatures = List.copyOf(signatures);
    }

    /// One line for each value with four decimals, then the signatures. A value that is undefined is a dash.
    public String table() {
        int width = values.keySet().stream().mapToInt(String::length).max().orElse(0);
        var table = new StringBuilder(task).append('\n');
        values.forEach(
                (name, value) -> table.append(String.format(Locale.ROOT, "  %-" + Math.max(1, width) + "s %10s\n",
                        name, Double.isNaN(value) ? "-" : String.format(Locale.ROOT, "%.4f", value))));
        signatures.forEach(signature -> table.append("  ").append(signature).append('\n'));
        return table.toString();
    }

    /// One object: `{"task": …, "metrics": {…}, "signatures": […]}` in full precision; undefined values are null.
    public String json() {
        ObjectNode node = JSON.createObjectNode();
        node.put("task", task);
        ObjectNode metrics = node.putObject("metrics");
        values.forEach((name, value) -> metrics.put(name, Double.isFinite(value) ? value : null));
        node.set("signatures", JSON.valueToTree(signatures));
        return node.toString();
    }
}
