package dev.weft.recipe;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// What a model said of one row, beside what was expected.
///
/// @param row    where the row stood: `dev.tsv, line 3`
/// @param values `predicted` and `expected`, which are a label, a number, a text or a list; `probability` where there is
///               one; of language models `loss` and `tokens`
public record Prediction(String row, Map<String, @Nullable Object> values) {
    private static final JsonMapper JSON = new JsonMapper();

    public Prediction {
        values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }

    static Prediction of(String row, Object predicted, Object expected) {
        var values = new LinkedHashMap<String, @Nullable Object>();
        values.put("predicted", predicted);
        values.put("expected", expected);
        return new Prediction(row, values);
    }

    Prediction with(String name, @Nullable Object value) {
        var more = new LinkedHashMap<>(values);
        more.put(name, value);
        return new Prediction(row, more);
    }

    /// One object: `{"row": …, "predicted": …, "expected": …}`.
    public String json() {
        ObjectNode node = JSON.createObjectNode();
        node.put("row", row);
        values.forEach((name, value) -> node.set(name, JSON.valueToTree(value)));
        return node.toString();
    }
}
