package dev.weft.data;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.data.Example.Feature;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import dev.weft.text.Tokenizer;
import dev.weft.text.Truncation;
import dev.weft.text.Truncation.Side;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// What the Python library makes of the same examples; written by build/data_cases.py.
class ReferenceCollationTest {
    private static final JsonNode CASES = read();

    private static JsonNode read() {
        try (InputStream in = ReferenceCollationTest.class.getResourceAsStream("collation.json")) {
            return new JsonMapper().readTree(in);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static int[] numbers(JsonNode list) {
        return list.valueStream().mapToInt(JsonNode::intValue).toArray();
    }

    private static void flatten(JsonNode node, List<Long> into) {
        if (node.isArray()) {
            node.forEach(each -> flatten(each, into));
        } else {
            into.add(node.longValue());
        }
    }

    @Test
    void windows_over_a_text_hold_the_answers_at_the_same_places(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("tokenizer.json"), CASES.get("tokenizer").toString());
        Files.writeString(folder.resolve("tokenizer_config.json"), "{\"cls_token\": \"[CLS]\"}");
        Tokenizer tokenizer = Tokenizer.load(file.getParent());
        int answered = 0;
        for (JsonNode each : CASES.get("questions")) {
            var encoder = new RowEncoder.Questions(tokenizer,
                    Truncation.windows(each.get("length").intValue(), each.get("stride").intValue()));
            List<Example> found = encoder.encode(RowEncoderTest.row("question", each.get("question").stringValue(),
                    "context", each.get("context").stringValue(), "answers",
                    Map.of("text", List.of(each.get("answer").stringValue()), "answer_start",
                            List.of(each.get("start").intValue()))));
            JsonNode windows = each.get("windows");
            assertThat(found).as(each.toString()).hasSize(windows.size());
            for (int i = 0; i < found.size(); i++) {
                JsonNode window = windows.get(i);
                Example example = found.get(i);
                assertThat(example.sequence("input_ids")).isEqualTo(numbers(window.get("input_ids")));
                assertThat(example.sequence("token_type_ids")).isEqualTo(numbers(window.get("token_type_ids")));
                for (String place : List.of("start_positions", "end_positions")) {
                    int expected = window.get(place).intValue();
                    assertThat(example.features().get(place)).as(each.toString())
                            .isEqualTo(new Feature.Whole(expected));
                    answered += expected > 0 ? 1 : 0;
                }
            }
        }
        assertThat(answered).isGreaterThan(100);
    }

    @Test
    void batches_are_those_of_the_data_collators() {
        for (JsonNode each : CASES.get("batches")) {
            var examples = new ArrayList<Example>();
            for (JsonNode one : each.get("examples")) {
                var example = new Example(Map.of()).with("input_ids", numbers(one.get("input_ids")));
                examples.add(!one.get("labels").isArray()
                        ? example.with("labels", one.get("labels").intValue())
                        : example.with("labels", numbers(one.get("labels"))));
            }
            var collator = new Collator(0, Side.valueOf(each.get("side").stringValue().toUpperCase()),
                    each.get("multiple").intValue());
            try (var scope = TensorScope.open()) {
                Map<String, Tensor> batch = collator.collate(examples);
                JsonNode expected = each.get("batch");
                assertThat(batch.keySet()).containsExactlyInAnyOrderElementsOf(expected.propertyNames());
                batch.forEach((name, tensor) -> {
                    var values = new ArrayList<Long>();
                    flatten(expected.get(name), values);
                    assertThat(tensor.toLongs()).as(name + " of " + each)
                            .containsExactly(values.stream().mapToLong(Long::longValue).toArray());
                });
            }
        }
    }
}
