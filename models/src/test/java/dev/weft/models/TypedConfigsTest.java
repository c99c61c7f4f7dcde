package dev.weft.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.checkpoint.Json;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.models.heads.HeadSpec;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.position.RopeScaling;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.node.ObjectNode;

class TypedConfigsTest {
    static Stream<Arguments> families() {
        return Stream.of(of(Llama.Config.tiny(), Llama.Config::fromJson),
                of(Mistral.Config.tiny(), Mistral.Config::fromJson),
                of(Mixtral.Config.tiny(), Mixtral.Config::fromJson), of(Qwen2.Config.tiny(), Qwen2.Config::fromJson),
                of(Qwen3.Config.tiny(), Qwen3.Config::fromJson), of(Qwen3Moe.Config.tiny(), Qwen3Moe.Config::fromJson),
                of(Gemma.Config.tiny(), Gemma.Config::fromJson), of(Gemma2.Config.tiny(), Gemma2.Config::fromJson),
                of(Gemma3.Config.tiny(), Gemma3.Config::fromJson), of(Olmo2.Config.tiny(), Olmo2.Config::fromJson),
                of(Olmo3.Config.tiny(), Olmo3.Config::fromJson), of(Phi3.Config.tiny(), Phi3.Config::fromJson),
                of(StableLm.Config.tiny(), StableLm.Config::fromJson),
                of(Granite.Config.tiny(), Granite.Config::fromJson),
                of(Starcoder2.Config.tiny(), Starcoder2.Config::fromJson),
                of(SmolLm3.Config.tiny(), SmolLm3.Config::fromJson),
                of(Glm.Config.tiny(), Glm.Config::fromJson), of(Glm4.Config.tiny(), Glm4.Config::fromJson),
                of(Cohere.Config.tiny(), Cohere.Config::fromJson), of(Cohere2.Config.tiny(), Cohere2.Config::fromJson));
    }

    private static Arguments of(ModelConfig<?> tiny, Function<Json, ? extends ModelConfig<?>> fromJson) {
        return Arguments.of(tiny, fromJson);
    }

    @ParameterizedTest
    @MethodSource("families")
    void what_is_written_is_read_as_it_was_and_built(ModelConfig<?> tiny,
            Function<Json, ? extends ModelConfig<?>> fromJson, @TempDir Path folder) {
        ObjectNode written = tiny.toJson();

        assertThat(fromJson.apply(Json.of("config.json", written)).toJson()).isEqualTo(written);
        try (PretrainedModel made = Models.create(tiny, HeadSpec.causalLanguage(), 1)) {
            made.save(folder);
            try (PretrainedModel opened = Models.load(folder);
                    var scope = TensorScope.open();
                    var off = Gradients.off()) {
                assertThat(opened.notes()).isEmpty();
                Map<String, Tensor> inputs = Map.of("input_ids", Tensor.of(new int[]{1, 5, 2, 9, 33, 7}, 1, 6));
                assertThat(opened.outputs(inputs, ForwardPass.plain()).get("logits").toFloats())
                        .isEqualTo(made.outputs(inputs, ForwardPass.plain()).get("logits").toFloats());
            }
        }
    }

    @Test
    void one_thing_is_changed_by_its_accessor_and_checked() {
        Llama.Config config = Llama.Config.tiny().with(Llama.Config::numHiddenLayers, 5).with(
                Llama.Config::attentionBias,
                true);

        assertThat(config.numHiddenLayers()).isEqualTo(5);
        assertThat(config.attentionBias()).isTrue();
        assertThat(config.hiddenSize()).isEqualTo(Llama.Config.tiny().hiddenSize());
        assertThatThrownBy(() -> config.with(Llama.Config::numKeyValueHeads, 3))
                .hasMessageContaining("num_attention_heads (2) must be a multiple of num_key_value_heads (3)");
        assertThatThrownBy(() -> config.with(each -> each.hiddenSize(), 3)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Config::hiddenSize");
    }

    @Test
    void every_way_of_stretching_positions_survives_the_file() {
        for (RopeScaling scaling : List.of(new RopeScaling.Linear(2), new RopeScaling.Dynamic(2, 32),
                new RopeScaling.Llama3(8, 1, 4, 16), new RopeScaling.Yarn(4, 32, 1, 16, true, 1.5),
                new RopeScaling.LongRope(List.of(1.0, 1.1, 1.2, 1.3), List.of(2.0, 2.1, 2.2, 2.3), 16, 1.25))) {
            Llama.Config config = Llama.Config.tiny().with(Llama.Config::rope,
                    new RopeConfig(5000, 1, RopeConfig.of(1).pairing(), scaling));

            assertThat(Llama.Config.fromJson(Json.of("config.json", config.toJson())).rope()).isEqualTo(config.rope());
        }
    }
}
