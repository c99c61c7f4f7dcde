package dev.weft.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.ModelFolder;
import dev.weft.checkpoint.Safetensors;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.HeadSpec;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Loss;
import dev.weft.nn.Trace;
import dev.weft.tensor.DType;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

/// Folders opened with heads of every kind, and saved.
class ModelsTest {
    @TempDir
    Path root;

    private static ObjectNode bert(String architecture) {
        ObjectNode config = Json.object().put("model_type", "bert").put("vocab_size", 40).put("hidden_size", 16)
                .put("intermediate_size", 24).put("num_hidden_layers", 2).put("num_attention_heads", 2)
                .put("max_position_embeddings", 12).put("pad_token_id", 0);
        config.putArray("architectures").add(architecture);
        return config;
    }

    private static ObjectNode llama() {
        ObjectNode config = Json.object().put("model_type", "llama").put("vocab_size", 40).put("hidden_size", 16)
                .put("intermediate_size", 24).put("num_hidden_layers", 2).put("num_attention_heads", 4)
                .put("num_key_value_heads", 2).put("max_position_embeddings", 32);
        config.putArray("architectures").add("LlamaForCausalLM");
        return config;
    }

    private static ObjectNode t5() {
        ObjectNode config = Json.object().put("model_type", "t5").put("vocab_size", 40).put("d_model", 16)
                .put("d_kv", 8).put("d_ff", 24).put("num_layers", 2).put("num_heads", 2).put("pad_token_id", 0)
                .put("decoder_start_token_id", 0).put("eos_token_id", 1);
        config.putArray("architectures").add("T5ForConditionalGeneration");
        return config;
    }

    private Path saved(ObjectNode config) {
        Path folder = root.resolve(config.get("model_type").asString() + config.get("architectures").size());
        try (var scope = TensorScope.open(); PretrainedModel model = Models.create(config, 7)) {
            model.save(folder);
        }
        return folder;
    }

    private static Map<String, Tensor> inputs() {
        return Map.of("input_ids", Tensor.of(new int[]{5, 6, 7, 1, 9, 8, 1, 0}, 2, 4), "attention_mask",
                Tensor.of(new int[]{1, 1, 1, 1, 1, 1, 1, 0}, 2, 4));
    }

    private static Tensor logits(PretrainedModel model) {
        try (var off = Gradients.off()) {
            return model.outputs(inputs(), ForwardPass.plain()).get("logits");
        }
    }

    static List<ObjectNode> configs() {
        return List.of(bert("BertForMaskedLM"), llama(), t5());
    }

    @ParameterizedTest
    @MethodSource("configs")
    void a_saved_model_opens_again_with_the_same_numbers_and_the_same_config(ObjectNode config) {
        try (var scope = TensorScope.open(); PretrainedModel model = Models.create(config, 7)) {
            Path folder = root.resolve("again");
            model.save(folder, 2_000);
            assertThat(folder.resolve("model.safetensors.index.json")).exists();
            try (PretrainedModel opened = Models.load(folder)) {
                assertThat(opened.notes()).isEmpty();
                assertThat(opened.parameters().keySet()).isEqualTo(model.parameters().keySet());
                assertThat(logits(opened).toFloats()).isEqualTo(logits(model).toFloats());
                assertThat(opened.context().config().text("dtype")).isEqualTo("float32");
            }
        }
    }

    @Test
    void another_head_on_the_same_body_is_new_and_says_what_is_new_and_what_is_left_out() {
        Path folder = saved(bert("BertForMaskedLM"));
        Path out = root.resolve("tagger");
        List<String> labels = List.of("O", "B-PER", "I-PER");
        try (var scope = TensorScope.open();
                PretrainedModel tagger = Models.load(folder, HeadSpec.tokenClassification(labels))) {
            assertThat(tagger.notes()).hasSize(2);
            assertThat(tagger.notes().get(0))
                    .endsWith("new, train them before use: classifier.bias, classifier.weight");
            assertThat(tagger.notes().get(1)).contains("not used: cls.predictions.bias, ");
            assertThat(logits(tagger).shape()).containsExactly(2, 4, 3);
            tagger.save(out);
        }
        ModelFolder written = ModelFolder.open(out);
        assertThat(written.config().texts("architectures")).containsExactly("BertForTokenClassification");
        assertThat(written.config().object("id2label").text("1")).isEqualTo("B-PER");
        assertThat(written.config().object("label2id").integer("I-PER")).isEqualTo(2);
        try (var scope = TensorScope.open(); PretrainedModel again = Models.load(out)) {
            assertThat(again.notes()).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"BertForMaskedLM", "BertForPreTraining", "BertForTokenClassification"})
    void a_loss_alone_is_that_of_all_outputs_with_its_gradients(String architecture) {
        for (long[] labels : List.of(new long[]{-100, 1, -100, 0, -100, -100, 1, -100},
                new long[]{-100, 1, 0, 1, 1, 0, 1, 0},
                LongStream.generate(() -> -100).limit(8).toArray())) {
            try (var scope = TensorScope.open(); PretrainedModel model = Models.create(bert(architecture), 7)) {
                var batch = new TreeMap<>(inputs());
                batch.put("labels", Tensor.of(labels, 2, 4));
                batch.put("next_sentence_label", Tensor.of(new long[]{0, 1}, 2));
                Loss whole = model.losses(model.outputs(batch, ForwardPass.plain()), batch, 0.1);
                Map<String, float[]> gradients = gradients(model, whole);
                Loss alone = model.losses(batch, ForwardPass.plain(), 0.1);
                assertThat(alone.counts()).isEqualTo(whole.counts());
                for (int term = 0; term < alone.terms().size(); term++) {
                    assertThat(alone.terms().get(term).sum().item())
                            .isCloseTo(whole.terms().get(term).sum().item(), within(1e-5));
                }
                gradients(model, alone).forEach((name, gradient) -> assertThat(gradient).as(name)
                        .containsExactly(gradients.get(name), within(1e-5f)));
            }
        }
    }

    private static Map<String, float[]> gradients(PretrainedModel model, Loss loss) {
        loss.terms().stream().map(Loss.Term::sum).reduce(Tensor::add).orElseThrow().backward();
        var gradients = new TreeMap<String, float[]>();
        model.parameters().forEach((name, weight) -> {
            if (weight.grad() instanceof Tensor gradient) {
                gradients.put(name, gradient.toFloats());
            }
            weight.clearGrad();
        });
        return gradients;
    }

    @ParameterizedTest
    @EnumSource(HeadKind.class)
    void every_head_that_a_family_has_opens_on_its_body_and_can_be_saved_and_opened(HeadKind kind) {
        for (ObjectNode config : configs()) {
            Path folder = saved(config);
            if (!Models.heads(ModelFolder.open(folder).config()).contains(kind)) {
                assertThatThrownBy(() -> Models.load(folder, HeadSpec.of(kind))).hasMessageContaining("has no head");
                continue;
            }
            Path out = root.resolve(kind + config.get("model_type").asString());
            try (var scope = TensorScope.open(); PretrainedModel model = Models.load(folder, HeadSpec.of(kind))) {
                model.save(out);
                try (PretrainedModel again = Models.load(out)) {
                    assertThat(again.getClass()).isEqualTo(model.getClass());
                    assertThat(again.notes()).isEmpty();
                    assertThat(again.parameters().keySet()).isEqualTo(model.parameters().keySet());
                }
            }
        }
    }

    @Test
    void a_head_that_the_config_names_and_the_file_lacks_is_an_error_that_names_it() throws IOException {
        Path folder = saved(bert("BertModel"));
        Json config = Json.read(folder.resolve("config.json"));
        config.node().putArray("architectures").add("BertForTokenClassification");
        Json.write(folder.resolve("config.json"), config.node());
        assertThatThrownBy(() -> Models.load(folder)).hasMessageContaining("`classifier.weight`")
                .hasMessageContaining("not found in").hasMessageContaining(folder.toString());
    }

    @Test
    void old_names_and_flat_bodies_are_read_and_new_names_are_written() throws IOException {
        Path folder = saved(bert("BertModel"));
        var old = new LinkedHashMap<String, Tensor>();
        try (var scope = TensorScope.open(); var file = Safetensors.open(folder.resolve("model.safetensors"))) {
            for (String name : file.names()) {
                old.put(name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"),
                        file.tensor(name).copy());
            }
            old.put("embeddings.position_ids", Tensor.arange(0, 12).unsqueeze(0));
            ModelFolder.save(folder, ModelFolder.open(folder).config().node(), old, 1 << 30);
            try (PretrainedModel model = Models.load(folder, HeadSpec.regression())) {
                assertThat(model.parameters()).containsKeys("bert.embeddings.LayerNorm.weight", "classifier.bias",
                        "bert.pooler.dense.weight");
                assertThat(model.notes()).hasSize(1);
            }
        }
    }

    @Test
    void types_are_widened_kept_or_narrowed_as_asked() {
        Path folder = saved(llama());
        try (var scope = TensorScope.open();
                PretrainedModel narrow = Models.load(folder, Loading.in(DType.BFLOAT16))) {
            narrow.save(root.resolve("narrow"));
            try (PretrainedModel kept = Models.load(root.resolve("narrow"), Loading.asStored());
                    PretrainedModel wide = Models.load(root.resolve("narrow"))) {
                assertThat(kept.parameters().values()).allMatch(each -> each.dtype() == DType.BFLOAT16);
                assertThat(kept.context().config().text("dtype")).isEqualTo("bfloat16");
                assertThat(wide.parameters().values()).allMatch(each -> each.dtype() == DType.FLOAT32);
                assertThat(logits(kept).dtype()).isEqualTo(DType.BFLOAT16);
            }
        }
    }

    @Test
    void one_model_serves_many_threads_with_the_numbers_it_gives_alone() throws Exception {
        Path folder = saved(bert("BertForMaskedLM"));
        try (var scope = TensorScope.open(); PretrainedModel model = Models.load(folder)) {
            float[] alone = logits(model).toFloats();
            try (var pool = Executors.newFixedThreadPool(8)) {
                List<Callable<float[]>> calls = IntStream.range(0, 200).<Callable<float[]>>mapToObj(i -> () -> {
                    try (var own = TensorScope.open()) {
                        return logits(model).toFloats();
                    }
                }).toList();
                for (var result : pool.invokeAll(calls)) {
                    assertThat(result.get()).isEqualTo(alone);
                }
            }
        }
    }

    @Test
    void ten_thousand_calls_leave_no_tensor_behind() {
        Path folder = saved(llama());
        try (var outer = TensorScope.open(); PretrainedModel model = Models.load(folder)) {
            Map<String, Tensor> inputs = inputs();
            long before = TensorScope.liveTensors();
            for (int call = 0; call < 10_000; call++) {
                try (var scope = TensorScope.open(); var off = Gradients.off()) {
                    model.outputs(inputs, ForwardPass.plain());
                }
            }
            assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
        }
    }

    @Test
    void hidden_states_and_weights_of_every_layer_and_of_cross_attention_can_be_watched() {
        Path folder = saved(t5());
        try (var scope = TensorScope.open();
                PretrainedModel model = Models.load(folder);
                var trace = Trace.recording(name -> true);
                var off = Gradients.off()) {
            model.outputs(inputs(), ForwardPass.plain().withTrace(trace));
            assertThat(trace.values()).containsKeys("encoder.blocks.0.resid_pre", "encoder.blocks.1.attn.weights",
                    "encoder.final", "decoder.blocks.1.cross.weights", "decoder.blocks.0.mlp.out", "decoder.final");
        }
    }

    @Test
    void a_key_of_the_config_that_nobody_reads_is_named_and_one_that_does_no_harm_is_not(@TempDir Path folder)
            throws IOException {
        try (PretrainedModel model = Models.create(Gpt2.Config.tiny().toJson(), 1)) {
            model.save(folder);
        }
        ObjectNode config = Json.read(folder.resolve("config.json")).node();
        config.put("transformers_version", "5.18.0").put("use_cache", true).put("summary_first_dropout", 0.1)
                .put("eos_token_id", 3).put("attention_sinks", 4).put("off", false).putObject("logit_rescaling")
                .put("by", 2);
        Json.write(folder.resolve("config.json"), config);
        try (PretrainedModel model = Models.load(folder)) {
            assertThat(model.notes()).containsExactly(
                    "these keys of config.json are not known to Weft and change nothing: attention_sinks, logit_rescaling");
        }
    }

    @Test
    void ids_outside_the_vocabulary_and_texts_beyond_the_positions_are_refused_in_one_line() {
        Path folder = saved(bert("BertForMaskedLM"));
        try (var scope = TensorScope.open(); PretrainedModel model = Models.load(folder)) {
            assertThatThrownBy(() -> model.outputs(Map.of("input_ids", Tensor.of(new int[]{1, 40}, 1, 2)),
                    ForwardPass.plain()))
                    .hasMessage("id 40 is outside the table, whose 40 entries have the ids 0 to 39");
            assertThatThrownBy(
                    () -> model.outputs(Map.of("input_ids", Tensor.zeros(DType.INT64, 1, 13)), ForwardPass.plain()))
                    .hasMessage("The text has 13 tokens, this model has room for 12 (max_position_embeddings); "
                            + "shorten it");
            assertThatThrownBy(() -> model.outputs(Map.of("pixel_values", Tensor.zeros(DType.FLOAT32, 1)),
                    ForwardPass.plain())).hasMessage("Weft does not take the inputs [pixel_values]");
        }
    }

    @Test
    void tokens_are_added_as_the_mean_of_the_others_and_what_is_tied_stays_tied(@TempDir Path folder) {
        long live = TensorScope.liveTensors();
        try (var scope = TensorScope.open(); PretrainedModel base = Models.create(bert("BertForMaskedLM"), 1)) {
            PretrainedModel larger = Models.resized(base, 43);
            Map<String, Tensor> own = base.parameters();
            Map<String, Tensor> found = larger.parameters();
            assertThat(found.keySet()).isEqualTo(own.keySet());
            Tensor old = own.get("bert.embeddings.word_embeddings.weight").detach();
            Tensor table = found.get("bert.embeddings.word_embeddings.weight").detach();
            assertThat(table.shape()).containsExactly(43, 16);
            assertThat(table.narrow(0, 0, 40).toFloats()).containsExactly(old.toFloats());
            for (int row = 40; row < 43; row++) {
                assertThat(table.select(0, row).sub(old.mean(0, false)).abs().max().item()).isLessThan(1e-6);
            }
            assertThat(found.get("cls.predictions.bias").shape()).containsExactly(43);
            assertThat(larger.context().weights().grown()).containsExactly("bert.embeddings.word_embeddings.weight",
                    "cls.predictions.bias");
            String kept = "bert.encoder.layer.0.attention.self.query.weight";
            assertThat(found.get(kept).sharesMemory(own.get(kept))).isTrue();
            assertThat(found.values()).allMatch(Tensor::requiresGrad);
            var outputs = larger.outputs(Map.of("input_ids", Tensor.of(new int[]{42, 3}, 1, 2)), ForwardPass.plain());
            assertThat(outputs.get("logits").shape()).containsExactly(1, 2, 43);
            larger.save(folder);
            try (PretrainedModel loaded = Models.load(folder); PretrainedModel smaller = Models.resized(loaded, 38)) {
                assertThat(loaded.textBackbone().vocabSize()).isEqualTo(43);
                assertThat(smaller.parameters().get("bert.embeddings.word_embeddings.weight").toFloats())
                        .containsExactly(old.narrow(0, 0, 38).toFloats());
            }
            larger.close();
        }
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(live);
    }

    @Test
    void tokens_are_added_as_new_weights_of_a_seed() {
        try (var scope = TensorScope.open();
                PretrainedModel base = Models.create(llama(), 1);
                PretrainedModel one = Models.resized(base, 42, 7);
                PretrainedModel again = Models.resized(base, 42, 7);
                PretrainedModel other = Models.resized(base, 42, 8)) {
            float[] added = rows(one);
            assertThat(added).containsExactly(rows(again)).isNotEqualTo(rows(other));
            assertThat(Arrays.copyOf(added, 16)).isNotEqualTo(Arrays.copyOfRange(added, 16, 32));
            assertThatThrownBy(() -> Models.resized(base, 0)).hasMessageContaining("asked for 0");
        }
    }

    private static float[] rows(PretrainedModel model) {
        return model.parameters().get("model.embed_tokens.weight").detach().narrow(0, 40, 2).toFloats();
    }

    static Stream<List<String>> wrongConfigs() {
        return Stream.of(
                List.of("{\"model_type\": \"lstm\"}", "does not know the model_type \"lstm\"; it knows [",
                        "bert", "t5"),
                List.of("{\"model_type\": \"bert\", \"hidden_size\": 16}", "\"vocab_size\" is missing"),
                List.of("{\"model_type\": \"bert\", \"hidden_size\": 16, \"vocab_size\": -4}",
                        "\"vocab_size\" must be a positive integer, found -4"),
                List.of("{\"model_type\": \"llama\", \"vocab_size\": 40, \"hidden_size\": 16, \"intermediate_size\": 8,"
                        + " \"num_hidden_layers\": 1, \"num_attention_heads\": 3}",
                        "hidden_size (16) must be a multiple of num_attention_heads (3)"),
                List.of("{\"model_type\": \"gemma3_text\", \"use_bidirectional_attention\": true}",
                        "\"use_bidirectional_attention\" must be false", "found true"),
                List.of("{\"model_type\": \"bert\", \"position_embedding_type\": \"relative_key\"}",
                        "\"position_embedding_type\" must be absolute"),
                List.of("{\"hidden_size\": 16}", "\"model_type\" is missing"));
    }

    @ParameterizedTest
    @MethodSource("wrongConfigs")
    void a_wrong_config_says_what_is_wrong(List<String> wrong) throws IOException {
        Path folder = saved(bert("BertForMaskedLM"));
        Files.writeString(folder.resolve("config.json"), wrong.getFirst());
        var failure = assertThatThrownBy(() -> Models.load(folder)).isInstanceOf(IllegalArgumentException.class);
        wrong.stream().skip(1).forEach(failure::hasMessageContaining);
    }

    @Test
    void missing_extra_and_misshapen_weights_are_named_with_both_sides() {
        Path folder = saved(llama());
        ObjectNode deeper = llama().put("num_hidden_layers", 3);
        ObjectNode shallower = llama().put("num_hidden_layers", 1);
        ObjectNode wider = llama().put("num_key_value_heads", 4);
        assertRefused(folder, deeper, "`model.layers.2.", "not found in");
        assertRefused(folder, shallower, "9 weights that this model does not have, the first is model.layers.1.");
        assertRefused(folder, wider, "`model.layers.0.self_attn.k_proj.weight`: expected [16, 16], found [8, 16]");
    }

    private static void assertRefused(Path folder, ObjectNode config, String... parts) {
        Json.write(folder.resolve("config.json"), config);
        long before = TensorScope.liveTensors();
        var failure = assertThatThrownBy(() -> Models.load(folder)).isInstanceOf(IllegalArgumentException.class);
        Stream.of(parts).forEach(failure::hasMessageContaining);
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
    }
}
