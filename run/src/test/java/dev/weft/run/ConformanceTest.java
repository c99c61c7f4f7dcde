package dev.weft.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.ModelFolder;
import dev.weft.checkpoint.Safetensors;
import dev.weft.models.Models;
import dev.weft.nn.LanguageModel;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// What the Python library generated with tiny random GPT-2s.
class ConformanceTest {
    @TestFactory
    Stream<DynamicTest> ids_and_scores_are_those_of_the_python_library() throws IOException {
        Path cases = Path.of(System.getProperty("weft.shared", "../shared"), "conformance");
        Assumptions.assumeTrue(Files.isDirectory(cases), "the conformance cases are not at " + cases);
        var tests = new ArrayList<DynamicTest>();
        try (var folders = Files.newDirectoryStream(cases, "gpt2-*")) {
            for (Path folder : folders) {
                for (Json check : Json.read(folder.resolve("case.json")).objects("checks")) {
                    if (check.text("kind").equals("generate")) {
                        tests.add(DynamicTest.dynamicTest(folder.getFileName() + " " + check.text("id"),
                                () -> compare(folder, check)));
                    }
                }
            }
        }
        assertThat(tests).hasSizeGreaterThanOrEqualTo(5);
        return tests.stream();
    }

    private static void compare(Path folder, Json check) {
        try (var scope = TensorScope.open();
                var head = Models.load(folder);
                var file = Safetensors.open(folder.resolve("expected.safetensors"))) {
            Json inputs = check.object("inputs");
            Json outputs = check.object("outputs");
            Generation options = Generation.of(ModelFolder.open(folder)).with(check.object("options"));
            Prompts prompts = Prompts.of(file.tensor(inputs.text("input_ids")),
                    file.tensor(inputs.text("attention_mask")));

            Generated generated = Generator.of((LanguageModel) head).generate(prompts, options);

            int[][] found = generated.sequences(options.limits().padId());
            Tensor expected = file.tensor(outputs.object("sequences").text("tensor"));
            int[] lengths = file.tensor(outputs.object("lengths").text("tensor")).toInts();
            assertThat(found.length).isEqualTo(lengths.length);
            for (int row = 0; row < lengths.length; row++) {
                int[] ids = expected.select(0, row).toInts();
                assertThat(Arrays.copyOf(found[row], lengths[row])).as("row %d", row)
                        .containsExactly(Arrays.copyOf(ids, lengths[row]));
                assertThat(prompts.length() + generated.texts().get(row).ids().length).isEqualTo(lengths[row]);
            }
            if (outputs.has("sequences_scores")) {
                List<Double> scores = generated.texts().stream().map(Generated.Text::score).toList();
                double[] wanted = file.tensor(outputs.object("sequences_scores").text("tensor")).toDoubles();
                for (int row = 0; row < wanted.length; row++) {
                    assertThat(scores.get(row)).isCloseTo(wanted[row],
                            Offset.offset(1e-4 * Math.max(1, Math.abs(wanted[row]))));
                }
            }
        }
    }
}
