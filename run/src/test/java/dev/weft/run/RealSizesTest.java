package dev.weft.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.models.Loading;
import dev.weft.checkpoint.Json;
import dev.weft.models.Gpt2;
import dev.weft.models.Models;
import dev.weft.models.heads.CausalLanguageModel;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.nn.ForwardPass;
import dev.weft.tensor.DType;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

/// Widths and vocabularies as people have them, against the same weights in float64: tiny models never meet the kernels that
/// are chosen for large weights, and a wrong last column of a product goes unseen in them.
class RealSizesTest {
    private static final int[] PROMPT = {15_496, 50_256, 11, 995, 40_000};

    private static Tensor ids(int rows, int length, int vocabulary) {
        var random = new Random(rows);
        return Tensor.of(IntStream.range(0, rows * length).map(i -> random.nextInt(vocabulary)).toArray(), rows,
                length);
    }

    private static double difference(Tensor one, Tensor other) {
        return one.to(DType.FLOAT64).sub(other.to(DType.FLOAT64)).abs().max().item();
    }

    @Test
    void gpt2_chooses_from_the_logits_of_float64(@TempDir Path folder) {
        var config = Gpt2.Config.tiny().withVocabSize(50_257).withSizes(1, 12, 768, 64);
        try (var model = GeneratorTest.lively(config, 3)) {
            Models.save(folder, config.toJson(), model);
        }
        try (var model = (CausalLanguageModel) Models.load(folder, Loading.in(DType.FLOAT32));
                var exact = (CausalLanguageModel) Models.load(folder, Loading.in(DType.FLOAT64));
                var off = Gradients.off()) {
            for (int rows : new int[]{1, 3, 7, 8, 31, 40}) {
                try (var scope = TensorScope.open()) {
                    Tensor ids = ids(rows, 1, 50_257);
                    Tensor wanted = exact.logits(ids, ForwardPass.plain());
                    Tensor found = model.logits(ids, ForwardPass.plain());
                    assertThat(difference(found, wanted) / wanted.abs().max().item()).as(rows + " rows")
                            .isLessThan(1e-5);
                }
            }
            Generation options = Generation.greedy().withMaxNewTokens(12);
            Generated.Text found = Generator.of(model).generate(PROMPT, options).first();
            Generated.Text wanted = Generator.of(exact).generate(PROMPT, options).first();
            assertThat(found.ids()).containsExactly(wanted.ids());
            for (int i = 0; i < found.ids().length; i++) {
                assertThat(Math.abs(found.logProbabilities()[i] - wanted.logProbabilities()[i])).isLessThan(2e-3f);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"BertModel", "BertForMaskedLM", "BertForSequenceClassification"})
    void bert_encodes_and_classifies_as_in_float64(String architecture, @TempDir Path folder) {
        ObjectNode config = Json.object().put("model_type", "bert").put("vocab_size", 30_522).put("hidden_size", 768)
                .put("num_hidden_layers", 1).put("num_attention_heads", 12).put("intermediate_size", 3072)
                .put("max_position_embeddings", 64).put("type_vocab_size", 2).put("initializer_range", 0.05);
        config.putArray("architectures").add(architecture);
        config.putObject("id2label").put("0", "a").put("1", "b").put("2", "c");
        config.putObject("label2id").put("a", 0).put("b", 1).put("c", 2);
        try (PretrainedModel model = Models.create(config, 5)) {
            model.save(folder);
        }
        try (PretrainedModel model = Models.load(folder, Loading.in(DType.FLOAT32));
                PretrainedModel exact = Models.load(folder, Loading.in(DType.FLOAT64));
                var off = Gradients.off()) {
            for (int[] sizes : new int[][]{{1, 3}, {1, 17}, {5, 13}, {2, 61}}) {
                try (var scope = TensorScope.open()) {
                    Map<String, Tensor> inputs = Map.of("input_ids", ids(sizes[0], sizes[1], 30_522));
                    Map<String, Tensor> wanted = exact.outputs(inputs, ForwardPass.plain());
                    List<String> compared = new ArrayList<>();
                    model.outputs(inputs, ForwardPass.plain()).forEach((name, found) -> {
                        assertThat(difference(found, wanted.get(name)) / wanted.get(name).abs().max().item())
                                .as(name).isLessThan(1e-5);
                        compared.add(name);
                    });
                    assertThat(compared).isNotEmpty();
                }
            }
        }
    }
}
