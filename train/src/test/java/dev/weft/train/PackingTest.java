package dev.weft.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.weft.data.Collator;
import dev.weft.data.Example;
import dev.weft.data.Packing;
import dev.weft.models.Models;
import dev.weft.models.heads.CausalLanguageModel;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.nn.ForwardPass;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Kernels;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import dev.weft.text.Truncation.Side;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Examples that share a row do not know of each other.
class PackingTest {
    private static final int VOCAB = 64;
    private static final double TOLERANCE = 1e-5;
    private static final String SIZES = "\"hidden_size\": 16, \"num_hidden_layers\": 2, \"num_attention_heads\": 4, "
            + "\"intermediate_size\": 32, \"max_position_embeddings\": 64, \"vocab_size\": 64";

    private static ObjectNode config(String json) {
        return (ObjectNode) new JsonMapper().readTree(json);
    }

    /// Learned positions, rotary ones, and a model that sees both ways.
    private static final List<ObjectNode> CONFIGS = List.of(
            config("{\"model_type\": \"gpt2\", \"architectures\": [\"GPT2LMHeadModel\"], \"n_embd\": 16, "
                    + "\"n_layer\": 2, \"n_head\": 4, \"n_positions\": 64, \"vocab_size\": 64}"),
            config("{\"model_type\": \"llama\", \"architectures\": [\"LlamaForCausalLM\"], "
                    + "\"num_key_value_heads\": 2, \"rms_norm_eps\": 1e-5, " + SIZES + "}"),
            config("{\"model_type\": \"bert\", \"architectures\": [\"BertForMaskedLM\"], " + SIZES + "}"));

    private static List<Example> examples(long seed, int count) {
        var random = new Random(seed);
        return IntStream.range(0, count).mapToObj(i -> {
            int[] ids = random.ints(1 + random.nextInt(12), 1, VOCAB).toArray();
            int[] labels = Arrays.stream(ids).map(id -> random.nextInt(5) == 0 ? -100 : id).toArray();
            return new Example(Map.of()).with("input_ids", ids).with("labels", labels);
        }).toList();
    }

    /// Sum of −log p over what counts, and what counts.
    private static double[] loss(PretrainedModel model, Map<String, Tensor> batch) {
        Tensor logits = model.outputs(batch, ForwardPass.plain()).get("logits");
        Tensor labels = batch.get("labels");
        if (model instanceof CausalLanguageModel) {
            logits = logits.narrow(1, 0, logits.size(1) - 1);
            labels = labels.narrow(1, 1, labels.size(1) - 1);
        }
        Tensor sum = Kernels.crossEntropy(logits.flatten(0, 1), labels.flatten(0, 1), null, Kernels.Reduction.SUM, -100,
                0);
        return new double[]{sum.item(), Arrays.stream(labels.toLongs()).filter(label -> label >= 0).count()};
    }

    @Property(tries = 12)
    void the_loss_of_packed_examples_is_that_of_the_examples_apart(@ForAll @IntRange(min = 2, max = 9) int count,
            @ForAll @IntRange(max = 1000) int seed, @ForAll @IntRange(min = 0, max = 2) int which) {
        List<Example> examples = examples(seed, count);
        try (var scope = TensorScope.open();
                var off = Gradients.off();
                var model = Models.create(CONFIGS.get(which), 7)) {
            // New weights are so small that every answer is nearly the same.
            model.parameters().values().stream().filter(weight -> weight.dim() > 1)
                    .forEach(weight -> weight.mulInPlace(12));
            var packing = new Packing(20, 0, model instanceof CausalLanguageModel);
            int[] lengths = examples.stream().mapToInt(Example::length).toArray();
            List<List<Example>> rows = packing.rows(lengths, seed, 0).stream()
                    .map(row -> Arrays.stream(row).mapToObj(examples::get).toList()).toList();

            Map<String, Tensor> batch = packing.collate(rows);
            double[] packed = loss(model, batch);
            batch.remove("attention_mask");
            double leaking = loss(model, batch)[0];
            double[] apart = loss(model, new Collator(0, Side.RIGHT, 1).collate(examples));

            assertThat(packed[1]).isEqualTo(apart[1]);
            assertThat(packed[0]).isCloseTo(apart[0], within(TOLERANCE * Math.max(1, apart[0])));
            if (rows.stream().anyMatch(row -> row.size() > 1 && row.stream().allMatch(each -> each.length() > 3))) {
                assertThat(Math.abs(leaking - apart[0])).isGreaterThan(10 * TOLERANCE * apart[0]);
            }
        }
    }
}
