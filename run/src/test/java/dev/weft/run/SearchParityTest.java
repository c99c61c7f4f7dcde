package dev.weft.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.models.Loading;
import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.ModelFolder;
import dev.weft.models.Models;
import dev.weft.nn.LanguageModel;
import dev.weft.nn.SequenceToSequence;
import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.node.ObjectNode;

/// What the Python library found with tiny random models by its rarer ways of searching; `build/search_cases.py` made
/// the cases.
class SearchParityTest {
    /// The recorded numbers are float32 of one chip, and off by up to 2.4e-4 from ours in float64, which are the same on
    /// every chip.
    private static final Offset<Double> EXACT = Offset.offset(4e-4);
    private static final Offset<Double> ROUNDED = Offset.offset(5e-4);

    @TestFactory
    Stream<DynamicTest> ids_scores_and_log_probabilities_are_those_of_the_python_library()
            throws IOException, URISyntaxException {
        Path cases = Path.of(SearchParityTest.class.getResource("/search").toURI());
        List<Path> files;
        try (Stream<Path> all = Files.walk(cases)) {
            files = all.filter(file -> file.getFileName().toString().matches("(removed|kept)\\.json")).sorted()
                    .toList();
        }
        assertThat(files).hasSize(10);
        return files.stream().flatMap(file -> Stream.of(DType.FLOAT64, DType.FLOAT32)
                .map(dtype -> DynamicTest.dynamicTest(cases.relativize(file) + " in " + dtype, () -> {
                    try (var head = Models.load(file.getParent(), Loading.in(dtype))) {
                        String text = Files.readString(file);
                        for (Json each : Json.parse(file.toString(), "{\"cases\": " + text + "}").objects("cases")) {
                            compare(ModelFolder.open(file.getParent()), (LanguageModel) head, each,
                                    dtype == DType.FLOAT64 ? EXACT : ROUNDED);
                        }
                    }
                })));
    }

    private static void compare(ModelFolder folder, LanguageModel model, Json expected, Offset<Double> within) {
        Generation options = Generation.of(folder).with(expected.object("options"));
        Generated found;
        try (var scope = TensorScope.open()) {
            int[][] prompts = expected.node().get("prompts").valueStream()
                    .map(row -> row.valueStream().mapToInt(id -> id.intValue()).toArray()).toArray(int[][]::new);
            Tensor ids = Tensor.of(Arrays.stream(prompts).flatMapToInt(Arrays::stream).toArray(), prompts.length,
                    prompts[0].length);
            Tensor keep = ids.ne(0);
            found = model instanceof SequenceToSequence
                    ? Generator.of(model).generate(Map.of("input_ids", ids, "attention_mask", keep), options)
                    : Generator.of(model).generate(Prompts.of(ids, keep), options);
        }
        List<Json> texts = expected.objects("texts");
        assertThat(found.texts()).hasSameSizeAs(texts);
        for (int i = 0; i < texts.size(); i++) {
            Generated.Text text = found.texts().get(i);
            String which = "text %d with %s".formatted(i, expected.node().get("options"));
            ObjectNode wanted = texts.get(i).node();
            assertThat(text.ids()).as(which)
                    .containsExactly(texts.get(i).integers("ids").stream().mapToInt(Integer::intValue).toArray());
            if (wanted.has("score")) {
                assertThat(text.score()).as(which).isCloseTo(wanted.get("score").doubleValue(), within);
            }
            if (wanted.has("logs")) {
                for (int at = 0; at < text.ids().length; at++) {
                    assertThat((double) text.logProbabilities()[at]).as(which)
                            .isCloseTo(wanted.get("logs").get(at).doubleValue(), within);
                }
            }
        }
    }
}
