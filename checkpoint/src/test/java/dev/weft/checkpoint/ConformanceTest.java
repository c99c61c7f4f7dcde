package dev.weft.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Files that the published writers wrote.
class ConformanceTest {
    private static Path cases() {
        Path cases = Path.of(System.getProperty("weft.shared", "../shared"), "conformance");
        Assumptions.assumeTrue(Files.isDirectory(cases), "the conformance cases are not at " + cases);
        return cases;
    }

    @Test
    void every_case_opens_and_every_number_is_finite() throws IOException {
        try (var folders = Files.list(cases())) {
            for (Path folder : folders.filter(each -> Files.exists(each.resolve("config.json"))).toList()) {
                try (var scope = TensorScope.open(); var weights = CheckpointWeights.open(ModelFolder.open(folder))) {
                    assertThat(weights.names()).isNotEmpty();
                    for (Path file : ModelFolder.open(folder).weightFiles()) {
                        try (TensorFile tensors = TensorFile.open(file)) {
                            assertThat(tensors.names()).allMatch(name -> tensors.tensor(name).isFinite());
                        }
                    }
                }
            }
        }
    }

    @Test
    void what_is_read_is_written_back_byte_for_byte(@TempDir Path folder) throws IOException {
        for (String name : new String[]{"gpt2-lm/model.safetensors", "detr-object-detection/expected.safetensors",
                "clip/expected.safetensors", "llama-sharded-bfloat16/model-00001-of-00003.safetensors"}) {
            Path original = cases().resolve(name);
            try (var scope = TensorScope.open(); var file = Safetensors.open(original)) {
                Map<String, Tensor> tensors = new LinkedHashMap<>();
                file.names().forEach(each -> tensors.put(each, file.tensor(each)));
                Safetensors.write(folder.resolve("copy"), tensors, file.metadata());
                assertThat(Files.mismatch(folder.resolve("copy"), original)).as(name).isEqualTo(-1);
            }
        }
    }

    @Test
    void a_pytorch_archive_has_the_names_shapes_and_numbers_of_its_model() {
        Path folder = cases().resolve("gpt2-torch-bin");
        Json config = ModelFolder.open(folder).config();
        long vocab = config.positive("vocab_size");
        long hidden = config.positive("n_embd");
        try (var scope = TensorScope.open(); var file = TorchArchive.open(folder.resolve("pytorch_model.bin"))) {
            assertThat(file.names()).contains("transformer.wte.weight", "transformer.h.1.mlp.c_proj.bias");
            assertThat(file.shape("transformer.wte.weight")).containsExactly(vocab, hidden);
            assertThat(file.dtype("transformer.wte.weight")).isEqualTo(DType.FLOAT32);
            // Embeddings of the first hidden state: the file's own rows, so a wrong offset would show.
            try (var expected = Safetensors.open(folder.resolve("expected.safetensors"))) {
                Tensor ids = expected.tensor("in.input_ids");
                Tensor mask = expected.tensor("in.attention_mask");
                var sums = new TreeMap<Long, float[]>();
                Tensor first = expected.tensor("out.forward.hidden_states.0");
                for (long seq = 0; seq < ids.size(1); seq++) {
                    if (mask.select(0, 0).select(0, seq).itemLong() == 1) {
                        Tensor row = file.tensor("transformer.wte.weight")
                                .select(0, ids.select(0, 0).select(0, seq).itemLong())
                                .add(file.tensor("transformer.wpe.weight").select(0, seq));
                        assertThat(row.sub(first.select(0, 0).select(0, seq)).abs().max().item()).isLessThan(1e-6);
                        sums.put(seq, row.toFloats());
                    }
                }
                assertThat(sums).isNotEmpty();
            }
        }
    }
}
