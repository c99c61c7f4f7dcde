package dev.weft.models.backbone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.models.Models;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.HeadSpec;
import dev.weft.nn.ForwardPass;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InputsTest {
    private static PretrainedModel model(String type) {
        return Models.create(Json.object().put("model_type", type).put("vocab_size", 40).put("hidden_size", 16)
                .put("intermediate_size", 24).put("num_hidden_layers", 2).put("num_attention_heads", 2)
                .put("num_key_value_heads", 2).put("head_dim", 8).put("max_position_embeddings", 32)
                .put("d_kv", 8).put("rotary_dim", 4).put("word_embed_proj_dim", 16), HeadSpec.of(HeadKind.BASE), 3);
    }

    /// Scaled at look-up, with positions that skip padding, with a norm behind, with none of that, of encoder-decoders.
    @ParameterizedTest
    @ValueSource(strings = {"bert", "roberta", "deberta-v2", "modernbert", "gpt2", "gptj", "gpt_neox", "opt", "bloom",
            "llama",
            "gemma2", "qwen3", "granite", "t5", "bart", "mbart"})
    void vectors_in_place_of_ids_give_what_the_ids_give(String type) {
        try (PretrainedModel model = model(type); var scope = TensorScope.open(); var off = Gradients.off()) {
            Tensor ids = Tensor.of(new int[]{5, 9, 33, 7, 12, 6, 8, 30}, 2, 4);
            var texts = (TextBackbone) model.backbone();
            Tensor vectors = (texts instanceof Seq2Seq both ? both.encoderTokens() : texts.tokens()).forward(ids);
            Map<String, Tensor> decoder = texts instanceof Seq2Seq ? Map.of("decoder_input_ids", ids) : Map.of();

            assertThat(last(model, "inputs_embeds", vectors, decoder))
                    .containsExactly(last(model, "input_ids", ids, decoder));
        }
    }

    private static float[] last(PretrainedModel model, String name, Tensor value, Map<String, Tensor> others) {
        var inputs = new HashMap<>(others);
        inputs.put(name, value);
        return model.outputs(inputs, ForwardPass.plain()).get("last_hidden_state").toFloats();
    }

    @Test
    void what_is_embedded_goes_through_the_blocks_apart() {
        try (PretrainedModel model = model("llama"); var scope = TensorScope.open(); var off = Gradients.off()) {
            Inputs inputs = Inputs.ofIds(Tensor.of(new int[]{5, 9, 33}, 1, 3));
            ForwardPass pass = ForwardPass.plain();

            assertThat(model.backbone().blocks(model.backbone().embed(inputs, pass), pass).toFloats())
                    .containsExactly(model.backbone().forward(inputs, pass).toFloats());
        }
    }

    @Test
    void what_is_missing_given_twice_or_unknown_is_said() {
        try (PretrainedModel model = model("bert"); var scope = TensorScope.open()) {
            Tensor ids = Tensor.of(new int[]{5, 9}, 1, 2);
            assertThatThrownBy(() -> model.outputs(Map.of("attention_mask", ids), ForwardPass.plain()))
                    .hasMessage("The input input_ids is missing, found [attention_mask]");
            assertThatThrownBy(() -> model.outputs(Map.of("input_ids", ids, "pixel_values", ids), ForwardPass.plain()))
                    .hasMessage("Weft does not take the inputs [pixel_values]");
            assertThatThrownBy(
                    () -> model.outputs(Map.of("input_ids", ids, "inputs_embeds", model.textBackbone().tokens()
                            .forward(ids)), ForwardPass.plain()))
                    .hasMessageContaining("give one of them");
        }
    }
}
