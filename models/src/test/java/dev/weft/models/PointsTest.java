package dev.weft.models;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.ModelFolder;
import dev.weft.checkpoint.Safetensors;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.models.heads.HeadSpec;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Point;
import dev.weft.nn.Trace;
import dev.weft.tensor.DType;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/// What a [Trace] sees, compared with the reference's own modules with hooks around them.
class PointsTest {
    private static final Path SHARED = Path.of(System.getProperty("weft.shared", "../shared"));

    @Test
    void every_point_holds_what_the_reference_has_there() throws Exception {
        Path folder = SHARED.resolve("inspection");
        Assumptions.assumeTrue(Files.isDirectory(folder),
                () -> "Inspection cases are absent: " + folder + " (set -Dweft.shared to the folder of test data)");
        var softly = new SoftAssertions();
        var seen = new TreeSet<String>();
        try (Stream<Path> cases = Files.list(folder)) {
            for (Path each : cases.filter(place -> place.getFileName().toString().startsWith("activations-")).sorted()
                    .toList()) {
                Json told = Json.read(each.resolve("case.json"));
                Path model = SHARED.resolve("conformance").resolve(told.text("model"));
                if (Models.families().contains(ModelFolder.open(model).config().text("model_type"))) {
                    compare(softly, each, told, model, seen);
                }
            }
        }
        softly.assertAll();
        assertThat(seen).isNotEmpty().isSubsetOf(Arrays.stream(Point.values()).map(Point::path).toList());
    }

    private static void compare(SoftAssertions softly, Path place, Json told, Path model, TreeSet<String> seen) {
        try (PretrainedModel head = Models.load(ModelFolder.open(model), told.text("model_class"),
                Loading.in(DType.FLOAT32));
                Safetensors expected = Safetensors.open(place.resolve("expected.safetensors"));
                var scope = TensorScope.open();
                var off = Gradients.off();
                var trace = Trace.recording(name -> true)) {
            var inputs = new HashMap<String, Tensor>();
            Json named = told.object("inputs");
            named.names().forEach(name -> inputs.put(name, expected.tensor(named.text(name))));
            head.outputs(inputs, ForwardPass.plain().withTrace(trace));
            trace.values().keySet().forEach(
                    name -> seen.add(name.replaceAll("^(en|de)coder\\.", "").replaceAll("blocks\\.\\d+", "blocks.I")));
            Json outputs = told.object("outputs");
            for (String name : outputs.names()) {
                Json output = outputs.object(name);
                Tensor found = trace.values().get(name);
                softly.assertThat(found).as(told.text("model") + " " + name).isNotNull();
                if (found != null) {
                    softly.assertThat(distance(found, expected.tensor(output.text("tensor")), output, expected))
                            .as(told.text("model") + " " + name).isLessThan(1e-4);
                }
            }
        }
    }

    private static double distance(Tensor found, Tensor expected, Json output, Safetensors tensors) {
        if (!Arrays.equals(found.shape(), expected.shape())) {
            return Double.POSITIVE_INFINITY;
        }
        Tensor off = found.sub(expected).abs().div(expected.abs().clampMin(1));
        if (output.has("where")) {
            Tensor where = tensors.tensor(output.text("where"));
            long[] shape = new long[found.dim()];
            Arrays.fill(shape, 1);
            List<Integer> dims = output.integers("where_dims");
            for (int axis = 0; axis < dims.size(); axis++) {
                shape[dims.get(axis)] = where.size(axis);
            }
            off = off.maskedFill(where.eq(0).view(shape), 0);
        }
        return off.max().item();
    }

    @Test
    void a_listener_may_replace_what_passes_by_and_a_head_is_taken_out() {
        try (PretrainedModel head = Models.create(Llama.Config.tiny(), HeadSpec.causalLanguage(), 1);
                var scope = TensorScope.open();
                var off = Gradients.off()) {
            Map<String, Tensor> inputs = Map.of("input_ids", Tensor.of(new int[]{5, 9, 33}, 1, 3));
            Trace without = replacing(Point.ATTN_RESULT.in(0), result -> {
                Tensor kept = result.copy();
                kept.select(1, 1).fillInPlace(0);
                return kept;
            });
            Trace same = replacing(Point.ATTN_RESULT.in(0), result -> result);

            float[] plain = head.outputs(inputs, ForwardPass.plain()).get("logits").toFloats();
            assertThat(head.outputs(inputs, ForwardPass.plain().withTrace(same)).get("logits").toFloats())
                    .usingComparatorWithPrecision(1e-5f).containsExactly(plain);
            assertThat(head.outputs(inputs, ForwardPass.plain().withTrace(without)).get("logits").toFloats())
                    .isNotEqualTo(plain);
            Trace silenced = replacing(Point.LOGITS.path(), logits -> logits.mul(0).abs());
            assertThat(head.outputs(inputs, ForwardPass.plain().withTrace(silenced)).get("logits").toFloats())
                    .containsOnly(0);
        }
    }

    private static Trace replacing(String wanted, UnaryOperator<Tensor> by) {
        return new Trace() {
            @Override
            public Tensor tap(String name, Tensor value) {
                return name.equals(wanted) ? by.apply(value) : value;
            }

            @Override
            public boolean listens(String name) {
                return name.equals(wanted);
            }
        };
    }
}
