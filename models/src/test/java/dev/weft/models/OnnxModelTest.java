package dev.weft.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.checkpoint.Json;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.nn.ForwardPass;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Files that both of PyTorch's exporters (2.13) wrote of models of the reference, two layers of width 8 whose weights are
/// 0.5 · sin(1.3 · place² + phase), the phase from the letters of the name; notes on where in the code were taken out. Equal
/// constants are one in them, as exporters leave it.
class OnnxModelTest {
    private static final Path FILES = Path.of("src/test/resources/onnx");

    @TempDir
    Path folder;

    private record Case(String name, String architecture, String output, int padding, float... begin) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Case> cases() {
        return Stream.of(
                new Case("bert-cls-script", "BertForSequenceClassification", "logits", 0, -0.149152f, -0.167583f,
                        0.541056f, -0.154306f, -0.155372f, 0.547899f),
                // Two biases of each layer are zeros, and an optimizer has taken out the adding of them.
                new Case("bert-cls-no-bias", "BertForSequenceClassification", "logits", 0, -0.380327f, -0.172757f,
                        0.200952f, -0.389982f, -0.165487f, 0.196129f),
                new Case("roberta-script", "RobertaForTokenClassification", "logits", 1, -1.553131f, 0.294272f,
                        0.064263f, -1.566861f, 0.276925f, 0.048155f),
                new Case("distilbert-dynamo", "DistilBertForSequenceClassification", "logits", 0, -0.544251f,
                        -0.34584f, -0.547169f, -0.343812f),
                new Case("mpnet-dynamo", "MPNetModel", "last_hidden_state", 1, 0.097402f, -0.052594f, -0.374951f,
                        -0.213011f, -0.746385f, 0.253008f));
    }

    private Path file(String name) throws IOException {
        for (String ending : new String[]{".onnx", ".onnx.data"}) {
            Path packed = FILES.resolve(name + ending + ".gz");
            if (Files.exists(packed)) {
                try (var bytes = new GZIPInputStream(Files.newInputStream(packed))) {
                    Files.write(folder.resolve(name + ending), bytes.readAllBytes());
                }
            }
        }
        return folder.resolve(name + ".onnx");
    }

    @ParameterizedTest
    @MethodSource("cases")
    void an_exported_model_opens_with_its_weights_and_computes_what_it_did(Case exported) throws IOException {
        Path out = folder.resolve("out");
        try (var scope = TensorScope.open();
                PretrainedModel model = OnnxModel.load(file(exported.name()), Json.object())) {
            assertThat(Models.architecture(model.context().config())).isEqualTo(exported.architecture());
            model.parameters().forEach((name, weight) -> {
                float[] values = weight.toFloats();
                if (exported.name().endsWith("no-bias") && name.matches(".*(intermediate.dense|query).bias")) {
                    assertThat(values).as(name).containsOnly(0);
                    return;
                }
                for (int i = 0; i < values.length; i++) {
                    assertThat(values[i]).as(name)
                            .isEqualTo((float) (0.5 * Math.sin(1.3 * i * i + name.chars().sum() % 97)), within(1e-6f));
                }
            });
            assertThat(numbers(model, exported)).containsExactly(exported.begin(), within(1e-5f));
            model.save(out);
            try (PretrainedModel saved = Models.load(out)) {
                assertThat(saved.notes()).isEqualTo(model.notes());
                assertThat(numbers(saved, exported)).isEqualTo(numbers(model, exported));
            }
        }
    }

    private static float[] numbers(PretrainedModel model, Case exported) {
        try (var off = Gradients.off()) {
            Tensor ids = Tensor.of(new int[]{5, 6, 7, 8, 9, 3, exported.padding(), exported.padding()}, 2, 4);
            Tensor mask = Tensor.of(new int[]{1, 1, 1, 1, 1, 1, 0, 0}, 2, 4);
            float[] all = model.outputs(Map.of("input_ids", ids, "attention_mask", mask), ForwardPass.plain())
                    .get(exported.output()).toFloats();
            return Arrays.copyOf(all, exported.begin().length);
        }
    }

    @Test
    void what_the_graph_tells_wrongly_or_not_at_all_can_be_told() throws IOException {
        var told = Json.object().put("num_attention_heads", 4).put("hidden_act", "relu").put("model_type", "camembert");
        try (PretrainedModel model = OnnxModel.load(file("roberta-script"), told)) {
            assertThat(model.textBackbone().sizes().numAttentionHeads()).isEqualTo(4);
            Json config = model.context().config();
            assertThat(config.text("hidden_act")).isEqualTo("relu");
            assertThat(Models.architecture(config)).isEqualTo("CamembertForTokenClassification");
            assertThat(config.number("layer_norm_eps")).isEqualTo(1e-5);
        }
    }

    @Test
    void a_quantized_or_rewritten_file_is_refused_by_the_operation_that_shows_it() throws IOException {
        for (Map.Entry<String, String> each : Map
                .of("QGemm", "it is quantized (QGemm)", "a.Mul", "rewritten it (a.Mul)")
                .entrySet()) {
            Path file = file("roberta-script");
            // An operation of a name as long, so that no length changes.
            String text = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
            Files.write(file,
                    text.replace("\"\005Range", "\"\005" + each.getKey()).getBytes(StandardCharsets.ISO_8859_1));
            refused(file, each.getValue());
        }
    }

    @Test
    void a_file_that_lost_its_positions_to_a_constant_says_why_it_cannot_be_read() throws IOException {
        Path file = file("bert-cls-script");
        String text = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
        Files.write(file, text.replace("position_embeddings", "position_constant__")
                .getBytes(StandardCharsets.ISO_8859_1));
        refused(file, "exported for texts of one length");
    }

    @Test
    void a_file_whose_data_is_missing_short_or_elsewhere_is_refused() throws IOException {
        Path file = file("mpnet-dynamo");
        Path data = folder.resolve("mpnet-dynamo.onnx.data");
        byte[] bytes = Files.readAllBytes(data);
        Files.write(data, Arrays.copyOf(bytes, bytes.length - 100));
        refused(file, "lies beyond the end of mpnet-dynamo.onnx.data");
        Files.delete(data);
        refused(file, "names mpnet-dynamo.onnx.data, which is missing");
        String text = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
        Files.write(file, text.replace("mpnet-dynamo.onnx.data", "../pnet-dynamo.onnx.da")
                .getBytes(StandardCharsets.ISO_8859_1));
        refused(file, "external data must lie in the same folder");
    }

    private static void refused(Path file, String message) {
        assertThatThrownBy(() -> OnnxModel.load(file, Json.object())).isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(file.toString()).hasMessageContaining(message);
    }
}
