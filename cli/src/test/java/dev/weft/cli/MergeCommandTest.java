package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.weft.adapt.Adapted;
import dev.weft.adapt.AdapterConfig;
import dev.weft.adapt.LoraConfig;
import dev.weft.adapt.PromptConfig;
import dev.weft.adapt.Targets;
import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.Safetensors;
import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.nn.ForwardPass;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

class MergeCommandTest {
    private static final LoraConfig LORA = LoraConfig.of(2, 4, Targets.of("q_proj", "v_proj"));

    private static ObjectNode llama(int hidden) {
        ObjectNode config = Json.object().put("model_type", "llama").put("vocab_size", 40).put("hidden_size", hidden)
                .put("intermediate_size", 24).put("num_hidden_layers", 2).put("num_attention_heads", 4)
                .put("num_key_value_heads", 2).put("max_position_embeddings", 32).put("tie_word_embeddings", false);
        config.putArray("architectures").add("LlamaForCausalLM");
        return config;
    }

    /// A base with a tokenizer's file beside it.
    private static Path base(Path folder, int hidden) throws IOException {
        try (PretrainedModel base = Models.create(llama(hidden), 1)) {
            base.save(folder);
        }
        Files.writeString(folder.resolve("tokenizer_config.json"), "{\"of\": \"the base\"}");
        Files.writeString(folder.resolve("vocab.txt"), "a");
        return folder;
    }

    /// An adapter that changes something.
    private static Path adapter(Path base, Path folder, AdapterConfig config, int seed) {
        try (PretrainedModel plain = Models.load(base); Adapted adapted = Adapted.create(plain, config, seed)) {
            try (var scope = TensorScope.open();
                    var off = Gradients.off();
                    var random = Randomness.seeded(seed)) {
                adapted.parameters().values()
                        .forEach(weight -> weight.addInPlace(random.normal(0, 0.3, weight.shape())));
            }
            adapted.save(folder);
        }
        return folder;
    }

    private static double[] logits(PretrainedModel model) {
        try (var scope = TensorScope.open(); var off = Gradients.off()) {
            return model.outputs(Map.of("input_ids", Tensor.of(new int[]{5, 6, 7, 1}, 1, 4)), ForwardPass.plain())
                    .get("logits").toDoubles();
        }
    }

    private static double[] logits(Path folder) {
        try (PretrainedModel model = Models.load(folder)) {
            return logits(model);
        }
    }

    private static void assertClose(double[] found, double[] expected) {
        assertThat(found).hasSameSizeAs(expected);
        for (int i = 0; i < found.length; i++) {
            assertThat(found[i]).isCloseTo(expected[i], within(1e-4));
        }
    }

    @Test
    void base_and_adapter_become_a_folder_that_answers_as_both(@TempDir Path root) throws IOException {
        Path base = base(root.resolve("base"), 16);
        Path adapter = adapter(base, root.resolve("adapter"), LORA, 2);
        Files.writeString(adapter.resolve("tokenizer_config.json"), "{\"of\": \"the adapter\"}");
        Path out = root.resolve("out");
        Ran ran = Ran.weft("merge", base.toString(), adapter.toString(), "--out", out.toString());
        assertThat(ran.status()).as(ran.err()).isZero();
        assertThat(ran.out()).contains(out.toString());
        try (PretrainedModel plain = Models.load(base); Adapted adapted = Adapted.load(plain, adapter)) {
            assertClose(logits(out), logits(adapted.model()));
            assertThat(logits(out)).isNotEqualTo(logits(plain));
        }
        assertThat(out.resolve("tokenizer_config.json")).hasContent("{\"of\": \"the adapter\"}");
        assertThat(out.resolve("vocab.txt")).hasContent("a");
        assertThat(out.resolve("adapter_config.json")).doesNotExist();
    }

    @Test
    void several_adapters_are_added_up_each_times_its_weight(@TempDir Path root) throws IOException {
        Path base = base(root.resolve("base"), 16);
        String one = adapter(base, root.resolve("one"), LORA, 2).toString();
        String two = adapter(base, root.resolve("two"), LORA, 3).toString();
        Path out = root.resolve("out");
        Ran ran = Ran.weft("merge", base.toString(), one, two, "--weights", "1,0", "--out", out.toString());
        assertThat(ran.status()).as(ran.err()).isZero();
        Ran alone = Ran.weft("merge", base.toString(), one, "--out", root.resolve("alone").toString());
        assertThat(alone.status()).as(alone.err()).isZero();
        assertClose(logits(out), logits(root.resolve("alone")));
        assertThat(Ran.weft("merge", base.toString(), one, two, "--weights", "1", "--out", out.toString()).refusal())
                .isEqualTo("weft: --weights has 1 numbers for 2 adapters; give one each");
    }

    @Test
    void what_cannot_be_merged_is_refused_in_one_line(@TempDir Path root) throws IOException {
        Path base = base(root.resolve("base"), 16);
        Path wide = base(root.resolve("wide"), 32);
        Path out = root.resolve("out");
        String prefix = adapter(base, root.resolve("prefix"), PromptConfig.prefix(2), 2).toString();
        String lora = adapter(base, root.resolve("lora"), LORA.withBaseModel("models/llama"), 2).toString();
        Ran standing = Ran.weft("merge", base.toString(), prefix, "--out", out.toString());
        assertThat(standing.status()).isNotZero();
        assertThat(standing.refusal()).contains("cannot be merged into their base");
        assertThat(Ran.weft("merge", wide.toString(), lora, "--out", out.toString()).refusal())
                .contains("this adapter is for another base (base_model_name_or_path \"models/llama\")")
                .contains("q_proj.lora_A.weight` is [2, 16] there, [2, 32] here");
        assertThat(out).doesNotExist();
    }

    @Test
    void the_shared_case_is_merged_as_its_reference_did(@TempDir Path root) {
        Path one = Path.of(System.getProperty("weft.shared", "../shared"), "conformance", "lora-llama");
        Assumptions.assumeTrue(Files.isDirectory(one),
                () -> "Conformance cases are absent: " + one + " (set -Dweft.shared to the folder of test data)");
        Path out = root.resolve("out");
        Ran ran = Ran.weft("merge", one.toString(), one.resolve("adapter").toString(), "--out", out.toString());
        assertThat(ran.status()).as(ran.err()).isZero();
        try (var scope = TensorScope.open();
                PretrainedModel merged = Models.load(out);
                var expected = Safetensors.open(one.resolve("expected.safetensors"))) {
            var names = expected.names().stream().filter(name -> name.startsWith("merged.")).toList();
            assertThat(names).isNotEmpty();
            for (String name : names) {
                assertClose(merged.parameters().get(name.substring("merged.".length())).toDoubles(),
                        expected.tensor(name).toDoubles());
            }
        }
    }
}
