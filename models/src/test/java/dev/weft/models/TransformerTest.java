package dev.weft.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.checkpoint.Json;
import dev.weft.models.heads.ConditionalLanguageModel;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.nn.ForwardPass;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TransformerTest {
    private static final Transformer SMALL = Transformer.base(60).withSizes(2, 4, 64, 96).withMaxPositions(20);

    @Test
    void the_base_model_has_the_sizes_of_the_paper() {
        assertThat(Transformer.base(37_000).config()).hasToString(Transformer.base(37_000)
                .withSizes(6, 8, 512, 2048).withDropout(0.1).withMaxPositions(512).config().toString());
    }

    @Test
    void new_matrices_are_as_wide_as_their_two_sides_ask_and_embeddings_of_deviation_one_once_scaled() {
        try (var scope = TensorScope.open(); PretrainedModel model = SMALL.create(3)) {
            float[] up = model.parameters().get("model.encoder.layers.0.fc1.weight").toFloats();
            double bound = Math.sqrt(6.0 / (64 + 96));
            assertThat(max(up)).isBetween(0.98 * bound, bound);
            assertThat(deviation(up)).isCloseTo(bound / Math.sqrt(3), within(0.02 * bound));
            assertThat(deviation(model.parameters().get("model.shared.weight").toFloats()) * Math.sqrt(64))
                    .isCloseTo(1, within(0.05));
            assertThat(max(model.parameters().get("model.encoder.layers.0.fc1.bias").toFloats())).isZero();
            assertThat(max(model.parameters().get("final_logits_bias").toFloats())).isZero();
        }
        Transformer normal = SMALL.withStart(Bart.Config.Start.NORMAL);
        try (var scope = TensorScope.open(); PretrainedModel model = normal.create(3)) {
            for (String name : new String[]{"model.encoder.layers.0.fc1.weight", "model.shared.weight"}) {
                assertThat(deviation(model.parameters().get(name).toFloats())).isCloseTo(0.02, within(0.002));
            }
        }
    }

    @Test
    void a_saved_one_opens_with_the_same_numbers_and_says_how_to_generate(@TempDir Path folder) {
        var inputs = new int[][]{{5, 6, 7, 0}, {59, 8, 9, 10}};
        try (var scope = TensorScope.open(); ConditionalLanguageModel model = SMALL.create(3)) {
            model.save(folder);
            try (PretrainedModel opened = Models.load(folder)) {
                assertThat(opened.notes()).isEmpty();
                assertThat(logits(opened, inputs)).isEqualTo(logits(model, inputs));
            }
        }
        Json generation = Json.read(folder.resolve("generation_config.json"));
        assertThat(generation.integer("decoder_start_token_id")).isEqualTo(59);
        assertThat(generation.node().get("bad_words_ids")).hasToString("[[59]]");
        assertThat(generation.number("length_penalty")).isEqualTo(0.6);
    }

    @Test
    void what_cannot_be_built_is_refused() {
        assertThatThrownBy(() -> Transformer.base(60).withSizes(2, 3, 64, 96)).isInstanceOf(
                IllegalArgumentException.class).hasMessageContaining("d_model (64) must be a multiple of");
        assertThatThrownBy(() -> Transformer.base(2)).hasMessageContaining("found 2 ids");
        assertThatThrownBy(() -> Models.create(SMALL.config().put("weight_init", "zeros"), 1))
                .hasMessageContaining("weight_init").hasMessageContaining("normal or xavier");
    }

    private static float[] logits(PretrainedModel model, int[][] inputs) {
        try (var off = Gradients.off()) {
            return model.outputs(Map.of("input_ids", Tensor.of(inputs[0], 1, 4), "decoder_input_ids",
                    Tensor.of(inputs[1], 1, 4)), ForwardPass.plain()).get("logits").toFloats();
        }
    }

    private static double max(float[] numbers) {
        double max = 0;
        for (float number : numbers) {
            max = Math.max(max, Math.abs(number));
        }
        return max;
    }

    private static double deviation(float[] numbers) {
        double sum = 0;
        for (float number : numbers) {
            sum += (double) number * number;
        }
        return Math.sqrt(sum / numbers.length);
    }
}
