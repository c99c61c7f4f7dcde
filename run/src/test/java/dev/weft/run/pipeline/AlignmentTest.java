package dev.weft.run.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.tensor.TensorScope;
import dev.weft.text.Tokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// A Marian whose tokenizer Weft wrote, and what the Python library (transformers 4.57) makes of texts with it, recorded by
/// `build/marian_cases.py`.
class AlignmentTest {
    private static final Path FOLDER = Path.of("src/test/resources/pipelines/marian");
    private static final List<JsonNode> CASES = new JsonMapper().readTree(FOLDER.resolve("expected.json").toFile())
            .valueStream().toList();
    private static final List<String> TEXTS = CASES.stream().map(each -> each.get("text").stringValue()).toList();

    @Test
    void a_folder_written_here_is_read_and_answered_as_by_the_python_library() {
        Tokenizer tokenizer = Tokenizer.load(FOLDER);
        try (var translator = Pipelines.translation(FOLDER)) {
            List<TextToText.Output> answers = translator.answer(TEXTS, translator.defaults());
            for (int i = 0; i < CASES.size(); i++) {
                assertThat(tokenizer.encode(TEXTS.get(i)).ids()).as(TEXTS.get(i)).isEqualTo(ids(i, "ids"));
                assertThat(answers.get(i).text()).isEqualTo(CASES.get(i).get("answer").stringValue());
                assertThat(answers.get(i).outputTokens()).isEqualTo(ids(i, "answer_ids").length - 1);
            }
        }
    }

    @Test
    void weights_are_those_of_the_python_library_for_a_layer_and_on_average() {
        try (var translator = Pipelines.translation(FOLDER)) {
            List<Alignment> first = translator.aligned(TEXTS, translator.defaults(), OptionalInt.of(1));
            List<Alignment> second = translator.aligned(TEXTS, translator.defaults(), OptionalInt.of(2));
            List<Alignment> mean = translator.aligned(TEXTS, translator.defaults(), OptionalInt.empty());
            for (int i = 0; i < CASES.size(); i++) {
                double[][][] layers = {first.get(i).weights(), second.get(i).weights()};
                for (int layer = 0; layer < 2; layer++) {
                    for (int row = 0; row < layers[layer].length; row++) {
                        assertThat(layers[layer][row]).as("%d, %d", i, row).containsExactly(
                                numbers(CASES.get(i).get("weights").get(layer).get(row)), within(2e-4));
                        assertThat(DoubleStream.of(layers[layer][row]).sum()).isCloseTo(1, within(1e-5));
                    }
                }
                double[] both = mean.get(i).weights()[0];
                for (int column = 0; column < both.length; column++) {
                    assertThat(both[column]).isCloseTo((layers[0][0][column] + layers[1][0][column]) / 2, within(1e-6));
                }
            }
        }
    }

    @Test
    void pieces_can_be_read_and_there_is_a_row_for_each_that_was_written() {
        try (var translator = Pipelines.translation(FOLDER)) {
            Alignment alignment = translator.aligned(List.of("loom"), translator.defaults(), OptionalInt.empty())
                    .getFirst();
            assertThat(alignment.answer()).isEqualTo(translator.answer("loom"));
            assertThat(String.join("", alignment.source())).isEqualTo("loom</s>");
            assertThat(String.join("", alignment.target()).replace("\u2581", ""))
                    .isEqualTo(alignment.answer().replace(" ", "") + "</s>");
            assertThat(alignment.weights()).hasDimensions(alignment.target().size(), alignment.source().size());
        }
    }

    @Test
    void nothing_native_is_left() {
        try (var translator = Pipelines.translation(FOLDER)) {
            translator.aligned(TEXTS, translator.defaults(), OptionalInt.empty());
            long before = TensorScope.liveTensors();
            translator.aligned(TEXTS, translator.defaults(), OptionalInt.empty());
            assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
        }
    }

    @Test
    void a_layer_that_is_not_there_and_windows_are_refused() {
        try (var translator = Pipelines.translation(FOLDER)) {
            assertThatThrownBy(() -> translator.aligned(TEXTS, translator.defaults(), OptionalInt.of(3)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("this model's decoder has the layers 1 to 2, found layer 3");
            assertThatThrownBy(() -> translator.inWindows().aligned(TEXTS, translator.defaults(), OptionalInt.of(1)))
                    .hasMessageContaining("ask for truncation instead of windows");
        }
    }

    private static int[] ids(int text, String name) {
        return CASES.get(text).get(name).valueStream().mapToInt(JsonNode::intValue).toArray();
    }

    private static double[] numbers(JsonNode row) {
        return row.valueStream().mapToDouble(JsonNode::doubleValue).toArray();
    }
}
