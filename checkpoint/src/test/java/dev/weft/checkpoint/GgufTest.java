package dev.weft.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.nn.Init;
import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// The files in `gguf/` were made by `build/gguf_fixtures.py`.
class GgufTest {
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

    static Path fixture(String name) {
        try {
            return Path.of(GgufTest.class.getResource("/gguf/" + name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "phi2", "phi3", "gpt2"})
    void a_file_is_shown_as_the_checkpoint_it_was_made_from(String architecture) {
        try (var file = Gguf.open(fixture(architecture + ".gguf"));
                var checkpoint = Safetensors.open(fixture(architecture + ".safetensors"))) {
            assertThat(file.names()).containsExactlyInAnyOrderElementsOf(checkpoint.names());
            for (String name : checkpoint.names()) {
                assertThat(file.shape(name)).as(name).isEqualTo(checkpoint.shape(name));
                assertThat(file.tensor(name).shape()).as(name).isEqualTo(checkpoint.shape(name));
                assertThat(file.tensor(name).dtype()).as(name).isEqualTo(file.dtype(name));
                assertThat(file.tensor(name).toFloats()).as(name).isEqualTo(checkpoint.tensor(name).toFloats());
            }
            Json wanted = Json.read(fixture(architecture + ".json"));
            for (String name : wanted.names()) {
                assertThat(plain(file.config().node().path(name))).as(name).isEqualTo(plain(wanted.node().get(name)));
            }
        }
    }

    /// 2 and 2.0 are one number.
    private static String plain(JsonNode value) {
        return value.toString().replaceAll("\\.0(?=[,}\\]]|$)", "").replace("1.0E6", "1000000").replace("1.0E-6",
                "0.000001");
    }

    @Test
    void blocks_of_few_bits_are_widened_to_the_last_bit() {
        try (var file = Gguf.open(fixture("blocks.gguf"));
                var wanted = Safetensors.open(fixture("blocks.safetensors"))) {
            assertThat(file.names()).containsExactlyInAnyOrderElementsOf(wanted.names()).hasSize(8);
            for (String name : wanted.names()) {
                assertThat(file.dtype(name)).isEqualTo(DType.FLOAT32);
                float[] found = file.tensor(name).toFloats();
                float[] expected = wanted.tensor(name).toFloats();
                for (int i = 0; i < expected.length; i++) {
                    assertThat(Float.floatToIntBits(found[i])).as("%s[%d]", name, i)
                            .isEqualTo(Float.floatToIntBits(expected[i]));
                }
            }
            assertThatThrownBy(file::config)
                    .hasMessageContaining("a model of the architecture \"none\"; Weft knows llama");
        }
    }

    @Test
    void a_tensor_of_many_pieces_is_widened_as_one_of_few() throws IOException {
        byte[] block = new byte[34];
        block[1] = 0x3c; // 1 in float16
        for (int i = 0; i < 32; i++) {
            block[2 + i] = (byte) (i * 8 - 128);
        }
        int blocks = 5000;
        byte[] bytes = new byte[blocks * 34];
        for (int i = 0; i < blocks; i++) {
            System.arraycopy(block, 0, bytes, i * 34, 34);
            bytes[i * 34 + 2] = (byte) i;
        }
        Path path = new GgufBuilder().tensor("w", 8, 0, bytes, blocks / 10, 320).write(folder.resolve("w.gguf"));
        try (var file = Gguf.open(path)) {
            float[] values = file.tensor("w").toFloats();
            for (int i = 0; i < values.length; i++) {
                assertThat(values[i]).isEqualTo(i % 32 == 0 ? (byte) (i / 32) : (byte) (i % 32 * 8 - 128));
            }
        }
    }

    @Test
    void plain_numbers_are_views_of_the_file() {
        Tensor first;
        try (var file = Gguf.open(fixture("qwen2.gguf"))) {
            first = file.tensor("model.embed_tokens.weight");
            assertThat(first.dtype()).isEqualTo(DType.FLOAT16);
            assertThat(file.dtype("model.layers.0.mlp.down_proj.weight")).isEqualTo(DType.BFLOAT16);
            assertThat(file.dtype("model.norm.weight")).isEqualTo(DType.FLOAT32);
            for (String name : file.names()) {
                assertThat(file.tensor(name).sharesMemory(file.tensor(name))).as(name).isTrue();
            }
        }
        assertThat(first.isFinite()).isTrue();
    }

    @Test
    void opening_and_reading_leaves_no_tensor_behind() {
        long before = TensorScope.liveTensors();
        try (var inner = TensorScope.open(); var file = Gguf.open(fixture("llama.gguf"))) {
            file.names().forEach(file::tensor);
            file.config();
        }
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
    }

    @Test
    void vocabulary_and_chat_template_are_read() {
        try (var file = Gguf.open(fixture("llama.gguf"))) {
            Gguf.Vocabulary vocabulary = file.vocabulary().orElseThrow();
            assertThat(vocabulary.model()).isEqualTo("llama");
            assertThat(vocabulary.split()).isEqualTo("default");
            assertThat(vocabulary.tokens()).hasSize(16).startsWith("<unk>", "<s>", "</s>", "<0x41>", "▁a", "b", "▁ab");
            assertThat(vocabulary.scores()).hasSize(16).startsWith(0.0, 0.0, 0.0, 0.0, -0.5, -1.5);
            assertThat(vocabulary.kinds()).startsWith(Gguf.Vocabulary.Kind.UNKNOWN, Gguf.Vocabulary.Kind.CONTROL,
                    Gguf.Vocabulary.Kind.CONTROL, Gguf.Vocabulary.Kind.BYTE, Gguf.Vocabulary.Kind.NORMAL)
                    .endsWith(Gguf.Vocabulary.Kind.UNUSED);
            assertThat(vocabulary.merges()).isEmpty();
            assertThat(vocabulary.special())
                    .isEqualTo(Map.of("unknown", 0, "bos", 1, "eos", 2, "eot", 7));
            assertThat(vocabulary.adds()).isEqualTo(Map.of("bos", true, "space_prefix", true));
            assertThat(file.chatTemplate().orElseThrow()).startsWith("{{ bos_token }}{% for m");
        }
        try (var file = Gguf.open(fixture("gpt2.gguf"))) {
            Gguf.Vocabulary vocabulary = file.vocabulary().orElseThrow();
            assertThat(vocabulary.model()).isEqualTo("gpt2");
            assertThat(vocabulary.merges()).containsExactly("t 0", "t 1", "Ġ a");
            assertThat(vocabulary.scores()).isEmpty();
            assertThat(file.chatTemplate()).isEmpty();
        }
        try (var file = Gguf.open(fixture("phi3.gguf"))) {
            assertThat(file.vocabulary()).isEmpty();
        }
    }

    @Test
    void a_vocabulary_whose_parts_do_not_fit_is_refused() {
        var builder = new GgufBuilder().texts("tokenizer.ggml.tokens", "a", "b")
                .text("tokenizer.ggml.model", "gpt2");
        Path path = builder.list("tokenizer.ggml.scores", GgufBuilder.F32, 1, new byte[4])
                .write(folder.resolve("a.gguf"));
        try (var file = Gguf.open(path)) {
            assertThatThrownBy(file::vocabulary)
                    .hasMessage(path + ": \"tokenizer.ggml.scores\" has 1 values for 2 tokens");
        }
        new GgufBuilder().texts("tokenizer.ggml.tokens", "a", "b").text("tokenizer.ggml.model", "gpt2")
                .number("tokenizer.ggml.bos_token_id", 2).write(path);
        try (var file = Gguf.open(path)) {
            assertThatThrownBy(file::vocabulary)
                    .hasMessage(path + ": \"tokenizer.ggml.bos_token_id\" must be an id below 2, found 2");
        }
        new GgufBuilder().texts("tokenizer.ggml.tokens", "a").text("tokenizer.ggml.model", "gpt2")
                .list("tokenizer.ggml.token_type", GgufBuilder.U32, 1, GgufBuilder.ints(9)).write(path);
        try (var file = Gguf.open(path)) {
            assertThatThrownBy(file::vocabulary)
                    .hasMessage(path + ": \"tokenizer.ggml.token_type\" has the unknown type 9");
        }
        new GgufBuilder().number("tokenizer.ggml.tokens", 1).list("tokenizer.ggml.merges", GgufBuilder.U32, 1000,
                new byte[4000]).write(path);
        try (var file = Gguf.open(path)) {
            assertThat(file.vocabulary()).isEmpty();
        }
    }

    @Test
    void rotary_scaling_is_read_from_the_settings() {
        GgufBuilder linear = GgufBuilder.llama().text("llama.rope.scaling.type", "linear")
                .real("llama.rope.scaling.factor", 4);
        assertThat(scaling(linear)).isEqualTo("{\"rope_type\":\"linear\",\"factor\":4.0}");
        GgufBuilder yarn = GgufBuilder.llama().text("llama.rope.scaling.type", "yarn")
                .real("llama.rope.scaling.factor", 2).number("llama.rope.scaling.original_context_length", 4)
                .real("llama.rope.scaling.yarn_beta_fast", 16);
        assertThat(scaling(yarn)).isEqualTo("{\"rope_type\":\"yarn\",\"factor\":2.0,"
                + "\"original_max_position_embeddings\":4,\"beta_fast\":16.0}");
        assertThat(scaling(GgufBuilder.llama().text("llama.rope.scaling.type", "none"))).isEmpty();
        assertThat(scaling(GgufBuilder.llama().floats("rope_freqs.weight", new long[]{2}, 1, 1))).isEmpty();
        assertThatThrownBy(() -> scaling(GgufBuilder.llama().text("llama.rope.scaling.type", "new")))
                .hasMessageEndingWith(
                        "\"llama.rope.scaling.type\" must be none, linear, yarn or longrope, found \"new\"");
        assertThatThrownBy(() -> scaling(GgufBuilder.llama().floats("rope_freqs.weight", new long[]{2}, 3, 1)))
                .hasMessageContaining(
                        "`rope_freqs.weight` is not that of a Llama 3: number 0 is 3.0, and a factor of 1");
    }

    private String scaling(GgufBuilder builder) {
        try (var file = Gguf.open(builder.write(folder.resolve("x.gguf")))) {
            return file.config().node().path("rope_scaling").toString();
        }
    }

    @Test
    void a_fused_projection_of_a_phi2_is_taken_apart() {
        Path path = new GgufBuilder().text("general.architecture", "phi2")
                .floats("blk.11.attn_qkv.weight", new long[]{3, 2}, 1, 2, 3, 4, 5, 6)
                .floats("blk.11.attn_qkv.bias", new long[]{3}, 7, 8, 9).write(folder.resolve("p.gguf"));
        try (var file = Gguf.open(path)) {
            assertThat(file.tensor("model.layers.11.self_attn.q_proj.weight").toFloats()).containsExactly(1, 2);
            assertThat(file.tensor("model.layers.11.self_attn.v_proj.weight").toFloats()).containsExactly(5, 6);
            assertThat(file.tensor("model.layers.11.self_attn.k_proj.bias").toFloats()).containsExactly(8);
            assertThat(file.shape("model.layers.11.self_attn.k_proj.weight")).containsExactly(1, 2);
        }
    }

    @Test
    void a_file_alone_and_a_folder_with_it_are_models() throws IOException {
        Path alone = Files.copy(fixture("gpt2.gguf"), folder.resolve("tiny-Q8_0.gguf"));
        for (Path path : new Path[]{alone, folder}) {
            ModelFolder opened = ModelFolder.open(path);
            assertThat(opened.path()).isEqualTo(path);
            assertThat(opened.config().text("model_type")).isEqualTo("gpt2");
            assertThat(opened.weightFiles()).containsExactly(alone);
            assertThat(opened.generationConfig()).isEmpty();
            try (var weights = CheckpointWeights.open(opened);
                    var wanted = Safetensors.open(fixture("gpt2.safetensors"))) {
                assertThat(weights.names()).containsExactlyInAnyOrderElementsOf(wanted.names());
                for (String name : wanted.names()) {
                    try (Tensor read = weights.forTraining().read(name, Init.zeros(), wanted.shape(name))) {
                        assertThat(Arrays.equals(read.toFloats(), wanted.tensor(name).toFloats())).isTrue();
                    }
                }
            }
        }
        Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"other\"}");
        assertThat(ModelFolder.open(folder).config().text("model_type")).isEqualTo("other");
        assertThat(ModelFolder.open(folder).weightFiles()).containsExactly(alone);
        Files.copy(alone, folder.resolve("b.gguf"));
        assertThatThrownBy(() -> ModelFolder.open(folder).weightFiles()).hasMessage(
                folder + ": 2 .gguf files here; open one of them by its own path, such as " + folder.resolve("b.gguf"));
    }

    @Test
    void what_is_wrong_with_a_file_is_said_in_one_line_that_names_it() throws IOException {
        byte[] good = GgufBuilder.llama().bytes();
        refused(new byte[0], "the file is empty");
        refused("GGUF".getBytes(), "this is no GGUF file");
        refused(new byte[100], "this is no GGUF file");
        refused(GgufBuilder.llama().version(1), "GGUF version 1; Weft reads 2 and 3");
        refused(GgufBuilder.llama().version(3 << 24), "a big-endian GGUF file");
        refused(GgufBuilder.llama().counts(1L << 60, 1),
                "the number of tensors is 1152921504606846976, but \\d+ bytes");
        refused(GgufBuilder.llama().counts(-1, 1), "the number of tensors is 18446744073709551615, but");
        refused(GgufBuilder.llama().counts(1, 1L << 60), "the number of settings is 1152921504606846976, but");
        refused(GgufBuilder.llama().counts(3, 6), "`` overlaps the tensor before it by 32 bytes");
        refused(Arrays.copyOf(good, good.length - 64), "truncated: `token_embd.weight` needs 32 bytes from 0 on");
        refused(new GgufBuilder().setting("a", GgufBuilder.TEXT, GgufBuilder.longs(1L << 60)),
                "the length of \"a\" is 1152921504606846976, but \\d+ bytes follow");
        refused(new GgufBuilder().setting("a", GgufBuilder.TEXT, GgufBuilder.longs(-1)),
                "the length of \"a\" is 18446744073709551615, but");
        for (int type : new int[]{0, GgufBuilder.U32, GgufBuilder.TEXT, GgufBuilder.U64}) {
            refused(new GgufBuilder().list("a", type, 1L << 60, new byte[64]),
                    "the length of the list \"a\" is 1152921504606846976, but \\d+ bytes follow");
        }
        refused(new GgufBuilder().list("a", GgufBuilder.U32, 1000, new byte[3900]),
                "the length of the list \"a\" is 1000, but \\d+ bytes");
        refused(new GgufBuilder().list("a", GgufBuilder.TEXT, 1, GgufBuilder.longs(9)),
                "the length of \"a\" is 9, but");
        refused(new GgufBuilder().list("a", GgufBuilder.LIST, 1, new byte[20]), "\"a\" is a list of lists");
        refused(new GgufBuilder().list("a", 77, 1, new byte[20]), "\"a\" has the unknown type 77");
        refused(new GgufBuilder().setting("a", 13, new byte[20]), "\"a\" has the unknown type 13");
        refused(new GgufBuilder().setting("a", GgufBuilder.BOOL, new byte[]{2}), "\"a\" must be true or false");
        refused(new GgufBuilder().number("a", 1).number("a", 2), "the setting \"a\" stands twice");
        refused(new GgufBuilder().number("a", 1).texts("a", "b"), "the setting \"a\" stands twice");
        refused(new GgufBuilder().number("general.alignment", 48).floats("w", new long[]{1}, 1),
                "\"general.alignment\" must be a power of two, found 48");
        refused(new GgufBuilder().number("general.alignment", 0), "\"general.alignment\" must be a positive integer");
        refused(new GgufBuilder().text("general.architecture", "llama").number("split.count", 3),
                "one part of 3; join");
        refused(new GgufBuilder().number("general.architecture", 1),
                "\"general.architecture\" must be a text, found 1");
    }

    @Test
    void what_is_wrong_with_a_tensor_is_said_in_one_line_that_names_it() throws IOException {
        GgufBuilder one = new GgufBuilder();
        refused(one.tensor("w", 0, 0, new byte[64], 1, 1, 1, 1, 1), "`w` has 5 axes; ggml knows at most 4");
        refused(new GgufBuilder().tensor("w", 18, 0, new byte[64], 256), "`w` is stored as ggml's type 18, which Weft");
        refused(new GgufBuilder().tensor("w", -1, 0, new byte[64], 256), "`w` is stored as ggml's type 4294967295");
        refused(new GgufBuilder().tensor("w", 0, 8, new byte[64], 2), "`w`: its offset 8 is no multiple of 32");
        refused(new GgufBuilder().tensor("w", 0, -32, new byte[64], 2), "`w`: its offset 18446744073709551584 is no");
        refused(new GgufBuilder().tensor("w", 0, 64, new byte[64], 2), "truncated: `w` needs 8 bytes from 64 on, but");
        refused(new GgufBuilder().tensor("w", 0, Long.MAX_VALUE - 31, new byte[64], 2), "truncated: `w` needs 8 bytes");
        refused(new GgufBuilder().tensor("w", 0, 0, new byte[64], 17), "truncated: `w` needs 68 bytes from 0 on");
        refused(new GgufBuilder().tensor("w", 0, 0, new byte[64], -1), "`w`: shape \\[-1\\] does not fit F32");
        refused(new GgufBuilder().tensor("w", 8, 0, new byte[64], 48),
                "`w`: shape \\[48\\] does not fit Q8_0, whose rows");
        refused(new GgufBuilder().tensor("w", 8, 0, new byte[64]), "`w`: shape \\[\\] does not fit Q8_0");
        refused(new GgufBuilder().tensor("w", 0, 0, new byte[64], 1L << 32, 1L << 32), "`w`: shape .* larger than any");
        refused(new GgufBuilder().tensor("w", 0, 0, new byte[64], 0, 1L << 60, 8), "`w`: shape .* is larger than any");
        refused(new GgufBuilder().tensor("w", 12, 0, new byte[64], 1L << 58, 256), "`w`: shape .* is larger than any");
        refused(new GgufBuilder().floats("w", new long[]{1}, 1).floats("w", new long[]{1}, 1), "`w` stands twice");
        refused(new GgufBuilder().floats("a", new long[]{9}, 1, 2, 3, 4, 5, 6, 7, 8, 9)
                .tensor("b", 0, 32, new byte[0], 1), "`b` overlaps the tensor before it by 4 bytes");
        refused(GgufBuilder.llama().floats("blk.0.ffn_gate_exps.weight", new long[]{1}, 1),
                "`blk.0.ffn_gate_exps.weight` is no weight of a llama that Weft knows");
        refused(GgufBuilder.llama().floats("blk.0.attn_k.weight", new long[]{3, 1}, 1, 2, 3),
                "`model.layers.0.self_attn.k_proj.weight` cannot have the shape \\[3, 1\\]");
        refused(new GgufBuilder().text("general.architecture", "gpt2").floats("blk.0.attn_qkv.weight", new long[]{3}, 1,
                2, 3), "`transformer.h.0.attn.c_attn.weight` cannot have the shape \\[3\\]");
        refused(new GgufBuilder().text("general.architecture", "phi2").floats("blk.0.attn_qkv.weight", new long[]{4}, 1,
                2, 3, 4), "`model.layers.0.self_attn.q_proj.weight` cannot have the shape \\[4\\]");
        refused(new GgufBuilder().text("general.architecture", "gemma").tensor("output_norm.weight", 26, 0, new byte[4],
                1),
                "`model.norm.weight` is stored as I32; a weight must be a floating type");
        try (var file = Gguf.open(new GgufBuilder().tensor("none", 8, 0, new byte[0], 0, 32)
                .floats("scalar", new long[0], 7).write(folder.resolve("fine.gguf")))) {
            assertThat(file.tensor("none").shape()).containsExactly(0, 32);
            assertThat(file.tensor("scalar").item()).isEqualTo(7);
            assertThatThrownBy(() -> file.tensor("x")).hasMessageEndingWith("fine.gguf: has no tensor `x`");
        }
    }

    @Test
    void a_setting_that_is_missing_or_wrong_is_named() {
        settingRefused(new GgufBuilder().text("general.architecture", "bert"),
                "architecture \"bert\"; Weft knows llama, ");
        settingRefused(new GgufBuilder(),
                "architecture \"\"; Weft knows llama, qwen2, qwen3, gemma, gemma2, gemma3, phi2, ");
        settingRefused(new GgufBuilder().text("general.architecture", "llama"),
                "`token_embd.weight` is missing or no matrix");
        String[] names = {"llama.block_count", "llama.context_length", "llama.embedding_length",
                "llama.attention.head_count"};
        for (String name : names) {
            GgufBuilder without = new GgufBuilder().text("general.architecture", "llama").floats("token_embd.weight",
                    new long[]{1, 1}, 1);
            GgufBuilder negative = new GgufBuilder().text("general.architecture", "llama").floats("token_embd.weight",
                    new long[]{1, 1}, 1);
            GgufBuilder text = new GgufBuilder().text("general.architecture", "llama").floats("token_embd.weight",
                    new long[]{1, 1}, 1);
            for (String other : names) {
                if (!other.equals(name)) {
                    without.number(other, 1);
                    negative.number(other, 1);
                    text.number(other, 1);
                }
            }
            settingRefused(without, "\"" + name + "\" is missing; it must be a positive integer");
            settingRefused(negative.number(name, -1), "\"" + name + "\" must be a positive integer, found 4294967295");
            settingRefused(text.text(name, "four"), "\"" + name + "\" must be a positive integer, found \"four\"");
        }
        settingRefused(new GgufBuilder().text("general.architecture", "gemma2").floats("token_embd.weight",
                new long[]{1, 1}, 1).number("gemma2.embedding_length", 1)
                .number("gemma2.block_count", Integer.MAX_VALUE),
                "\"gemma2.block_count\" must be at most the number of tensors, 1, found 2147483647");
    }

    private void settingRefused(GgufBuilder builder, String reason) {
        Path path = builder.write(folder.resolve("setting.gguf"));
        assertThatThrownBy(() -> ModelFolder.open(path)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(path + ": ").hasMessageContaining(reason).hasMessageNotContaining("\n");
    }

    private void refused(GgufBuilder builder, String reason) throws IOException {
        refused(builder.bytes(), reason);
    }

    private void refused(byte[] content, String reason) throws IOException {
        Path path = Files.write(folder.resolve("hostile.gguf"), content);
        long before = TensorScope.liveTensors();
        assertThatThrownBy(() -> Gguf.open(path)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(path + ": ").hasMessageMatching(".*: (" + reason + ").*")
                .hasMessageNotContaining("\n");
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
    }
}
