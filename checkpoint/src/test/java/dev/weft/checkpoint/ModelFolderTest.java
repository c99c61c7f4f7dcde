package dev.weft.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.nn.Init;
import dev.weft.nn.Weights;
import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelFolderTest {
    private static final long NO_LIMIT = Long.MAX_VALUE;

    @TempDir
    Path folder;
    private TensorScope scope;

    @BeforeEach
    void open() {
        scope = TensorScope.open();
    }

    @AfterEach
    void close() {
        scope.close();
    }

    private static Map<String, Tensor> weights() {
        var weights = new LinkedHashMap<String, Tensor>();
        weights.put("h.0.LayerNorm.gamma", Tensor.of(new float[]{1, 2}, 2));
        weights.put("h.0.LayerNorm.beta", Tensor.of(new float[]{3, 4}, 2).to(DType.BFLOAT16));
        weights.put("h.0.attn.weight", Tensor.of(new float[]{1, 2, 3, 4}, 2, 2));
        weights.put("position_ids", Tensor.arange(0, 3));
        return weights;
    }

    @Test
    void a_saved_folder_is_read_back_whole_or_in_shards() throws IOException {
        for (long limit : new long[]{NO_LIMIT, 20}) {
            ModelFolder.save(folder, Json.object().put("model_type", "tiny"), weights(), limit);
            ModelFolder saved = ModelFolder.open(folder);
            assertThat(saved.config().text("model_type")).isEqualTo("tiny");
            assertThat(saved.weightFiles()).hasSize(limit == NO_LIMIT ? 1 : 3);
            try (var source = CheckpointWeights.open(saved)) {
                assertThat(source.names()).containsExactlyInAnyOrder("h.0.LayerNorm.weight", "h.0.LayerNorm.bias",
                        "h.0.attn.weight", "position_ids");
                Tensor bias = source.read("h.0.LayerNorm.bias", Init.zeros(), 2);
                assertThat(bias.dtype()).isEqualTo(DType.FLOAT32);
                assertThat(bias.toFloats()).containsExactly(3, 4);
                assertThat(source.read("position_ids", Init.zeros(), 3).toLongs()).containsExactly(0, 1, 2);
            }
        }
        assertThat(AtomicFileTest.names(folder)).containsExactly("config.json", "model-00001-of-00003.safetensors",
                "model-00002-of-00003.safetensors", "model-00003-of-00003.safetensors", "model.safetensors.index.json");
        assertThat(Json.read(folder.resolve("model.safetensors.index.json")).object("metadata").integer("total_size"))
                .isEqualTo(8 + 4 + 16 + 24);
        ModelFolder.save(folder, Json.object(), weights(), NO_LIMIT);
        assertThat(AtomicFileTest.names(folder)).containsExactly("config.json", "model.safetensors");
    }

    @Test
    void weights_may_be_saved_over_the_file_they_are_mapped_from() {
        ModelFolder.save(folder, Json.object(), weights(), NO_LIMIT);
        try (var file = Safetensors.open(folder.resolve("model.safetensors"))) {
            ModelFolder.save(folder, Json.object(), Map.of("w", file.tensor("h.0.attn.weight")), NO_LIMIT);
        }
        try (var file = Safetensors.open(folder.resolve("model.safetensors"))) {
            assertThat(file.tensor("w").toFloats()).containsExactly(1, 2, 3, 4);
        }
    }

    @Test
    void mapped_weights_share_memory_and_weights_for_training_have_their_own() {
        ModelFolder.save(folder, Json.object(), weights(), NO_LIMIT);
        Tensor mapped;
        Tensor own;
        Tensor narrow;
        try (var source = CheckpointWeights.open(ModelFolder.open(folder))) {
            mapped = source.read("h.0.attn.weight", Init.zeros(), 2, 2);
            assertThat(mapped.sharesMemory(source.read("h.0.attn.weight", Init.zeros(), 2, 2))).isTrue();
            own = source.forTraining().read("h.0.attn.weight", Init.zeros(), 2, 2);
            assertThat(own.sharesMemory(mapped)).isFalse();
            narrow = source.as(DType.BFLOAT16).read("h.0.attn.weight", Init.zeros(), 2, 2);
        }
        scope.close();
        own.fillInPlace(0);
        assertThat(mapped.toFloats()).containsExactly(1, 2, 3, 4);
        assertThat(narrow.dtype()).isEqualTo(DType.BFLOAT16);
        List.of(mapped, own, narrow).forEach(Tensor::close);
    }

    @Test
    void a_missing_or_wrongly_shaped_weight_is_named_with_both_shapes_and_the_file() {
        ModelFolder.save(folder, Json.object(), weights(), NO_LIMIT);
        Path file = folder.resolve("model.safetensors");
        try (var source = CheckpointWeights.open(ModelFolder.open(folder))) {
            Weights layer = Weights.from(source).at("h").at(0);
            assertThatThrownBy(() -> layer.at("attn").get("weight", Init.zeros(), 2, 3))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(
                            "`h.0.attn.weight`: expected [2, 3], found [2, 2] in %s; check the sizes in config.json",
                            file);
            assertThatThrownBy(() -> layer.at("attn").get("bias", Init.zeros(), 2))
                    .hasMessage("`h.0.attn.bias`: expected [2], not found in %s; it holds `h.0.LayerNorm.bias`", file);
        }
    }

    @Test
    void a_weight_that_stands_twice_is_refused() {
        Safetensors.write(folder.resolve("a.safetensors"),
                Map.of("n.gamma", Tensor.scalar(1), "n.weight", Tensor.scalar(1)),
                Map.of());
        try (var file = Safetensors.open(folder.resolve("a.safetensors"))) {
            assertThatThrownBy(() -> CheckpointWeights.of(List.of(file)))
                    .hasMessageStartingWith("`n.weight` stands twice");
        }
    }

    @Test
    void what_a_folder_lacks_is_said_with_what_it_has() throws IOException {
        Path none = folder.resolve("none");
        assertThatThrownBy(() -> ModelFolder.open(none))
                .hasMessageStartingWith(none + ": there is no such folder; a model");
        assertThatThrownBy(() -> ModelFolder.open(folder))
                .hasMessage(folder + ": no config.json here; the folder is empty");
        Files.writeString(folder.resolve("tf_model.h5"), "");
        assertThatThrownBy(() -> ModelFolder.open(folder))
                .hasMessage(folder + ": no config.json here; found tf_model.h5");
        Path config = Files.writeString(folder.resolve("config.json"), "{}");
        assertThatThrownBy(() -> ModelFolder.open(config)).hasMessageStartingWith(config + ": is a file; a model");
        ModelFolder opened = ModelFolder.open(folder);
        assertThatThrownBy(opened::weightFiles)
                .hasMessageStartingWith(folder + ": no weights here; expected model.safet")
                .hasMessageEndingWith("found config.json, tf_model.h5");
        assertThat(opened.generationConfig()).isEmpty();
        assertThat(opened.file("config.json")).contains(config);
        Path index = folder.resolve("model.safetensors.index.json");
        Files.writeString(index, "{\"weight_map\": {\"w\": \"gone.safetensors\"}}");
        assertThatThrownBy(opened::weightFiles)
                .hasMessageStartingWith(index + ": names the shard gone.safetensors, which");
        Files.writeString(index, "{\"weight_map\": {\"w\": \"../x.safetensors\"}}");
        assertThatThrownBy(opened::weightFiles).hasMessageContaining("must lie in the same folder");
    }
}
