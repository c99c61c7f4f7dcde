package dev.weft.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.checkpoint.Json;
import dev.weft.models.heads.CausalLanguageModel;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.position.Rotary;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DecodersTest {
    @ParameterizedTest
    @ValueSource(strings = {"""
            {"model_type": "opt", "hidden_size": 16, "word_embed_proj_dim": 8, "ffn_dim": 32, "num_hidden_layers": 2,
             "num_attention_heads": 2, "do_layer_norm_before": false}""", """
            {"model_type": "gpt_neo", "hidden_size": 16, "num_layers": 2, "num_heads": 2, "window_size": 2}""", """
            {"model_type": "gpt_neox", "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
             "num_attention_heads": 2}""", """
            {"model_type": "gptj", "n_embd": 16, "n_layer": 2, "n_head": 2, "rotary_dim": 4}""", """
            {"model_type": "bloom", "n_embed": 16, "n_layer": 2, "num_attention_heads": 2}""", """
            {"model_type": "falcon", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}""", """
            {"model_type": "phi", "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
             "num_attention_heads": 2, "num_key_value_heads": null}"""})
    void a_new_decoder_saved_and_opened_computes_the_same(String text, @TempDir Path folder) {
        var config = json(text).node().put("vocab_size", 32);
        config.putArray("architectures").add("ForCausalLM");
        try (var scope = TensorScope.open(); var off = Gradients.off(); var model = Models.create(config, 7)) {
            Models.save(folder, config, model);
            Tensor ids = Tensor.of(new int[]{1, 5, 2, 9}, 1, 4);
            try (var opened = (CausalLanguageModel) Models.load(folder)) {
                assertThat(opened.notes()).isEmpty();
                assertThat(opened.logits(ids, ForwardPass.plain()).toFloats())
                        .containsExactly(((CausalLanguageModel) model).logits(ids, ForwardPass.plain()).toFloats());
            }
        }
    }

    @Test
    void the_first_falcons_say_their_sizes_in_other_words() {
        var small = Falcon.Config.fromJson(json("""
                {"model_type": "RefinedWebModel", "hidden_size": 4544, "n_head": 71, "n_layer": 32, "alibi": false,
                 "multi_query": true, "parallel_attn": true, "bias": false}"""));
        assertThat(small.numAttentionHeads()).isEqualTo(71);
        assertThat(small.numKeyValueHeads()).isEqualTo(1);
        assertThat(small.wiring()).isEqualTo(Falcon.Wiring.PARALLEL);
        assertThat(small.rotary()).isEqualTo(Rotary.plain(64, 10_000, Rotary.Pairing.HALVES));
        var large = Falcon.Config.fromJson(json("""
                {"model_type": "RefinedWeb", "hidden_size": 8192, "n_head": 128, "n_head_kv": 8, "n_layer": 60}"""));
        assertThat(large.numHiddenLayers()).isEqualTo(60);
        assertThat(large.numKeyValueHeads()).isEqualTo(8);
        assertThat(large.wiring()).isEqualTo(Falcon.Wiring.PARALLEL_TWO_NORMS);
        var web = Falcon.Config.fromJson(json("""
                {"hidden_size": 2048, "n_head": 32, "n_layer": 24, "alibi": true, "multi_query": false,
                 "parallel_attn": false, "bias": true}"""));
        assertThat(web.numKeyValueHeads()).isEqualTo(32);
        assertThat(web.wiring()).isEqualTo(Falcon.Wiring.SEQUENTIAL);
        assertThat(web.rotary()).isNull();
    }

    @Test
    void layers_of_gpt_neo_are_counted_out_of_its_attention_types() {
        assertThat(GptNeo.Config.fromJson(json("""
                {"num_layers": 5, "attention_types": [[["global", "local"], 2], [["local"], 1]]}""")).attentionLayers())
                .containsExactly("global", "local", "global", "local", "local");
        assertThatThrownBy(() -> GptNeo.Config.fromJson(json("""
                {"num_layers": 3, "attention_types": [[["global", "local"], 2]]}""")))
                .hasMessageContaining("num_layers (3)").hasMessageContaining("[global, local, global, local]");
        assertThatThrownBy(() -> GptNeo.Config.fromJson(json("""
                {"num_layers": 1, "attention_layers": ["sparse"]}"""))).hasMessageContaining("[sparse]");
    }

    @Test
    void sizes_that_do_not_fit_are_refused_by_their_names() {
        assertThatThrownBy(() -> Opt.Config.fromJson(json("{\"hidden_size\": 100}")))
                .hasMessageContaining("hidden_size (100) must be a multiple of num_attention_heads (12)");
        assertThatThrownBy(() -> GptNeo.Config.fromJson(json("{\"num_heads\": 3}")))
                .hasMessageContaining("hidden_size (2048) must be a multiple of num_heads (3)");
        assertThatThrownBy(() -> GptNeoX.Config.fromJson(json("{\"num_attention_heads\": 7}")))
                .hasMessageContaining("hidden_size (6144) must be a multiple of num_attention_heads (7)");
        assertThatThrownBy(() -> GptJ.Config.fromJson(json("{\"n_head\": 3}")))
                .hasMessageContaining("n_embd (4096) must be a multiple of n_head (3)");
        assertThatThrownBy(() -> GptJ.Config.fromJson(json("{\"rotary_dim\": 300}")))
                .hasMessageContaining("at most 256").hasMessageContaining("found 300");
        assertThatThrownBy(() -> Bloom.Config.fromJson(json("{\"n_head\": 3}")))
                .hasMessageContaining("hidden_size (64) must be a multiple of n_head (3)");
        assertThatThrownBy(() -> Falcon.Config.fromJson(json("""
                {"new_decoder_architecture": true, "num_kv_heads": 3}""")))
                .hasMessageContaining("num_attention_heads (71) must be a multiple of num_kv_heads (3)");
        assertThatThrownBy(() -> Phi.Config.fromJson(json("{\"num_key_value_heads\": 5}")))
                .hasMessageContaining("num_attention_heads (32) must be a multiple of num_key_value_heads (5)");
    }

    private static Json json(String text) {
        return Json.parse("config.json", text);
    }
}
