package dev.weft.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.models.heads.CausalLanguageModel;
import dev.weft.nn.Encoded;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Weights;
import dev.weft.nn.AttentionMask;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class Gpt2Test {
    private static final Gpt2.Config CONFIG = Gpt2.Config.tiny();

    @Test
    void a_new_model_saved_and_opened_computes_the_same(@TempDir Path folder) {
        try (var scope = TensorScope.open(); var off = Gradients.off(); var model = Models.create(CONFIG, 7)) {
            Models.save(folder, CONFIG.toJson(), model);
            Tensor ids = Tensor.of(new int[]{1, 5, 2, 9}, 1, 4);
            try (var opened = (CausalLanguageModel) Models.load(folder)) {
                assertThat(opened.parameters().keySet()).isEqualTo(model.parameters().keySet());
                assertThat(opened.logits(ids, ForwardPass.plain()).toFloats())
                        .containsExactly(model.logits(ids, ForwardPass.plain()).toFloats());
            }
        }
    }

    @Test
    void what_enters_the_residual_stream_begins_smaller_by_the_root_of_twice_the_layers() {
        try (var scope = TensorScope.open(); var model = Models.create(CONFIG.withSizes(8, 2, 64, 32), 7)) {
            Tensor inner = model.parameters().get("transformer.h.0.mlp.c_fc.weight");
            Tensor residual = model.parameters().get("transformer.h.0.mlp.c_proj.weight");
            assertThat(std(inner)).isCloseTo(0.02, within(0.001));
            assertThat(std(residual)).isCloseTo(0.02 / 4, within(0.0005));
        }
    }

    private static double std(Tensor weight) {
        return Math.sqrt(weight.mul(weight).mean().item());
    }

    @Test
    void cross_attention_changes_the_answer_when_there_is_an_encoder_and_only_by_what_it_may_see() {
        try (var scope = TensorScope.open(); var random = Randomness.seeded(1)) {
            var decoder = new Gpt2(CONFIG.withCrossAttention(), Weights.random(3));
            Tensor ids = Tensor.of(new int[]{1, 5, 2}, 1, 3);
            Tensor encoder = random.normal(0, 1, 1, 4, CONFIG.hiddenSize());
            Tensor other = Tensor
                    .cat(java.util.List.of(encoder.narrow(1, 0, 3), random.normal(0, 1, 1, 1, CONFIG.hiddenSize())), 1);
            AttentionMask firstThree = AttentionMask.padding(Tensor.of(new long[]{1, 1, 1, 0}, 1, 4));
            float[] alone = decoder.forward(ids, ForwardPass.plain()).toFloats();
            float[] seen = run(decoder, ids, encoder, firstThree);
            assertThat(seen).isNotEqualTo(alone).containsExactly(run(decoder, ids, other, firstThree))
                    .isNotEqualTo(run(decoder, ids, other, AttentionMask.none()));
        }
    }

    private static float[] run(Gpt2 decoder, Tensor ids, Tensor encoder, AttentionMask mask) {
        return decoder.forward(ids, ForwardPass.plain().withEncoded(new Encoded(encoder, mask))).toFloats();
    }

    @Test
    void sizes_that_do_not_fit_and_texts_that_are_too_long_are_refused() {
        assertThatThrownBy(() -> CONFIG.withSizes(1, 3, 16, 8)).hasMessageContaining("n_embd (16)")
                .hasMessageContaining("n_head (3)");
        try (var scope = TensorScope.open(); var model = Models.create(CONFIG.withSizes(1, 2, 16, 4), 1)) {
            assertThatThrownBy(() -> model.logits(Tensor.of(new int[5], 1, 5), ForwardPass.plain()))
                    .hasMessageContaining("5 tokens")
                    .hasMessageContaining("room for 4");
        }
    }
}
