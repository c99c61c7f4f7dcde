package dev.weft.train;

import dev.weft.checkpoint.Json;
import dev.weft.tensor.Tensor;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.stream.StreamSupport;
import tools.jackson.databind.JsonNode;

/// What torch and the Python library computed: `build/objective_cases.py`.
final class Recorded {
    private Recorded() {}

    static JsonNode of(String name) {
        try {
            return Json.read(Path.of(Recorded.class.getResource("/objectives.json").toURI())).node().get(name);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    static float[] floats(JsonNode numbers) {
        double[] values = StreamSupport.stream(numbers.spliterator(), false).mapToDouble(JsonNode::asDouble).toArray();
        float[] floats = new float[values.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }

    static Tensor tensor(JsonNode numbers, long... shape) {
        return Tensor.of(floats(numbers), shape);
    }
}
