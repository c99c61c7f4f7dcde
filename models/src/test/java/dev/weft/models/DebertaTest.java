package dev.weft.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.weft.checkpoint.Json;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.models.heads.HeadSpec;
import dev.weft.nn.ForwardPass;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.node.ObjectNode;

class DebertaTest {
    /// What the reference gives for a loss over all positions, padding's among them.
    ///
    /// @param config   what it says beside the sizes
    /// @param gradient a thousand times that of the bias of the embeddings' norm
    private record Case(String name, String config, double loss, float... gradient) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Case> cases() {
        return Stream.of(
                new Case("first", """
                        {"model_type": "deberta", "relative_attention": true, "pos_att_type": ["c2p", "p2c"], "position_biased_input": false}
                        """, 1.791811, -0.2794f, -0.5359f, -0.2332f, 1.0127f),
                new Case("first, without distances", """
                        {"model_type": "deberta"}
                        """, 1.790752, 1.1204f, -0.1956f, 0.2213f, 0.5308f),
                new Case("first, with a look it does not have", """
                        {"model_type": "deberta", "relative_attention": true, "pos_att_type": ["c2p", "p2p"],
                         "position_biased_input": false, "max_relative_positions": 4}
                        """, 1.791890, -0.3930f, -0.2399f, 0.0068f, 0.1006f),
                new Case("third", """
                        {"model_type": "deberta-v2", "relative_attention": true, "pos_att_type": ["p2c", "c2p"],
                         "position_biased_input": false, "share_att_key": true, "position_buckets": 4,
                         "norm_rel_ebd": "layer_norm"}
                        """, 1.792360, -2.4227f, -0.4280f, 2.3736f, -1.1423f),
                new Case("second, with a convolution", """
                        {"model_type": "deberta-v2", "relative_attention": true, "pos_att_type": ["p2c", "c2p"],
                         "position_biased_input": false, "share_att_key": true, "position_buckets": 4,
                         "norm_rel_ebd": "layer_norm", "conv_kernel_size": 3, "conv_act": "gelu"}
                        """, 1.776019, -0.3807f, 0.7275f, 7.2005f, 3.8209f));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void padding_teaches_what_it_teaches_in_the_reference(Case reference) {
        ObjectNode config = Json.parse("config.json", """
                {"vocab_size": 20, "hidden_size": 4, "num_hidden_layers": 2, "num_attention_heads": 2,
                 "intermediate_size": 6, "max_position_embeddings": 12, "type_vocab_size": 0, "pad_token_id": 0,
                 "hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0}
                """).node();
        config.setAll(Json.parse("config.json", reference.config()).node());
        try (var scope = TensorScope.open();
                PretrainedModel model = Models.create(config, HeadSpec.questionAnswering(), 1)) {
            try (var off = Gradients.off()) {
                model.parameters().forEach(DebertaTest::fill);
            }
            Map<String, Tensor> inputs = Map.of("input_ids",
                    Tensor.of(new int[]{5, 6, 7, 8, 9, 3, 11, 12, 13, 0, 0, 0}, 2, 6), "attention_mask",
                    Tensor.of(new int[]{1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0}, 2, 6), "start_positions",
                    Tensor.of(new long[]{1, 2}, 2), "end_positions", Tensor.of(new long[]{3, 2}, 2));
            Tensor loss = model.loss(model.outputs(inputs, ForwardPass.plain()), inputs);
            loss.mul(1000).backward();
            assertThat(loss.item()).isCloseTo(reference.loss(), within(1e-5));
            assertThat(model.parameters().get("deberta.embeddings.LayerNorm.bias").grad().toFloats())
                    .containsExactly(reference.gradient(), within(2e-3f));
        }
    }

    /// Weights that another program can make as well: sin(1.3 · place² + phase), the phase from the letters of the name.
    private static void fill(String name, Tensor weight) {
        int phase = name.chars().sum() % 97;
        var values = new float[(int) weight.count()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) Math.sin(1.3 * i * i + phase);
        }
        weight.copyInPlace(Tensor.of(values, weight.shape()));
    }
}
