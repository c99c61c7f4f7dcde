package dev.weft.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.ModelFolder;
import dev.weft.checkpoint.Safetensors;
import dev.weft.nn.Model;
import dev.weft.tensor.DType;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class OptimizersTest {
    private enum Kind {
        ADAMW, SGD, ADAFACTOR, LION, AVERAGED;

        Optimizer of(Map<String, Tensor> parameters) {
            WeightRule rule = WeightRule.matrices(0.1).withRate("head", 0.5);
            return switch (this) {
                case ADAMW -> Optimizer.adamW(parameters, 0.9, 0.99, 1e-8, rule);
                case SGD -> Optimizer.sgd(parameters, 0.9, rule);
                case ADAFACTOR ->
                    Optimizer.adafactor(parameters, Adafactor.Numbers.scheduled().withBeta1(0.9), rule);
                case LION -> Optimizer.lion(parameters, 0.9, 0.99, rule);
                case AVERAGED -> Optimizer.lion(parameters, 0.9, 0.99, rule).averaging(parameters, 0.95);
            };
        }
    }

    /// Gives a weight this gradient.
    private static void gradient(Tensor weight, Tensor gradient) {
        weight.clearGrad();
        weight.mul(gradient).sum().backward();
    }

    @ParameterizedTest
    @ValueSource(strings = {"scheduled", "relative", "warm", "momentum"})
    void adafactor_takes_the_steps_of_the_python_library(String name) {
        JsonNode recorded = Recorded.of("adafactor_" + name);
        Adafactor.Numbers numbers = switch (name) {
            case "relative" -> Adafactor.Numbers.relative(false);
            case "warm" -> Adafactor.Numbers.relative(true);
            case "momentum" -> Adafactor.Numbers.scheduled().withBeta1(0.9);
            default -> Adafactor.Numbers.scheduled();
        };
        try (var scope = TensorScope.open()) {
            Tensor matrix = Recorded.tensor(recorded.get("start").get(0), 3, 4).requiresGrad(true);
            Tensor vector = Recorded.tensor(recorded.get("start").get(1), 5).requiresGrad(true);
            var rule = WeightRule.everywhere(name.equals("momentum") ? 0.1 : 0);
            try (var optimizer = Optimizer.adafactor(Map.of("m", matrix, "v", vector), numbers, rule)) {
                for (JsonNode step : recorded.get("gradients")) {
                    gradient(matrix, Recorded.tensor(step.get(0), 3, 4));
                    gradient(vector, Recorded.tensor(step.get(1), 5));
                    optimizer.step(0.05);
                }
            }
            assertThat(matrix.toFloats()).containsExactly(Recorded.floats(recorded.get("end").get(0)), within(2e-6f));
            assertThat(vector.toFloats()).containsExactly(Recorded.floats(recorded.get("end").get(1)), within(2e-6f));
        }
    }

    @Test
    void lion_moves_every_number_by_the_rate_against_the_sign_of_its_mean() {
        try (var scope = TensorScope.open()) {
            Tensor weight = Tensor.of(new float[]{1, -2, 3}, 3).requiresGrad(true);
            double[] expected = {1, -2, 3};
            double[] mean = new double[3];
            double[][] gradients = {{0.5, -1, 0}, {-0.01, 2, 0}, {-9, 2, 0}};
            try (var optimizer = Optimizer.lion(Map.of("w", weight), 0.9, 0.99, WeightRule.everywhere(0.2))) {
                for (double[] each : gradients) {
                    gradient(weight, Tensor.of(each, 3).to(DType.FLOAT32));
                    optimizer.step(0.1);
                    for (int i = 0; i < 3; i++) {
                        expected[i] -= 0.1 * (Math.signum(0.9 * mean[i] + 0.1 * each[i]) + 0.2 * expected[i]);
                        mean[i] = 0.99 * mean[i] + 0.01 * each[i];
                    }
                }
            }
            for (int i = 0; i < 3; i++) {
                assertThat((double) weight.toFloats()[i]).isCloseTo(expected[i], within(1e-5));
            }
        }
    }

    @Test
    void one_cycle_is_torchs_and_other_schedules_end_where_they_should() {
        JsonNode rates = Recorded.of("one_cycle");
        var schedule = new Schedule.OneCycle(2, 2 / 25.0, 2 / 25.0 / 1e4, 5, 20);
        for (int step = 0; step < rates.size(); step++) {
            assertThat(schedule.rate(step)).as("step " + step).isCloseTo(rates.get(step).asDouble(), within(1e-9));
        }
        assertThat(new Schedule.Polynomial(1, 0.1, 2, 0, 10).rate(5)).isCloseTo(0.325, within(1e-12));
        assertThat(new Schedule.Exponential(1e-4, 1, 5).rate(2)).isCloseTo(1e-2, within(1e-12));
        assertThat(new Schedule.Exponential(1e-4, 1, 5).rate(4)).isCloseTo(1, within(1e-12));
        assertThat(Schedule.parse("one-cycle", 1, 0, 5, 20)).isInstanceOf(Schedule.OneCycle.class);
    }

    @Test
    void rules_choose_rate_and_decay_by_name() {
        try (var scope = TensorScope.open()) {
            Tensor matrix = Tensor.zeros(DType.FLOAT32, 2, 2);
            Tensor vector = Tensor.zeros(DType.FLOAT32, 2);
            WeightRule rule = WeightRule.everywhere(0.1).withoutDecay("bias$|norm").withRate("^head", 10);
            assertThat(rule.of("head.weight", matrix)).isEqualTo(new WeightRule.Treatment(10, 0.1));
            assertThat(rule.of("head.bias", vector)).isEqualTo(new WeightRule.Treatment(10, 0));
            assertThat(rule.of("block.norm.weight", vector)).isEqualTo(new WeightRule.Treatment(1, 0));
            assertThat(WeightRule.matrices(0.1).of("x", vector).decay()).isZero();

            Map<String, Integer> depths = Layers.depths(List.of("bert.embeddings.word_embeddings.weight",
                    "bert.encoder.layer.0.a", "bert.encoder.layer.1.a", "classifier.weight"));
            assertThat(depths.values()).containsExactly(0, 1, 2, 3);
            WeightRule falling = WeightRule.everywhere(0).layerwise(depths, 0.5);
            assertThat(depths.keySet().stream().map(name -> falling.of(name, matrix).rate()))
                    .containsExactly(0.125, 0.25, 0.5, 1.0);
        }
    }

    @Test
    void depths_are_read_from_the_names_of_every_family() {
        assertThat(Layers.depths(List.of("transformer.wte.weight", "transformer.h.0.attn.c_attn.weight",
                "transformer.ln_f.weight")).values()).containsExactly(0, 1, 2);
        assertThat(Layers.depths(List.of("shared.weight", "encoder.block.1.layer.0.SelfAttention.q.weight",
                "decoder.block.0.layer.2.DenseReluDense.wi.weight", "lm_head.weight")).values())
                .containsExactly(0, 2, 1, 3);
        assertThat(Layers.depths(List.of("model.embed_tokens.weight", "model.layers.0.q", "embed_out.weight")).values())
                .containsExactly(0, 1, 2);
    }

    private static Model model(String... names) {
        var weights = new LinkedHashMap<String, Tensor>();
        for (String name : names) {
            weights.put(name, Tensor.full(1, DType.FLOAT32, 2, 2).unscoped().requiresGrad(true));
        }
        return () -> weights;
    }

    @Test
    void frozen_weights_have_no_gradient_and_no_state_and_stay() {
        try (var model = model("embed.weight", "layer.0.weight", "layer.1.weight", "head.weight")) {
            Layers.freezeLower(model, 1);
            Layers.freeze(model, "^head");
            assertThat(Optimizer.trained(model.parameters())).containsOnlyKeys("layer.1.weight");
            try (var scope = TensorScope.open();
                    var optimizer = Optimizer.lion(model.parameters(), 0.9, 0.99, WeightRule.everywhere(0))) {
                model.parameters().values().stream().map(Tensor::sum).reduce(Tensor::add).orElseThrow().backward();
                optimizer.step(1);
                assertThat(optimizer.state()).containsOnlyKeys("layer.1.weight.exp_avg");
                assertThat(model.parameters().get("head.weight").grad()).isNull();
                assertThat(model.parameters().get("head.weight").toFloats()).containsOnly(1f);
                assertThat(model.parameters().get("layer.1.weight").toFloats()).containsOnly(0f);
            }
        }
    }

    @Test
    void freezing_what_is_not_there_or_everything_is_refused() {
        try (var model = model("embed.weight", "layer.0.weight")) {
            assertThatThrownBy(() -> Layers.freeze(model, "layers")).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("'layers'").hasMessageContaining("such as embed.weight, layer.0.weight");
            assertThatThrownBy(() -> Layers.freezeLower(model, 2)).hasMessageContaining("has 1 blocks");
            assertThatThrownBy(() -> Layers.freezeLower(model, 1)).hasMessageContaining("no weight is left to train");
        }
    }

    /// Trains up to `steps`, from the folder's last checkpoint.
    private static Map<String, float[]> train(Kind kind, Path folder, long steps) {
        try (var model = new TinyModel(3);
                var optimizer = kind.of(model.parameters());
                var run = RunFolder.open(folder)) {
            run.latest().ifPresent(checkpoint -> {
                try (var scope = TensorScope.open();
                        var file = Safetensors.open(checkpoint.resolve("model.safetensors"));
                        var off = Gradients.off()) {
                    model.parameters().forEach((name, weight) -> weight.copyInPlace(file.tensor(name)));
                }
            });
            var task = model.task((step, micro) -> TinyModel.batch(step, micro, 4, 6), optimizer,
                    new Schedule.OneCycle(0.01, 0.001, 0, 4, 20));
            var saving = new Trainer.Task<>(model, task.objective(), task.batches(), optimizer, task.schedule(), null,
                    to -> Safetensors.write(to.resolve("model.safetensors"), model.parameters(), Map.of()), "tiny");
            new Trainer<>(saving, Settings.of(steps).withPrecision(DType.FLOAT32).withMicroBatches(2))
                    .run(run, TrainingListener.SILENT);
            var weights = new HashMap<String, float[]>();
            model.parameters().forEach((name, weight) -> weights.put(name, weight.toFloats()));
            optimizer.state().forEach((name, value) -> weights.put("state " + name, value.toFloats()));
            return weights;
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_run_in_pieces_ends_with_the_weights_and_state_of_one_run_to_the_last_bit(Kind kind, @TempDir Path root) {
        Map<String, float[]> whole = train(kind, root.resolve("whole"), 20);
        train(kind, root.resolve("pieces"), 7);
        Map<String, float[]> pieces = train(kind, root.resolve("pieces"), 20);
        assertThat(pieces.keySet()).isEqualTo(whole.keySet());
        whole.forEach((name, numbers) -> assertThat(pieces.get(name)).as(name).containsExactly(numbers));
    }

    @ParameterizedTest
    @EnumSource
    void two_hundred_steps_learn_and_hold_no_more_tensors_than_ten(Kind kind) {
        try (var model = new TinyModel(1); var optimizer = kind.of(model.parameters())) {
            var trainer = new Trainer<>(model.task((step, micro) -> TinyModel.batch(step, micro, 4, 6), optimizer,
                    new Schedule.Constant(kind == Kind.SGD ? 0.1 : 0.005, 0)),
                    Settings.of(200).withPrecision(DType.FLOAT32));
            double first = trainer.step(0).loss();
            for (long step = 1; step < 10; step++) {
                trainer.step(step);
            }
            long early = TensorScope.liveTensors();
            double last = first;
            for (long step = 10; step < 200; step++) {
                last = trainer.step(step).loss();
            }
            assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(early);
            assertThat(last).isLessThan(first / 2);
        }
    }

    @Test
    void averaged_weights_are_evaluated_and_handed_out_while_training_goes_on_from_the_others(@TempDir Path folder)
            throws IOException {
        var evaluated = new float[1];
        var written = new HashMap<Path, Float>();
        try (var scope = TensorScope.open(); var run = RunFolder.open(folder)) {
            Tensor weight = Tensor.full(0, DType.FLOAT32, 1).requiresGrad(true);
            Map<String, Tensor> weights = Map.of("w", weight);
            try (var optimizer = Optimizer.sgd(weights, 0, 0).averaging(weights, 0.5)) {
                var task = new Trainer.Task<Integer>(() -> weights,
                        (batch, pass) -> dev.weft.nn.Loss.of(weight.sum().neg(), 1), (step, micro) -> 0, optimizer,
                        new Schedule.Constant(1, 0), () -> Validation.loss(evaluated[0] = (float) weight.sum().item()),
                        to -> written.put(to, weight.toFloats()[0]), "none");
                new Trainer<>(task, Settings.of(3).withPrecision(DType.FLOAT32).withEvaluation(3, 0)
                        .withCheckpoints(3, 1)).run(run, TrainingListener.SILENT);
                // Weights 1, 2, 3; the average keeps 2/11, 3/12 and 4/13 of itself.
                double average = 0;
                for (int step = 1; step <= 3; step++) {
                    double kept = Math.min(0.5, (1.0 + step) / (10 + step));
                    average = kept * average + (1 - kept) * step;
                }
                assertThat((double) evaluated[0]).isCloseTo(average, within(1e-6));
                assertThat((double) written.get(folder)).isCloseTo(average, within(1e-6));
                assertThat(weight.toFloats()).containsExactly(3);
                assertThat(written.values()).contains(3f);
            }
        }
    }

    @Test
    void the_rate_range_test_finds_a_rate_that_learns_and_leaves_everything_as_it_was() {
        try (var model = new TinyModel(1); var optimizer = Kind.ADAMW.of(model.parameters())) {
            var task = model.task((step, micro) -> TinyModel.batch(step, micro, 4, 6), optimizer,
                    new Schedule.Constant(1, 0));
            Map<String, float[]> before = new HashMap<>();
            model.parameters().forEach((name, weight) -> before.put(name, weight.toFloats()));
            var test = RateRangeTest.run(task, Settings.of(60).withPrecision(DType.FLOAT32), 1e-5, 10);
            assertThat(test.points().getFirst().rate()).isEqualTo(1e-5);
            assertThat(test.steepest()).isBetween(1e-4, 1.0);
            before.forEach((name, numbers) -> assertThat(model.parameters().get(name).toFloats()).as(name)
                    .containsExactly(numbers));
            optimizer.state().forEach((name, value) -> assertThat(value.abs().max().item()).as(name).isZero());
            assertThatThrownBy(() -> RateRangeTest.run(task, Settings.of(2), 1, 0.1))
                    .hasMessageContaining("1.0 to 0.1");
        }
    }

    @Test
    void the_last_checkpoints_are_averaged_into_a_model_folder(@TempDir Path root) throws IOException {
        Path run = root.resolve("run");
        for (int step = 1; step <= 3; step++) {
            Path checkpoint = run.resolve("checkpoints").resolve("step-0000000" + step);
            Files.createDirectories(checkpoint);
            try (var scope = TensorScope.open()) {
                ModelFolder.save(checkpoint, Json.object().put("model_type", "tiny"),
                        Map.of("w", Tensor.full(step * step, DType.FLOAT32, 2)), 1 << 20);
            }
            Files.writeString(checkpoint.resolve("tokenizer.json"), "tokenizer " + step);
            Files.writeString(checkpoint.resolve("trainer.json"), "{}");
        }
        CheckpointAverage.write(run, 2, root.resolve("out"));
        try (var scope = TensorScope.open();
                var file = Safetensors.open(root.resolve("out").resolve("model.safetensors"))) {
            assertThat(file.tensor("w").toFloats()).containsOnly(6.5f);
        }
        assertThat(root.resolve("out").resolve("tokenizer.json")).hasContent("tokenizer 3");
        assertThat(root.resolve("out").resolve("config.json")).content().contains("tiny");
        assertThat(root.resolve("out").resolve("trainer.json")).doesNotExist();
        assertThatThrownBy(() -> CheckpointAverage.write(run, 4, root.resolve("more")))
                .hasMessageContaining("has 3 checkpoints, 4 cannot be averaged");
    }
}
