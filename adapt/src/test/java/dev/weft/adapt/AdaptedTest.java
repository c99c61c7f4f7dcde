package dev.weft.adapt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.Safetensors;
import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.models.heads.HeadSpec;
import dev.weft.nn.Dropout;
import dev.weft.nn.ForwardPass;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import dev.weft.train.Optimizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

/// Adapters over bases of random weights. What they compute is compared with PEFT in the cases `lora-*` of room cli.
class AdaptedTest {
    private static final LoraConfig ATTENTION = LoraConfig.of(2, 4, Targets.of("q_proj", "v_proj"));

    private static ObjectNode llama(int hidden) {
        ObjectNode config = Json.object().put("model_type", "llama").put("vocab_size", 40).put("hidden_size", hidden)
                .put("intermediate_size", 24).put("num_hidden_layers", 2).put("num_attention_heads", 4)
                .put("num_key_value_heads", 2).put("max_position_embeddings", 32).put("tie_word_embeddings", false)
                .put("initializer_range", 0.3);
        config.putArray("architectures").add("LlamaForCausalLM");
        return config;
    }

    private static ObjectNode bert() {
        ObjectNode config = Json.object().put("model_type", "bert").put("vocab_size", 40).put("hidden_size", 16)
                .put("intermediate_size", 24).put("num_hidden_layers", 2).put("num_attention_heads", 2)
                .put("max_position_embeddings", 12).put("pad_token_id", 0);
        config.putArray("architectures").add("BertForMaskedLM");
        return config;
    }

    private static Map<String, Tensor> inputs() {
        return Map.of("input_ids", Tensor.of(new int[]{5, 6, 7, 1, 9, 8, 1, 3}, 2, 4), "labels",
                Tensor.of(new int[]{5, 6, 7, 1, 9, 8, 1, 3}, 2, 4));
    }

    private static double[] logits(PretrainedModel model) {
        try (var scope = TensorScope.open(); var off = Gradients.off()) {
            return model.outputs(inputs(), ForwardPass.plain()).get("logits").toDoubles();
        }
    }

    private static Map<String, double[]> numbers(Map<String, Tensor> tensors) {
        var numbers = new HashMap<String, double[]>();
        try (var scope = TensorScope.open()) {
            tensors.forEach((name, tensor) -> numbers.put(name, tensor.detach().toDoubles()));
        }
        return numbers;
    }

    /// An adapter whose weights are no zeros.
    private static Adapted shaken(PretrainedModel base, LoraConfig config, long seed) {
        Adapted adapted = Adapted.create(base, config, seed);
        try (var scope = TensorScope.open(); var off = Gradients.off(); var random = Randomness.seeded(seed)) {
            adapted.parameters().values()
                    .forEach(weight -> weight.addInPlace(random.normal(0, 0.3, weight.shape())));
        }
        return adapted;
    }

    private static void step(Adapted adapted, Optimizer optimizer) {
        try (var scope = TensorScope.open()) {
            Map<String, Tensor> inputs = inputs();
            PretrainedModel model = adapted.model();
            model.loss(model.outputs(inputs, ForwardPass.plain().withDropout(Dropout.on(3))), inputs).backward();
            optimizer.step(0.1);
        }
    }

    private static Optimizer adamW(Map<String, Tensor> parameters) {
        return Optimizer.adamW(parameters, 0.9, 0.999, 1e-8, 0.1, true);
    }

    private static void assertClose(double[] found, double[] expected, double tolerance) {
        assertThat(found).hasSameSizeAs(expected);
        for (int i = 0; i < found.length; i++) {
            assertThat(found[i]).isCloseTo(expected[i], within(tolerance));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_new_adapter_answers_as_its_base(boolean dora) {
        try (PretrainedModel base = Models.create(llama(16), 1);
                Adapted adapted = Adapted.create(base, ATTENTION.withDora(dora), 2)) {
            assertClose(logits(adapted.model()), logits(base), dora ? 1e-5 : 0);
        }
    }

    @Property(tries = 12)
    void what_is_frozen_has_no_gradient_and_no_state_and_stays_to_the_last_bit(
            @ForAll @IntRange(min = 1, max = 5) int rank,
            @ForAll boolean dora, @ForAll boolean rslora, @ForAll boolean everywhere, @ForAll LoraConfig.Bias bias) {
        LoraConfig config = LoraConfig
                .of(rank, 8, everywhere ? new Targets.AllLinear() : Targets.of("q_proj", "up_proj"))
                .withDora(dora).withRslora(rslora).withBias(bias).withDropout(0.1);
        try (PretrainedModel base = Models.create(llama(16), 1); Adapted adapted = Adapted.create(base, config, 2)) {
            Map<String, double[]> before = numbers(base.parameters());
            Map<String, double[]> own = numbers(adapted.parameters());
            try (var optimizer = adamW(adapted.model().parameters())) {
                step(adapted, optimizer);
                step(adapted, optimizer);
                assertThat(optimizer.state()).hasSize(3 * adapted.parameters().size());
            }
            assertThat(numbers(base.parameters()))
                    .allSatisfy((name, now) -> assertThat(now).isEqualTo(before.get(name)));
            assertThat(numbers(adapted.parameters()))
                    .allSatisfy((name, now) -> assertThat(now).as(name).isNotEqualTo(own.get(name)));
            long trained = adapted.model().parameters().values().stream().filter(each -> {
                Tensor gradient = each.grad();
                if (gradient != null) {
                    gradient.close();
                }
                return gradient != null;
            }).count();
            assertThat(trained).isEqualTo(adapted.parameters().size());
            assertThat(adapted.cost().trained()).isLessThan(adapted.cost().all());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void merged_it_answers_the_same_and_the_base_gets_its_weights_back(boolean dora) {
        try (PretrainedModel base = Models.create(llama(16), 1);
                Adapted adapted = shaken(base, ATTENTION.withDora(dora).withModulesToSave(List.of("norm")), 2);
                PretrainedModel merged = adapted.merged()) {
            double[] wanted = logits(adapted.model());
            double[] plain = logits(base);
            Map<String, double[]> before = numbers(base.parameters());
            assertThat(wanted).isNotEqualTo(plain);
            assertClose(logits(merged), wanted, 1e-4);
            try (var merge = adapted.mergeInto(base)) {
                assertClose(logits(base), wanted, 1e-4);
            }
            assertClose(logits(base), plain, 1e-4);
            numbers(base.parameters()).forEach((name, now) -> assertClose(now, before.get(name), 1e-6));
        }
    }

    @Test
    void a_merged_model_is_saved_and_a_model_that_wears_an_adapter_is_not(@TempDir Path folder) {
        try (PretrainedModel base = Models.create(llama(16), 1);
                Adapted adapted = shaken(base, ATTENTION, 2);
                PretrainedModel merged = adapted.merged()) {
            merged.save(folder);
            try (PretrainedModel loaded = Models.load(folder)) {
                assertThat(logits(loaded)).isEqualTo(logits(merged));
            }
            assertThatThrownBy(() -> adapted.model().save(folder)).isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("wears an adapter");
        }
    }

    @Test
    void what_was_saved_under_the_names_of_peft_answers_the_same(@TempDir Path folder) {
        LoraConfig config = ATTENTION.withDora(true).withModulesToSave(List.of("lm_head")).withRslora(true)
                .withPatterns(Map.of("v_proj", 3), Map.of("layers.0.self_attn.q_proj", 1.5))
                .withLayers(List.of(0)).withExcluded(Targets.of("nothing"));
        try (PretrainedModel base = Models.create(llama(16), 1); Adapted adapted = shaken(base, config, 2)) {
            adapted.save(folder);
            try (var file = Safetensors.open(folder.resolve("adapter_model.safetensors"));
                    Adapted loaded = Adapted.load(base, folder)) {
                String attention = "base_model.model.model.layers.0.self_attn.";
                assertThat(new TreeSet<>(file.names())).containsExactly("base_model.model.lm_head.weight",
                        attention + "q_proj.lora_A.weight", attention + "q_proj.lora_B.weight",
                        attention + "q_proj.lora_magnitude_vector", attention + "v_proj.lora_A.weight",
                        attention + "v_proj.lora_B.weight", attention + "v_proj.lora_magnitude_vector");
                assertThat(file.shape(attention + "v_proj.lora_A.weight")).containsExactly(3, 16);
                assertThat(logits(loaded.model())).isEqualTo(logits(adapted.model()));
                assertThat(loaded.config()).isEqualTo(adapted.config());
            }
        }
    }

    @Test
    void several_adapters_stand_over_one_base_and_outlive_it(@TempDir Path folder) {
        long live = TensorScope.liveTensors();
        var wanted = new LinkedHashMap<String, double[]>();
        PretrainedModel base = Models.create(llama(16), 1);
        wanted.put("base", logits(base));
        for (int seed = 2; seed < 4; seed++) {
            try (Adapted adapted = shaken(base, ATTENTION, seed)) {
                adapted.save(folder.resolve("a" + seed));
                wanted.put("a" + seed, logits(adapted.model()));
            }
        }
        try (var set = new AdapterSet(base)) {
            set.add("a2", folder.resolve("a2"));
            set.add("a3", folder.resolve("a3"));
            assertThat(logits(set.base())).isEqualTo(wanted.get("base"));
            base.close();
            assertThat(logits(set.model("a2"))).isEqualTo(wanted.get("a2"));
            assertThat(logits(set.model("a3"))).isEqualTo(wanted.get("a3")).isNotEqualTo(wanted.get("a2"));
            assertThatThrownBy(() -> set.model("a4")).hasMessage("There is no adapter \"a4\"; there are [a2, a3]");
        }
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(live);
    }

    @Test
    void a_weighted_sum_changes_each_weight_by_the_sum_of_the_changes() {
        LoraConfig other = LoraConfig.of(3, 5, Targets.of("v_proj", "down_proj")).withRslora(true)
                .withModulesToSave(List.of("lm_head"));
        try (var scope = TensorScope.open();
                PretrainedModel base = Models.create(llama(16), 1);
                Adapted first = shaken(base, ATTENTION, 2);
                Adapted second = shaken(base, other, 3);
                Adapted sum = Adapted.sum(base, Map.of(first, 0.7, second, -0.4));
                var off = Gradients.off()) {
            Map<String, Tensor> own = base.parameters();
            Map<String, Tensor> one = first.changed();
            Map<String, Tensor> two = second.changed();
            assertThat(sum.changed()).hasSize(7).allSatisfy((name, found) -> {
                Tensor plain = own.get(name);
                Tensor expected = plain.add(one.getOrDefault(name, plain).sub(plain).mul(0.7))
                        .add(two.getOrDefault(name, plain).sub(plain).mul(-0.4));
                assertClose(found.toDoubles(), expected.toDoubles(), 1e-5);
            });
            assertThatThrownBy(() -> Adapted.sum(base, Map.of())).hasMessageContaining("no adapter");
        }
    }

    @Test
    void dropout_falls_on_the_detour_alone() {
        try (PretrainedModel base = Models.create(llama(16), 1);
                var scope = TensorScope.open();
                Adapted adapted = shaken(base, ATTENTION.withDropout(0.5), 2);
                Adapted without = Adapted.create(base, ATTENTION.withDropout(0.5), 2);
                var off = Gradients.off()) {
            assertThat(dropped(adapted.model(), 1)).isNotEqualTo(logits(adapted.model()))
                    .isEqualTo(dropped(adapted.model(), 1)).isNotEqualTo(dropped(adapted.model(), 2));
            assertThat(dropped(without.model(), 1)).isEqualTo(logits(base));
        }
    }

    private static double[] dropped(PretrainedModel model, long key) {
        return model.outputs(inputs(), ForwardPass.plain().withDropout(Dropout.on(key))).get("logits").toDoubles();
    }

    @Test
    void a_head_that_the_base_lacks_is_trained_whole_and_saved_with_the_adapter(@TempDir Path root) {
        try (PretrainedModel plain = Models.create(bert(), 1)) {
            plain.save(root.resolve("base"));
        }
        HeadSpec heads = HeadSpec.sequenceClassification(List.of("A", "B", "C"));
        double[] wanted;
        try (PretrainedModel base = Models.load(root.resolve("base"), heads);
                Adapted adapted = shaken(base, LoraConfig.of(2, 4, new Targets.AllLinear()), 2)) {
            assertThat(adapted.config().taskType()).isEqualTo("SEQ_CLS");
            assertThat(adapted.parameters()).containsKeys("base_model.model.classifier.weight",
                    "base_model.model.classifier.bias", "base_model.model.bert.pooler.dense.weight",
                    "base_model.model.bert.encoder.layer.1.output.dense.lora_A.weight");
            adapted.save(root.resolve("adapter"));
            wanted = logits(adapted.model());
        }
        try (PretrainedModel base = Adapted.base(root.resolve("base"), root.resolve("adapter"));
                Adapted loaded = Adapted.load(base, root.resolve("adapter"))) {
            assertThat(logits(loaded.model())).isEqualTo(wanted).hasSize(6);
        }
    }

    @Test
    void an_adapter_for_another_base_is_refused_with_names_and_shapes(@TempDir Path folder) {
        try (PretrainedModel base = Models.create(llama(16), 1);
                PretrainedModel wide = Models.create(llama(32), 1);
                PretrainedModel other = Models.create(bert(), 1);
                Adapted adapted = Adapted.create(base, ATTENTION.withBaseModel("my/llama"), 2)) {
            long live = TensorScope.liveTensors();
            adapted.save(folder);
            assertThatThrownBy(() -> Adapted.load(wide, folder)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(folder.resolve("adapter_model.safetensors")
                            + ": this adapter is for another base (base_model_name_or_path \"my/llama\"): `model.layers.0.self_attn.q_proj.lora_A.weight` is"
                            + " [2, 16] there, [2, 32] here");
            assertThatThrownBy(() -> Adapted.load(other, folder)).hasMessageContaining(
                    ": the targets of this adapter (q_proj, v_proj) are no projections of this model, which has dense, key, query, value");
            assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(live);
        }
    }

    @Test
    void an_embedding_that_is_the_head_too_is_saved_as_one_weight(@TempDir Path folder) throws Exception {
        try (PretrainedModel base = Models.create(llama(16).put("tie_word_embeddings", true), 1);
                Adapted adapted = shaken(base, ATTENTION.withModulesToSave(List.of("embed_tokens")), 2)) {
            adapted.save(folder);
            try (Adapted loaded = Adapted.load(base, folder)) {
                assertThat(logits(loaded.model())).isEqualTo(logits(adapted.model())).isNotEqualTo(logits(base));
            }
            Path config = folder.resolve("adapter_config.json");
            Files.writeString(config, Files.readString(config).replace("\"ensure_weight_tying\": true",
                    "\"ensure_weight_tying\": false"));
            // Then PEFT trained a copy of the embedding alone, and the head is the base's.
            try (Adapted apart = Adapted.load(base, folder)) {
                assertThat(apart.model().parameters()).containsKey("lm_head.weight");
                assertThat(logits(apart.model())).isNotEqualTo(logits(adapted.model()));
                assertThat(apart.model().parameters().get("lm_head.weight").toFloats())
                        .isEqualTo(base.textBackbone().tokens().weight().toFloats());
            }
        }
    }

    @Test
    void a_head_that_is_the_embedding_takes_a_detour_of_its_own(@TempDir Path folder) {
        LoraConfig config = LoraConfig.of(2, 4, Targets.of("q_proj", "lm_head"));
        try (PretrainedModel base = Models.create(llama(16).put("tie_word_embeddings", true), 1);
                Adapted adapted = shaken(base, config, 2)) {
            assertThat(adapted.parameters()).containsKey("base_model.model.lm_head.lora_B.weight");
            adapted.save(folder);
            try (Adapted loaded = Adapted.load(base, folder); PretrainedModel merged = loaded.merged()) {
                assertThat(logits(loaded.model())).isEqualTo(logits(adapted.model())).isNotEqualTo(logits(base));
                assertClose(logits(merged), logits(adapted.model()), 1e-4);
            }
            // As PEFT saves it when it also keeps what the detour goes around.
            keep(folder, adapted, "lm_head.base_layer.weight", base.textBackbone().tokens().weight());
            try (Adapted loaded = Adapted.load(base, folder)) {
                assertThat(logits(loaded.model())).isEqualTo(logits(adapted.model()));
                assertThat(loaded.parameters()).containsKey("base_model.model.lm_head.base_layer.weight");
            }
            keep(folder, adapted, "model.embed_tokens.lora_embedding_A", base.textBackbone().tokens().weight());
            assertThatThrownBy(() -> Adapted.load(base, folder)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("`model.embed_tokens.lora_embedding_A` is a LoRA of an embedding")
                    .hasMessageContaining("modules_to_save");
        }
    }

    private static void keep(Path folder, Adapted adapted, String name, Tensor weight) {
        var all = new LinkedHashMap<>(adapted.parameters());
        all.put("base_model.model." + name, weight);
        Safetensors.write(folder.resolve("adapter_model.safetensors"), all, Map.of());
    }

    @Test
    void a_head_that_is_the_embedding_is_trained_apart_where_it_is_to_be_saved(@TempDir Path folder) {
        try (PretrainedModel base = Models.create(llama(16).put("tie_word_embeddings", true), 1);
                Adapted adapted = shaken(base, ATTENTION.withModulesToSave(List.of("lm_head")), 2)) {
            assertThat(adapted.parameters()).containsKey("base_model.model.lm_head.weight").hasSize(9);
            Map<String, double[]> before = numbers(adapted.parameters());
            try (var optimizer = adamW(adapted.model().parameters())) {
                step(adapted, optimizer);
            }
            numbers(adapted.parameters()).forEach((name, after) -> assertThat(after).as(name).isNotEqualTo(
                    before.get(name)));
            adapted.save(folder);
            try (Adapted loaded = Adapted.load(base, folder); PretrainedModel merged = loaded.merged()) {
                assertThat(logits(loaded.model())).isEqualTo(logits(adapted.model())).isNotEqualTo(logits(base));
                merged.save(folder.resolve("merged"));
                assertThatThrownBy(() -> loaded.mergeInto(base)).hasMessageContaining("tied in the base");
                try (PretrainedModel opened = Models.load(folder.resolve("merged"))) {
                    assertThat(opened.context().config().flag("tie_word_embeddings")).isFalse();
                    assertClose(logits(opened), logits(adapted.model()), 1e-4);
                }
            }
        }
    }

    @Test
    void names_that_fit_nothing_are_refused_with_those_that_there_are() {
        for (boolean tied : List.of(true, false)) {
            try (PretrainedModel base = Models.create(llama(16).put("tie_word_embeddings", tied), 1)) {
                assertThatThrownBy(() -> Adapted.create(base, LoraConfig.parse("targets=q_proj,vproj"), 1))
                        .hasMessageContaining("targets=vproj: this model has no projections")
                        .hasMessageContaining("v_proj");
                assertThatThrownBy(() -> Adapted.create(base, LoraConfig.parse("targets=q_proj,save=foo,lm_head"), 1))
                        .hasMessageContaining("no modules of these names; it has ").hasMessageContaining("embed_tokens")
                        .hasMessageContaining("foo");
            }
        }
    }

    @Test
    void a_setting_of_another_kind_is_told() {
        assertThatThrownBy(() -> LoraConfig.parse("rank=2.5")).hasMessageContaining("rank must be a whole number");
        assertThatThrownBy(() -> LoraConfig.parse("layers=1,x")).hasMessageContaining("layers must be a number");
        assertThatThrownBy(() -> LoraConfig.parse("dora=yes")).hasMessageContaining("dora must be true or false");
    }

    @Test
    void keys_that_name_the_adapter_are_those_without_its_name(@TempDir Path folder) {
        try (PretrainedModel base = Models.create(llama(16), 1);
                Adapted adapted = shaken(base, ATTENTION.withDora(true).withModulesToSave(List.of("lm_head")), 2);
                var scope = TensorScope.open()) {
            adapted.save(folder);
            for (String name : List.of("default", "of_mine")) {
                var renamed = new HashMap<String, Tensor>();
                adapted.parameters().forEach((key, weight) -> renamed.put(key
                        .replaceFirst("lora_([AB])\\.", "lora_$1." + name + ".")
                        .replaceFirst("magnitude_vector$", "magnitude_vector." + name + ".weight")
                        .replace("lm_head.", "lm_head.modules_to_save.default."), weight.detach()));
                Safetensors.write(folder.resolve("adapter_model.safetensors"), renamed, Map.of());
                try (Adapted loaded = Adapted.load(base, folder)) {
                    assertThat(logits(loaded.model())).isEqualTo(logits(adapted.model()));
                }
            }
        }
    }

    @Test
    void an_output_matrix_of_its_own_counts_though_the_config_ties_it(@TempDir Path folder) throws Exception {
        try (PretrainedModel model = Models.create(llama(16), 1)) {
            model.save(folder);
            double[] wanted = logits(model);
            Path config = folder.resolve("config.json");
            Files.writeString(config, Json.read(config).node().put("tie_word_embeddings", true).toString());
            try (PretrainedModel opened = Models.load(folder)) {
                assertThat(opened.notes())
                        .anyMatch(note -> note.contains("ties lm_head.weight to the input embedding"));
                assertThat(logits(opened)).isEqualTo(wanted);
            }
            try (var off = Gradients.off()) {
                model.parameters().get("lm_head.weight").copyInPlace(model.textBackbone().tokens().weight());
            }
            model.save(folder);
            Files.writeString(config, Json.read(config).node().put("tie_word_embeddings", true).toString());
            try (PretrainedModel opened = Models.load(folder)) {
                assertThat(opened.notes()).isEmpty();
                assertThat(opened.parameters()).doesNotContainKey("lm_head.weight");
            }
        }
    }

    @Test
    void weights_without_a_place_and_places_without_weights_are_named(@TempDir Path folder) throws Exception {
        try (PretrainedModel base = Models.create(llama(16), 1); Adapted adapted = Adapted.create(base, ATTENTION, 2)) {
            adapted.save(folder);
            String config = Files.readString(folder.resolve("adapter_config.json"));
            Files.writeString(folder.resolve("adapter_config.json"), config.replace("\"v_proj\"", "\"k_proj\""));
            assertThatThrownBy(() -> Adapted.load(base, folder))
                    .hasMessageContaining("`model.layers.0.self_attn.k_proj.lora_A.weight` is missing there");
            Files.writeString(folder.resolve("adapter_config.json"), config.replace("\"v_proj\"", "\"other\""));
            assertThatThrownBy(() -> Adapted.load(base, folder)).hasMessageContaining(
                    "it has 4 weights for which this model has no place, the first is `model.layers.0.self_attn.v_proj.lora_A.weight` [2, 16]");
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            "lora_bias": true | "lora_bias" is set to true
            "target_parameters": ["experts.w"] | "target_parameters" is set to
            "init_lora_weights": "pissa" | "init_lora_weights" must be true, false, gaussian
            "peft_type": "LOHA" | "peft_type" must be LORA
            "of_tomorrow": 3 | "of_tomorrow" is set to 3
            """)
    void settings_that_change_the_answers_are_refused_by_name(String setting, String message, @TempDir Path folder)
            throws Exception {
        String plain = setting.startsWith("\"peft_type") ? "" : "\"peft_type\": \"LORA\", ";
        Files.writeString(folder.resolve("adapter_config.json"), "{" + plain
                + "\"r\": 2, \"lora_alpha\": 4, \"target_modules\": [\"q_proj\"], \"later\": null, " + setting + "}");
        try (PretrainedModel base = Models.create(llama(16), 1)) {
            assertThatThrownBy(() -> Adapted.load(base, folder)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(message);
        }
    }

    @Test
    void each_row_of_a_batch_has_its_own_adapter_or_none(@TempDir Path folder) {
        LoraConfig other = LoraConfig.of(3, 5, Targets.of("v_proj", "down_proj")).withRslora(true);
        long live = TensorScope.liveTensors();
        try (PretrainedModel base = Models.create(llama(16), 1); var set = new AdapterSet(base)) {
            for (var each : Map.of("one", ATTENTION, "two", other, "whole",
                    ATTENTION.withModulesToSave(List.of("norm")), "dora", ATTENTION.withDora(true)).entrySet()) {
                try (Adapted adapted = shaken(base, each.getValue(), 2)) {
                    adapted.save(folder.resolve(each.getKey()));
                }
                set.add(each.getKey(), folder.resolve(each.getKey()));
            }
            double[][] whole = {logits(set.model("two")), logits(base), logits(set.model("one"))};
            int half = whole[0].length / 2;
            try (PretrainedModel mixed = set.model(List.of("two", AdapterSet.BASE))) {
                double[] found = logits(mixed);
                assertClose(Arrays.copyOf(found, half), Arrays.copyOf(whole[0], half), 1e-5);
                assertThat(Arrays.copyOfRange(found, half, 2 * half))
                        .isEqualTo(Arrays.copyOfRange(whole[1], half, 2 * half));
            }
            try (PretrainedModel mixed = set.model(List.of("one", "two"))) {
                double[] found = logits(mixed);
                assertClose(Arrays.copyOf(found, half), Arrays.copyOf(whole[2], half), 1e-5);
                assertClose(Arrays.copyOfRange(found, half, 2 * half), Arrays.copyOfRange(whole[0], half, 2 * half),
                        1e-5);
            }
            try (PretrainedModel mixed = set.model(List.of("one", "two", "one"))) {
                assertThatThrownBy(() -> logits(mixed)).hasMessageContaining("2 rows").hasMessageContaining("of 3");
            }
            assertThatThrownBy(() -> set.model(List.of("one", "whole")))
                    .hasMessageContaining("its own model.layers.0.input_layernorm.weight");
            assertThatThrownBy(() -> set.model(List.of("dora"))).hasMessageContaining("DoRA");
            assertThatThrownBy(() -> set.model(List.of(AdapterSet.BASE))).hasMessageContaining("No row");
        }
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(live);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void tokens_added_to_the_vocabulary_travel_with_the_adapter(boolean tied, @TempDir Path folder) {
        Map<String, Tensor> inputs = Map.of("input_ids", Tensor.of(new int[]{5, 41, 7, 40}, 1, 4));
        double[] wanted;
        try (PretrainedModel base = Models.create(llama(16).put("tie_word_embeddings", tied), 1)) {
            try (PretrainedModel larger = Models.resized(base, 42); Adapted adapted = shaken(larger, ATTENTION, 2)) {
                assertThat(adapted.config().modulesToSave()).contains("model.embed_tokens");
                assertThat(adapted.parameters()).hasSize(tied ? 9 : 10);
                adapted.save(folder);
                try (var off = Gradients.off(); var scope = TensorScope.open()) {
                    wanted = adapted.model().outputs(inputs, ForwardPass.plain()).get("logits").toDoubles();
                }
            }
            try (Adapted loaded = Adapted.load(base, folder);
                    PretrainedModel merged = loaded.merged();
                    var off = Gradients.off();
                    var scope = TensorScope.open()) {
                assertThat(loaded.model().outputs(inputs, ForwardPass.plain()).get("logits").toDoubles())
                        .isEqualTo(wanted).hasSize(4 * 42);
                merged.save(folder.resolve("merged"));
                try (PretrainedModel opened = Models.load(folder.resolve("merged"))) {
                    assertClose(opened.outputs(inputs, ForwardPass.plain()).get("logits").toDoubles(), wanted, 1e-4);
                }
                assertThatThrownBy(() -> loaded.mergeInto(base)).isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("is [42, 16] in this adapter and [40, 16] in the base");
            }
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            "r": 0 | "r" must be a positive integer, found 0
            "r": "eight" | "r" must be a positive integer, found "eight"
            "target_modules": [] | "target_modules" must be names
            "target_modules": null | "target_modules" must be names
            "target_modules": "(" | "target_modules" must be a regular expression
            "task_type": "DREAMING" | "task_type" must be nothing or one of CAUSAL_LM, FEATURE_EXTRACTION
            "lora_dropout": 1.5 | "lora_dropout" must be at least 0 and below 1, found 1.5
            "lora_alpha": "much" | "lora_alpha" must be a number, found "much"
            "rank_pattern": {"q_proj": -1} | "rank_pattern.q_proj" must be a positive integer, found -1
            "bias": "some" | "bias" must be one of
            "peft_type": "PREFIX_TUNING", "num_virtual_tokens": 0 | "num_virtual_tokens" must be a positive integer, found 0
            "peft_type": "PROMPT_TUNING", "prompt_tuning_init": "LUCK" | "prompt_tuning_init" must be RANDOM
            """)
    void nonsense_in_a_config_is_told_in_one_line(String setting, String message, @TempDir Path folder)
            throws Exception {
        ObjectNode config = Json.object().put("peft_type", "LORA").put("r", 2).put("lora_alpha", 4);
        config.putArray("target_modules").add("q_proj");
        config.setAll(Json.parse("setting", "{" + setting + "}").node());
        if (setting.startsWith("\"peft_type")) {
            config.remove(List.of("r", "lora_alpha", "target_modules"));
        }
        Json.write(folder.resolve("adapter_config.json"), config);
        try (PretrainedModel base = Models.create(llama(16), 1)) {
            assertThatThrownBy(() -> Adapted.load(base, folder)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(message).hasMessageContaining("adapter_config.json")
                    .hasNoSuppressedExceptions();
        }
    }

    @Test
    void targets_are_named_as_peft_names_them() {
        Targets names = Targets.of("q_proj", "mlp.up");
        assertThat(names.names("model.layers.0.q_proj")).isTrue();
        assertThat(names.names("q_proj")).isTrue();
        assertThat(names.names("model.xq_proj")).isFalse();
        assertThat(names.names("a.mlp.up")).isTrue();
        LoraConfig layers = LoraConfig.of(1, 1, new Targets.AllLinear()).withLayers(List.of(1, 11));
        assertThat(layers.changes("model.layers.11.mlp.up")).isTrue();
        assertThat(layers.changes("model.layers.2.mlp.up")).isFalse();
        assertThat(layers.changes("model.head.up")).isFalse();
        var patterns = new LinkedHashMap<String, Integer>();
        patterns.put("layers.1.*q_proj", 5);
        patterns.put("q_proj", 3);
        LoraConfig ranked = ATTENTION.withPatterns(patterns, Map.of("v_proj", 9.0));
        assertThat(ranked.rankOf("model.layers.1.q_proj")).isEqualTo(5);
        assertThat(ranked.rankOf("model.layers.0.q_proj")).isEqualTo(3);
        assertThat(ranked.rankOf("model.layers.0.v_proj")).isEqualTo(2);
        assertThat(ranked.scaleOf("model.layers.0.v_proj")).isEqualTo(4.5);
        assertThat(ranked.withRslora(true).scaleOf("model.layers.0.v_proj")).isEqualTo(9 / Math.sqrt(2));
    }

    @Test
    void a_command_line_says_it_in_one_word() {
        LoraConfig parsed = LoraConfig.parse("rank=4,alpha=6,targets=q_proj,v_proj,dropout=0.05,save=score,dora=true");
        assertThat(parsed).isEqualTo(LoraConfig.of(4, 6, Targets.of("q_proj", "v_proj")).withDropout(0.05)
                .withModulesToSave(List.of("score")).withDora(true));
        assertThat(LoraConfig.parse("rank=4")).isEqualTo(LoraConfig.of(4, 8, new Targets.AllLinear()));
        assertThatThrownBy(() -> LoraConfig.parse("rnk=4")).hasMessageContaining("no LoRA setting \"rnk\"")
                .hasMessageContaining("rslora");
        assertThatThrownBy(() -> LoraConfig.parse("rank=many"))
                .hasMessageContaining("must be a number, found \"many\"");
        assertThatThrownBy(() -> LoraConfig.parse("rank=0")).hasMessageContaining("at least 1");
    }
}
