package dev.weft.nn;

import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Assumptions;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Published input and output pairs of operators (ONNX backend tests), from the optional folder of test data.
final class Shared {
    private static final JsonMapper JSON = new JsonMapper();

    private Shared() {}

    /// One published case.
    record Vector(String name, String op, JsonNode attributes, Map<String, Tensor> inputs,
            Map<String, Tensor> outputs) {
        double attribute(String key, double absent) {
            return attributes.has(key) ? attributes.get(key).asDouble() : absent;
        }

        String attribute(String key, String absent) {
            return attributes.has(key) ? attributes.get(key).asString() : absent;
        }

        Tensor input(String slot) {
            return inputs.get(slot);
        }

        @Override
        public String toString() {
            return name;
        }
    }

    /// All cases of a group whose operator is one of `ops`.
    static List<Vector> vectors(String group, String... ops) throws IOException {
        Path file = Path.of(System.getProperty("weft.shared", "../shared"), "data", "op-vectors", group + ".jsonl.gz");
        Assumptions.assumeTrue(Files.exists(file),
                () -> "Operator vectors are absent: " + file + " (set -Dweft.shared to the folder of test data)");
        var vectors = new ArrayList<Vector>();
        try (var reader = new BufferedReader(
                new InputStreamReader(new GZIPInputStream(Files.newInputStream(file)), StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                JsonNode node = JSON.readTree(line);
                if (List.of(ops).contains(node.get("op").asString())) {
                    vectors.add(
                            new Vector(node.get("test").asString(), node.get("op").asString(), node.get("attributes"),
                                    tensors(node.get("input_slots"), node.get("inputs")),
                                    tensors(node.get("output_slots"), node.get("outputs"))));
                }
            }
        }
        return vectors;
    }

    private static Map<String, Tensor> tensors(JsonNode slots, JsonNode values) {
        var tensors = new LinkedHashMap<String, Tensor>();
        int next = 0;
        for (JsonNode slot : slots) {
            if (!slot.asString().isEmpty()) {
                tensors.put(slot.asString(), tensor(values.get(next++)));
            }
        }
        return tensors;
    }

    private static Tensor tensor(JsonNode node) {
        long[] shape = new long[node.get("shape").size()];
        for (int i = 0; i < shape.length; i++) {
            shape[i] = node.get("shape").get(i).asLong();
        }
        JsonNode data = node.get("data");
        String dtype = node.get("dtype").asString();
        double[] numbers = new double[data.size()];
        for (int i = 0; i < numbers.length; i++) {
            JsonNode value = data.get(i);
            numbers[i] = value.isString()
                    ? Double.parseDouble(value.asString())
                    : value.isBoolean() ? value.asBoolean() ? 1 : 0 : value.asDouble();
        }
        Tensor tensor = Tensor.of(numbers, shape);
        return (switch (dtype) {
            case "float32" -> tensor.to(DType.FLOAT32);
            case "float16" -> tensor.to(DType.FLOAT16);
            case "float64" -> tensor;
            case "bool" -> tensor.to(DType.BOOL);
            default -> tensor.to(DType.INT64);
        }).unscoped();
    }

    /// The largest |a − b| / max(1, |b|).
    static double difference(Tensor found, Tensor expected) {
        double[] a = found.toDoubles();
        double[] b = expected.toDoubles();
        if (a.length != b.length) {
            return Double.POSITIVE_INFINITY;
        }
        double largest = 0;
        for (int i = 0; i < a.length; i++) {
            double difference = a[i] == b[i] ? 0 : Math.abs(a[i] - b[i]) / Math.max(1, Math.abs(b[i]));
            largest = Double.isNaN(difference) ? Double.POSITIVE_INFINITY : Math.max(largest, difference);
        }
        return largest;
    }
}
