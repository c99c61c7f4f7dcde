package dev.weft.adapt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.Safetensors;
import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.KvCache;
import dev.weft.nn.LanguageModel;
import dev.weft.nn.AttentionMask;
import dev.weft.tensor.DType;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import dev.weft.train.Optimizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

/// Prompts and prefixes over bases of random weights. What they compute is compared with PEFT in the cases `prompt-*` and
/// `prefix-*` of room cli.
class PromptsTest {
    private static ObjectNode mistral(Integer window) {
        ObjectNode config = Json.object().put("model_type", "mistral").put("vocab_size", 40).put("hidden_size", 16)
                .put("intermediate_size", 24).put("num_hidden_layers", 2).put("num_attention_heads", 4)
                .put("num_key_value_heads", 2).put("max_position_embeddings", 64).put("tie_word_embeddings", false)
                .put("sliding_window", window).put("initializer_range", 0.3);
        config.putArray("architectures").add("MistralForCausalLM");
        return config;
    }

    private static ObjectNode gpt2() {
        ObjectNode config = Json.object().put("model_type", "gpt2").put("vocab_size", 40).put("n_embd", 16)
                .put("n_layer", 2).put("n_head", 2).put("n_positions", 24).put("initializer_range", 0.3);
        config.putArray("architectures").add("GPT2LMHeadModel");
        return config;
    }

    private static ObjectNode bert(String head) {
        ObjectNode config = Json.object().put("model_type", "bert").put("vocab_size", 40).put("hidden_size", 16)
                .put("intermediate_size", 24).put("num_hidden_layers", 2).put("num_attention_heads", 2)
                .put("max_position_embeddings", 24).put("pad_token_id", 0);
        config.putArray("architectures").add(head);
        return config;
    }

    private static PromptConfig config(PromptConfig.Kind kind, int count) {
        return kind == PromptConfig.Kind.PROMPT_TUNING ? PromptConfig.prompt(count) : PromptConfig.prefix(count);
    }

    private static Tensor ids() {
        return Tensor.of(new int[]{5, 6, 7, 1, 9, 8, 1, 3, 9, 9, 2, 4}, 2, 6);
    }

    private static Map<String, Tensor> inputs() {
        return Map.of("input_ids", ids(), "labels", ids());
    }

    private static double[] logits(PretrainedModel model) {
        try (var scope = TensorScope.open(); var off = Gradients.off()) {
            return model.outputs(inputs(), ForwardPass.plain()).get("logits").toDoubles();
        }
    }

    private static void assertClose(Tensor found, Tensor expected) {
        assertThat(found.shape()).isEqualTo(expected.shape());
        assertThat(found.sub(expected).abs().max().item()).isLessThan(1e-4);
    }

    @ParameterizedTest
    @CsvSource({"PROMPT_TUNING,", "PREFIX_TUNING,", "PROMPT_TUNING,4", "PREFIX_TUNING,4", "PREFIX_TUNING,2"})
    void token_by_token_it_scores_what_it_scores_at_once(PromptConfig.Kind kind, Integer window) {
        try (PretrainedModel base = Models.create(mistral(window), 1);
                Adapted adapted = Adapted.create(base, config(kind, 3), 2);
                var scope = TensorScope.open();
                var off = Gradients.off();
                var cache = new KvCache()) {
            var model = (LanguageModel) adapted.model();
            Tensor whole = model.logits(ids(), ForwardPass.plain());
            assertThat(whole.shape()).containsExactly(2, 6, 40);
            assertThat(whole.sub(((LanguageModel) base).logits(ids(), ForwardPass.plain())).abs().max().item())
                    .isGreaterThan(0.01);
            ForwardPass pass = ForwardPass.plain().withCache(cache);
            assertClose(model.logits(ids().narrow(1, 0, 2), pass), whole.narrow(1, 0, 2));
            for (int at = 2; at < 6; at++) {
                assertClose(model.logits(ids().narrow(1, at, 1), pass), whole.narrow(1, at, 1));
            }
            // The cache holds the text alone, so that it can be cut and its rows exchanged.
            assertThat(cache.length()).isEqualTo(6);
            if (window == null) {
                cache.truncate(3);
                cache.reorder(1, 0);
                Tensor turned = ids().indexSelect(0, Tensor.of(new int[]{1, 0}, 2));
                assertClose(model.logits(turned.narrow(1, 3, 3), pass),
                        whole.indexSelect(0, Tensor.of(new int[]{1, 0}, 2)).narrow(1, 3, 3));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(PromptConfig.Kind.class)
    void padding_before_a_text_changes_nothing(PromptConfig.Kind kind) {
        try (PretrainedModel base = Models.create(gpt2(), 1);
                Adapted adapted = Adapted.create(base, config(kind, 3), 2);
                var scope = TensorScope.open();
                var off = Gradients.off()) {
            var model = (LanguageModel) adapted.model();
            Tensor one = ids().narrow(0, 0, 1);
            Tensor padded = Tensor.cat(List.of(Tensor.zeros(DType.INT64, 1, 2), one), 1);
            ForwardPass pass = ForwardPass.plain()
                    .withMask(AttentionMask.padding(Tensor.of(new int[]{0, 0, 1, 1, 1, 1, 1, 1}, 1, 8)))
                    .withPositions(Tensor.of(new int[]{0, 0, 0, 1, 2, 3, 4, 5}, 1, 8));
            assertClose(model.logits(padded, pass).narrow(1, 2, 6), model.logits(one, ForwardPass.plain()));
            assertThat(model.maxPositions()).isEqualTo(21);
            assertThatThrownBy(() -> model.logits(ids(), ForwardPass.plain()
                    .withMask(AttentionMask.of(Tensor.full(1, DType.BOOL, 2, 1, 6, 6)))))
                    .hasMessageContaining("mask of two axes");
        }
    }

    @Test
    void prompts_that_begin_as_a_text_are_that_text() {
        try (PretrainedModel base = Models.create(gpt2(), 1);
                Adapted adapted = Adapted.create(base, PromptConfig.prompt(3).withText("a b", List.of(7, 8), "words"),
                        2);
                var scope = TensorScope.open();
                var off = Gradients.off()) {
            Tensor text = Tensor.of(new int[]{7, 8, 7}, 1, 3).expand(2, 3);
            Map<String, Tensor> longer = Map.of("input_ids", Tensor.cat(List.of(text, ids()), 1), "labels",
                    Tensor.cat(List.of(Tensor.full(-100, DType.INT64, 2, 3), ids()), 1));
            Map<String, Tensor> expected = base.outputs(longer, ForwardPass.plain());
            Map<String, Tensor> found = adapted.model().outputs(inputs(), ForwardPass.plain());
            // The same numbers; a kernel may add them up in another order where the rows are other rows of a tensor.
            assertThat(found.get("logits").toDoubles()).usingComparatorWithPrecision(1e-5)
                    .containsExactly(expected.get("logits").toDoubles());
            assertThat(adapted.model().loss(found, inputs()).item()).isCloseTo(base.loss(expected, longer).item(),
                    within(1e-5));
            assertThat(adapted.model().counts(inputs())).containsExactly(12);
            assertThatThrownBy(() -> PromptConfig.prompt(3).withText("", List.of(), "words"))
                    .hasMessageContaining("a text without tokens");
        }
    }

    @Test
    void prompts_drawn_from_the_vocabulary_are_rows_of_it() {
        try (PretrainedModel base = Models.create(gpt2(), 1);
                var scope = TensorScope.open();
                Adapted adapted = Adapted.create(base, PromptConfig.prompt(2).withSampledVocabulary(), 2)) {
            Tensor table = base.parameters().get("transformer.wte.weight");
            Tensor first = adapted.parameters().get("prompt_embeddings").narrow(0, 0, 1);
            assertThat(table.sub(first).abs().sum(1, false).min().item()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void what_is_saved_answers_the_same_and_trains_on_to_the_last_bit(boolean projected, @TempDir Path folder)
            throws Exception {
        PromptConfig config = projected ? PromptConfig.prefix(3).withProjection(5) : PromptConfig.prefix(3);
        long live = TensorScope.liveTensors();
        try (PretrainedModel base = Models.create(mistral(null), 1)) {
            double[] trained;
            double[] wanted;
            try (Adapted adapted = Adapted.create(base, config, 2)) {
                assertThat(adapted.parameters().keySet()).hasSize(projected ? 5 : 1);
                step(adapted);
                adapted.save(folder);
                wanted = logits(adapted.model());
                step(adapted);
                trained = logits(adapted.model());
            }
            try (var file = Safetensors.open(folder.resolve("adapter_model.safetensors"));
                    Adapted loaded = Adapted.load(base, folder)) {
                assertThat(file.shape("prompt_embeddings")).containsExactly(3, 2 * 2 * 8);
                assertThat(logits(loaded.model())).isEqualTo(wanted);
                assertThat(loaded.config()).isEqualTo(config.sized(8, 2, 2, 1).withTaskType("CAUSAL_LM"));
                loaded.train(true);
                step(loaded);
                assertThat(logits(loaded.model())).isEqualTo(trained).isNotEqualTo(wanted);
            }
            // What PEFT reads, without what was projected, answers the same.
            try (var file = Safetensors.open(folder.resolve("adapter_model.safetensors"));
                    var scope = TensorScope.open()) {
                Path bare = Files.createDirectories(folder.resolve("bare"));
                Files.copy(folder.resolve("adapter_config.json"), bare.resolve("adapter_config.json"));
                Safetensors.write(bare.resolve("adapter_model.safetensors"),
                        Map.of("prompt_embeddings", file.tensor("prompt_embeddings")), Map.of());
                try (Adapted loaded = Adapted.load(base, bare)) {
                    double[] found = logits(loaded.model());
                    for (int i = 0; i < found.length; i++) {
                        assertThat(found[i]).isCloseTo(wanted[i], within(1e-5));
                    }
                }
            }
        }
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(live);
    }

    /// One step of gradient descent, which keeps no state: the prompts alone change.
    private static void step(Adapted adapted) {
        try (var scope = TensorScope.open();
                var optimizer = Optimizer.sgd(adapted.model().parameters(), 0, 0)) {
            PretrainedModel model = adapted.model();
            model.loss(model.outputs(inputs(), ForwardPass.plain()), inputs()).backward();
            long gradients = model.parameters().values().stream().filter(each -> each.grad() != null).count();
            assertThat(gradients).isEqualTo(adapted.parameters().size());
            optimizer.step(0.1);
            model.parameters().values().forEach(Tensor::clearGrad);
        }
    }

    @Test
    void tokens_are_labelled_and_texts_are_classified_behind_prompts(@TempDir Path folder) {
        try (PretrainedModel tokens = Models.create(bert("BertForTokenClassification"), 1);
                PretrainedModel texts = Models.create(bert("BertForSequenceClassification"), 1);
                Adapted labels = Adapted.create(tokens, PromptConfig.prompt(3), 2);
                Adapted classes = Adapted.create(texts, PromptConfig.prompt(3), 2)) {
            assertThat(logits(labels.model())).hasSize(2 * 6 * 2);
            assertThat(labels.parameters().keySet()).containsExactlyInAnyOrder("prompt_embeddings",
                    "base_model.classifier.weight", "base_model.classifier.bias");
            classes.save(folder);
            try (Adapted loaded = Adapted.load(texts, folder)) {
                assertThat(logits(loaded.model())).isEqualTo(logits(classes.model())).hasSize(4);
            }
            assertThatThrownBy(() -> Adapted.create(texts, PromptConfig.prefix(3), 2))
                    .hasMessage("Prefixes stand before models that write; this is BertForSequenceClassification");
        }
        try (PretrainedModel answers = Models.create(bert("BertForQuestionAnswering"), 1)) {
            assertThatThrownBy(() -> Adapted.create(answers, PromptConfig.prompt(3), 2))
                    .hasMessageEndingWith("this is BertForQuestionAnswering");
        }
    }

    @Test
    void what_stands_before_the_text_is_neither_merged_nor_added_up_nor_put_before_another_base(
            @TempDir Path folder) {
        try (PretrainedModel base = Models.create(gpt2(), 1);
                PretrainedModel wide = Models.create(gpt2().put("n_embd", 32), 1);
                PretrainedModel deep = Models.create(gpt2().put("n_layer", 3), 1);
                Adapted prefix = Adapted.create(base, PromptConfig.prefix(2).withBaseModel("my/gpt2"), 2)) {
            assertThatThrownBy(prefix::merged).hasMessageContaining("cannot be merged into their base");
            assertThatThrownBy(() -> Adapted.sum(base, Map.of(prefix, 1.0))).hasMessageContaining("do not add up");
            prefix.save(folder);
            assertThatThrownBy(() -> Adapted.load(wide, folder)).hasMessage(folder.resolve("adapter_model.safetensors")
                    + ": this adapter is for another base (base_model_name_or_path \"my/gpt2\"): token_dim is 16 there, 32 here");
            assertThatThrownBy(() -> Adapted.load(deep, folder)).hasMessageEndingWith("num_layers is 2 there, 3 here");
        }
    }
}
