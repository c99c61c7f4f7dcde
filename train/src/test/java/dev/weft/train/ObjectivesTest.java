package dev.weft.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.checkpoint.Json;
import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.nn.Dropout;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Loss;
import dev.weft.nn.TaskModel;
import dev.weft.nn.Trace;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Kernels;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

class ObjectivesTest {
    private static final int SEQ = 8;
    private static final Settings PLAIN = Settings.of(100).withPrecision(DType.FLOAT32).withClipNorm(0);

    private static ObjectNode encoder(String type, String architecture) {
        ObjectNode config = Json.object().put("model_type", type).put("vocab_size", 40).put("hidden_size", 16)
                .put("embedding_size", 16).put("intermediate_size", 24).put("num_hidden_layers", 2)
                .put("num_attention_heads", 2).put("max_position_embeddings", 12).put("pad_token_id", 0)
                .put("num_labels", 3).put("hidden_dropout_prob", 0).put("attention_probs_dropout_prob", 0);
        config.putArray("architectures").add(architecture);
        return config;
    }

    private static ObjectNode t5() {
        ObjectNode config = Json.object().put("model_type", "t5").put("vocab_size", 40).put("d_model", 16)
                .put("d_kv", 8).put("d_ff", 24).put("num_layers", 2).put("num_heads", 2).put("pad_token_id", 0)
                .put("decoder_start_token_id", 0).put("eos_token_id", 1).put("dropout_rate", 0);
        config.putArray("architectures").add("T5ForConditionalGeneration");
        return config;
    }

    private static ObjectNode llama() {
        ObjectNode config = Json.object().put("model_type", "llama").put("vocab_size", 40).put("hidden_size", 16)
                .put("intermediate_size", 24).put("num_hidden_layers", 2).put("num_attention_heads", 2)
                .put("num_key_value_heads", 2).put("max_position_embeddings", 32);
        config.putArray("architectures").add("LlamaForCausalLM");
        return config;
    }

    /// Every kind of head, and the labels of one row.
    private enum Task {
        ONE_LABEL(encoder("bert", "BertForSequenceClassification"), 0), ONE_LABEL_SMOOTHED(
                encoder("bert", "BertForSequenceClassification"), 0.1), MANY_LABELS(
                        encoder("bert", "BertForSequenceClassification").put("problem_type",
                                "multi_label_classification"),
                        0), NUMBERS(encoder("bert", "BertForSequenceClassification").put("problem_type", "regression")
                                .put("num_labels", 1), 0), TOKENS(encoder("bert", "BertForTokenClassification"),
                                        0), MASKED(encoder("bert", "BertForMaskedLM"), 0), PRETRAINING(
                                                encoder("bert", "BertForPreTraining"),
                                                0), SPANS(encoder("bert", "BertForQuestionAnswering"), 0), CHOICES(
                                                        encoder("bert", "BertForMultipleChoice"),
                                                        0), REPLACED(encoder("electra", "ElectraForPreTraining"),
                                                                0), NEXT_TOKEN(llama(), 0), TRANSLATION(t5(),
                                                                        0.1), PREFERENCE(llama(), 0), DISTILLATION(
                                                                                encoder("bert", "BertForMaskedLM"), 0);

        private final ObjectNode config;
        private final double smoothing;

        Task(ObjectNode config, double smoothing) {
            this.config = config;
            this.smoothing = smoothing;
        }

        PretrainedModel model() {
            return Models.create(config.deepCopy(), 5);
        }

        Objective<Map<String, Tensor>> objective(PretrainedModel model) {
            return switch (this) {
                case PREFERENCE -> new PreferenceObjective(model, Models.create(config.deepCopy(), 6), 0.5, Device.CPU);
                case DISTILLATION -> new DistillationObjective(model, Models.create(config.deepCopy(), 6),
                        new DistillationObjective.Weighting(0.3, 0.4, 0.2, 50, 2),
                        DistillationObjective.Pair.evenly(2, 2), Device.CPU);
                default -> new TaskObjective(model, smoothing, Device.CPU);
            };
        }

        Map<String, Tensor> row(SplittableRandom random) {
            var row = new TreeMap<String, Tensor>();
            if (this == CHOICES) {
                row.put("input_ids", ids(random, 3 * SEQ).view(1, 3, SEQ));
                row.put("labels", Tensor.of(new long[]{random.nextInt(3)}, 1));
                return row;
            }
            if (this == PREFERENCE) {
                for (String side : List.of("chosen_", "rejected_")) {
                    row.put(side + "input_ids", ids(random, SEQ));
                    row.put(side + "labels", sparse(random, 40));
                }
                return row;
            }
            row.put("input_ids", ids(random, SEQ));
            long length = 3 + random.nextInt(SEQ - 2);
            row.put("attention_mask", Tensor.arange(0, SEQ).lt(length).to(DType.INT64).unsqueeze(0));
            switch (this) {
                case ONE_LABEL, ONE_LABEL_SMOOTHED -> row.put("labels", Tensor.of(new long[]{random.nextInt(3)}, 1));
                case MANY_LABELS -> row.put("labels", Tensor.of(new float[]{random.nextInt(2), 1, 0}, 1, 3));
                case NUMBERS -> row.put("labels", Tensor.of(new float[]{random.nextInt(9)}, 1));
                case TOKENS -> row.put("labels", sparse(random, 3));
                case MASKED, NEXT_TOKEN, TRANSLATION, DISTILLATION -> row.put("labels", sparse(random, 40));
                case REPLACED -> row.put("labels", ids(random, SEQ).lt(20).to(DType.INT64));
                case PRETRAINING -> {
                    row.put("labels", sparse(random, 40));
                    row.put("next_sentence_label", Tensor.of(new long[]{random.nextInt(2)}, 1));
                }
                case SPANS -> {
                    // Some answers end beyond the text, which counts for nothing.
                    row.put("start_positions", Tensor.of(new long[]{random.nextInt(SEQ)}, 1));
                    row.put("end_positions", Tensor.of(new long[]{random.nextInt(2 * SEQ)}, 1));
                }
                case CHOICES, PREFERENCE -> throw new AssertionError(this);
            }
            return row;
        }

        private static Tensor ids(SplittableRandom random, int count) {
            return Tensor.of(random.ints(count, 2, 40).asLongStream().toArray(), 1, count);
        }

        /// Labels, most of them ignored, how many differs from row to row.
        private static Tensor sparse(SplittableRandom random, int classes) {
            long[] labels = new long[SEQ];
            int counted = 1 + random.nextInt(5);
            for (int i = 0; i < SEQ; i++) {
                labels[i] = i > 0 && i <= counted ? random.nextInt(classes) : -100;
            }
            return Tensor.of(labels, 1, SEQ);
        }
    }

    private static Map<String, Tensor> together(List<Map<String, Tensor>> rows) {
        var batch = new TreeMap<String, Tensor>();
        rows.getFirst().keySet().forEach(
                name -> batch.put(name, Tensor.cat(rows.stream().map(row -> row.get(name)).toList(), 0)));
        return batch;
    }

    private static TrainingListener.Step step(PretrainedModel model, Objective<Map<String, Tensor>> objective,
            Batches<Map<String, Tensor>> batches, int parts) {
        try (var optimizer = Optimizer.sgd(model.parameters(), 0, 0)) {
            // Dropout draws by part, so that it is off here.
            var quiet = new Objective<Map<String, Tensor>>() {
                @Override
                public Loss loss(Map<String, Tensor> batch, ForwardPass pass) {
                    return objective.loss(batch, pass.withDropout(Dropout.OFF));
                }

                @Override
                public long[] counts(Map<String, Tensor> batch) {
                    return objective.counts(batch);
                }
            };
            return new Trainer<>(new Trainer.Task<>(model, quiet, batches, optimizer, new Schedule.Constant(0.1, 0),
                    null, folder -> {}, "rows"), PLAIN.withMicroBatches(parts)).step(0);
        }
    }

    @ParameterizedTest
    @EnumSource
    void parts_of_a_batch_give_the_step_of_the_whole(Task task) {
        try (var scope = TensorScope.open(); PretrainedModel whole = task.model(); PretrainedModel cut = task.model()) {
            var random = new SplittableRandom(task.ordinal());
            var rows = new ArrayList<Map<String, Tensor>>();
            for (int i = 0; i < 5; i++) {
                rows.add(task.row(random));
            }
            var one = step(whole, task.objective(whole), (step, micro) -> together(rows), 1);
            var many = step(cut, task.objective(cut), (step, micro) -> rows.get(micro), 5);
            assertThat(many.loss()).isCloseTo(one.loss(), within(2e-5));
            assertThat(many.tokens()).isEqualTo(one.tokens());
            assertThat(one.gradientNorm()).isGreaterThan(1e-3);
            assertThat(many.gradientNorm()).isCloseTo(one.gradientNorm(), within(1e-4));
            whole.parameters().forEach((name, weight) -> assertThat(
                    weight.sub(cut.parameters().get(name)).abs().max().item()).as(name).isLessThan(2e-5));
        }
    }

    @ParameterizedTest
    @EnumSource
    void what_a_batch_says_it_counts_is_what_the_loss_counts(Task task) {
        try (var scope = TensorScope.open(); PretrainedModel model = task.model()) {
            var random = new SplittableRandom(9);
            Map<String, Tensor> batch = together(List.of(task.row(random), task.row(random), task.row(random)));
            Objective<Map<String, Tensor>> objective = task.objective(model);
            assertThat(objective.counts(batch)).isEqualTo(objective.loss(batch, ForwardPass.plain()).counts());
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"MASKED", "PRETRAINING", "TRANSLATION", "PREFERENCE", "DISTILLATION"})
    void two_hundred_steps_hold_no_more_tensors_than_ten(Task task) {
        try (var scope = TensorScope.open();
                PretrainedModel model = task.model();
                var optimizer = Optimizer.lion(model.parameters(), 0.9, 0.99, WeightRule.everywhere(0))) {
            Map<String, Tensor> row = task.row(new SplittableRandom(1));
            var trainer = new Trainer<>(new Trainer.Task<>(model, task.objective(model), (step, micro) -> row,
                    optimizer, new Schedule.Constant(1e-3, 0), null, folder -> {}, "rows"), PLAIN);
            double first = 0;
            double last = 0;
            long early = 0;
            for (long step = 0; step < 200; step++) {
                last = trainer.step(step).loss();
                first = step == 0 ? last : first;
                early = step == 9 ? TensorScope.liveTensors() : early;
            }
            assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(early);
            assertThat(last).isLessThan(first);
        }
    }

    @Test
    void a_batch_of_which_nothing_counts_is_refused() {
        try (var scope = TensorScope.open(); PretrainedModel model = Task.MASKED.model()) {
            Map<String, Tensor> row = Task.MASKED.row(new SplittableRandom(1));
            row.put("labels", Tensor.full(-100, DType.INT64, 1, SEQ));
            for (int parts : new int[]{1, 2}) {
                assertThatThrownBy(() -> step(model, TaskObjective.of(model), (step, micro) -> row, parts))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("In the batch of step 1 there is nothing to learn");
            }
        }
    }

    @Test
    void label_smoothing_is_torchs() {
        JsonNode recorded = Recorded.of("smoothed");
        try (var scope = TensorScope.open(); PretrainedModel model = Task.TOKENS.model()) {
            Tensor logits = Recorded.tensor(recorded.get("logits"), 1, 4, 7);
            Tensor labels = Recorded.tensor(recorded.get("labels"), 1, 4).to(DType.INT64);
            Loss loss = model.losses(Map.of("logits", logits), Map.of("labels", labels), 0.1);
            assertThat(loss.counts()).containsExactly(3);
            assertThat(loss.mean().item()).isCloseTo(recorded.get("loss").asDouble(), within(1e-6));
            assertThatThrownBy(() -> new TaskObjective(model, 1, Device.CPU)).hasMessageContaining("below 1");
        }
    }

    /// A model that gives what it is told to.
    private record Told(Function<Map<String, Tensor>, Map<String, Tensor>> answers) implements TaskModel {
        @Override
        public Map<String, Tensor> outputs(Map<String, Tensor> inputs, ForwardPass pass) {
            return answers.apply(inputs);
        }

        @Override
        public Loss losses(Map<String, Tensor> outputs, Map<String, Tensor> inputs, double labelSmoothing) {
            Tensor labels = inputs.get("labels").reshape(-1);
            Tensor logits = outputs.get("logits");
            return Loss.of(Kernels.crossEntropy(logits.reshape(-1, logits.size(-1)), labels, null,
                    Kernels.Reduction.SUM, -100, labelSmoothing), counts(inputs)[0]);
        }

        @Override
        public long[] counts(Map<String, Tensor> inputs) {
            return new long[]{inputs.get("labels").ne(-100).to(DType.INT64).sum().itemLong()};
        }

        @Override
        public Map<String, Tensor> parameters() {
            return Map.of();
        }
    }

    private static void matches(JsonNode recorded, Loss loss, Tensor... leaves) {
        Tensor mean = loss.mean();
        assertThat(mean.item()).isCloseTo(recorded.get("loss").asDouble(), within(1e-5));
        mean.backward();
        for (int i = 0; i < leaves.length; i++) {
            assertThat(leaves[i].grad().toFloats())
                    .containsExactly(Recorded.floats(recorded.get("gradients").get(i)), within(2e-5f));
        }
    }

    @Test
    void preferences_have_the_loss_and_gradients_of_the_papers_formula_in_torch() {
        JsonNode recorded = Recorded.of("preference");
        try (var scope = TensorScope.open()) {
            Tensor chosen = Recorded.tensor(recorded.get("chosen"), 2, 3, 5).requiresGrad(true);
            Tensor rejected = Recorded.tensor(recorded.get("rejected"), 2, 3, 5).requiresGrad(true);
            var model = new Told(inputs -> Map.of("logits",
                    inputs.get("input_ids").max().item() == 1 ? chosen : rejected));
            var batch = new TreeMap<>(Map.of("chosen_input_ids", Tensor.full(1, DType.INT64, 2, 3),
                    "rejected_input_ids", Tensor.full(0, DType.INT64, 2, 3), "chosen_labels",
                    Tensor.of(new long[]{-100, 3, 1, -100, -100, 4}, 2, 3), "rejected_labels",
                    Tensor.of(new long[]{-100, 2, -100, -100, 0, 0}, 2, 3), "reference_chosen_logps",
                    Tensor.of(new float[]{-3, -2.5f}, 2), "reference_rejected_logps",
                    Tensor.of(new float[]{-2, -4}, 2)));
            var objective = new PreferenceObjective(model, null, 0.3, Device.CPU);
            matches(recorded, objective.loss(batch, ForwardPass.plain()), chosen, rejected);
            batch.remove("reference_rejected_logps");
            assertThatThrownBy(() -> objective.loss(batch, ForwardPass.plain()))
                    .hasMessageContaining("the batch needs reference_rejected_logps");
        }
    }

    @Test
    void a_model_that_is_its_own_reference_has_the_loss_log_two() {
        try (var scope = TensorScope.open(); PretrainedModel model = Task.PREFERENCE.model()) {
            Map<String, Tensor> row = Task.PREFERENCE.row(new SplittableRandom(1));
            Loss loss = new PreferenceObjective(model, model, 0.1, Device.CPU).loss(row, ForwardPass.plain());
            assertThat(loss.mean().item()).isCloseTo(Math.log(2), within(1e-6));
        }
    }

    @Test
    void in_batch_negatives_have_the_loss_and_gradients_of_torch() {
        JsonNode recorded = Recorded.of("contrastive");
        try (var scope = TensorScope.open()) {
            var texts = List.of(Recorded.tensor(recorded.get("anchors"), 3, 4, 6).requiresGrad(true),
                    Recorded.tensor(recorded.get("positives"), 3, 4, 6).requiresGrad(true),
                    Recorded.tensor(recorded.get("negatives"), 2, 4, 6).requiresGrad(true));
            var model = new Told(inputs -> Map.of("last_hidden_state",
                    texts.get((int) inputs.get("input_ids").max().item())));
            Tensor mask = Tensor.of(new long[]{1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0}, 3, 4);
            var batch = new TreeMap<>(Map.of("anchor_input_ids", Tensor.full(0, DType.INT64, 3, 4),
                    "anchor_attention_mask", mask, "positive_input_ids", Tensor.full(1, DType.INT64, 3, 4),
                    "positive_attention_mask", mask, "negative_input_ids", Tensor.full(2, DType.INT64, 2, 4)));
            var objective = new ContrastiveObjective(model, ContrastiveObjective.Pooling.MEAN, 0.05, Device.CPU);
            Loss loss = objective.loss(batch, ForwardPass.plain());
            assertThat(loss.counts()).isEqualTo(objective.counts(batch)).containsExactly(3);
            matches(recorded, loss, texts.toArray(Tensor[]::new));
            batch.remove("positive_input_ids");
            assertThatThrownBy(() -> objective.loss(batch, ForwardPass.plain()))
                    .hasMessageContaining("needs positive_input_ids");
        }
    }

    @Test
    void softened_logits_and_labels_have_the_loss_and_gradients_of_torch() {
        JsonNode recorded = Recorded.of("distillation");
        try (var scope = TensorScope.open()) {
            Tensor student = Recorded.tensor(recorded.get("student"), 2, 3, 5).requiresGrad(true);
            Tensor teacher = Recorded.tensor(recorded.get("teacher"), 2, 3, 5);
            var objective = new DistillationObjective(new Told(inputs -> Map.of("logits", student)),
                    new Told(inputs -> Map.of("logits", teacher)),
                    new DistillationObjective.Weighting(0.25, 0.75, 0, 0, 2), List.of(), Device.CPU);
            matches(recorded, objective.loss(Map.of("labels", Tensor.of(new long[]{1, 4, -100, 0, -100, 2}, 2, 3)),
                    ForwardPass.plain()), student);
        }
    }

    @Test
    void layers_are_compared_over_real_tokens_and_widths_by_a_trained_projection() {
        ObjectNode wide = encoder("bert", "BertForMaskedLM").put("hidden_size", 24).put("num_hidden_layers", 4);
        try (var scope = TensorScope.open();
                PretrainedModel student = Task.MASKED.model();
                PretrainedModel teacher = Models.create(wide, 6)) {
            var random = new SplittableRandom(3);
            Map<String, Tensor> batch = together(List.of(Task.MASKED.row(random), Task.MASKED.row(random)));
            var pairs = DistillationObjective.Pair.evenly(2, 4);
            assertThat(pairs).containsExactly(new DistillationObjective.Pair(0, 1),
                    new DistillationObjective.Pair(1, 3));
            var objective = new DistillationObjective(student, teacher,
                    new DistillationObjective.Weighting(0, 0, 1, 1, 1), pairs, Device.CPU).projecting(16, 24, 1);
            Loss loss = objective.loss(batch, ForwardPass.plain());
            double expected = 0;
            try (var ours = Trace.recording(name -> true); var theirs = Trace.recording(name -> true)) {
                student.outputs(batch, ForwardPass.plain().withTrace(ours));
                teacher.outputs(batch, ForwardPass.plain().withTrace(theirs));
                Map<String, Tensor> weights = objective.trained().parameters();
                expected += hidden(ours.values().get("blocks.1.resid_pre")
                        .matmul(weights.get("distillation.0.weight")),
                        theirs.values().get("blocks.2.resid_pre"), batch);
                expected += hidden(ours.values().get("final").matmul(weights.get("distillation.1.weight")),
                        theirs.values().get("final"), batch);
                expected += attention(ours.values().get("blocks.0.attn.weights"),
                        theirs.values().get("blocks.1.attn.weights"), batch);
                expected += attention(ours.values().get("blocks.1.attn.weights"),
                        theirs.values().get("blocks.3.attn.weights"), batch);
            }
            assertThat(loss.mean().item()).isCloseTo(expected, within(1e-4));
            loss.mean().backward();
            assertThat(objective.trained().parameters().get("distillation.0.weight").grad().abs().max().item())
                    .isPositive();
            assertThat(student.parameters().get("bert.encoder.layer.0.attention.self.query.weight").grad().abs().max()
                    .item()).isPositive();
            assertThat(teacher.parameters().values()).allMatch(weight -> weight.grad() == null);
            assertThatThrownBy(() -> new DistillationObjective(student, teacher,
                    new DistillationObjective.Weighting(0, 0, 1, 0, 1), pairs, Device.CPU).loss(batch,
                            ForwardPass.plain()))
                    .hasMessageContaining("16 wide, the teacher's 24");
        }
    }

    /// Row by row, token by token.
    private static double hidden(Tensor ours, Tensor theirs, Map<String, Tensor> batch) {
        double sum = 0;
        long count = 0;
        for (int row = 0; row < 2; row++) {
            long length = batch.get("attention_mask").select(0, row).sum().itemLong();
            Tensor difference = ours.sub(theirs).select(0, row).narrow(0, 0, length);
            sum += difference.mul(difference).sum().item();
            count += difference.count();
        }
        return sum / count;
    }

    private static double attention(Tensor ours, Tensor theirs, Map<String, Tensor> batch) {
        double sum = 0;
        long count = 0;
        for (int row = 0; row < 2; row++) {
            long length = batch.get("attention_mask").select(0, row).sum().itemLong();
            Tensor difference = ours.sub(theirs).select(0, row).narrow(1, 0, length).narrow(2, 0, length);
            sum += difference.mul(difference).sum().item();
            count += difference.count();
        }
        return sum / count;
    }
}
