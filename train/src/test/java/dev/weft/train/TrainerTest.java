package dev.weft.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.data.TokenBatch;
import dev.weft.nn.Activations;
import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainerTest {
    private static final Settings PLAIN = Settings.of(40).withPrecision(DType.FLOAT32);

    private static Optimizer adamW(TinyModel model) {
        return Optimizer.adamW(model.parameters(), 0.9, 0.99, 1e-8, 0.1, false);
    }

    private static TokenBatch batch(long step, int micro) {
        return TinyModel.batch(step, micro, 4, 6);
    }

    @Property(tries = 12)
    void parts_of_a_batch_of_different_lengths_give_the_gradient_of_the_whole(
            @ForAll @IntRange(min = 2, max = 5) int parts,
            @ForAll @IntRange(min = 0, max = 1000) int seed) {
        // Rows of unequal numbers of real targets: a mean of means would be wrong.
        var rows = new ArrayList<TokenBatch>();
        try (var scope = TensorScope.open(); var whole = new TinyModel(seed); var cut = new TinyModel(seed)) {
            for (int part = 0; part < parts; part++) {
                TokenBatch row = TinyModel.batch(seed, part, 1, 6);
                long hidden = part % 5;
                Tensor targets = hidden == 0
                        ? row.targets()
                        : Tensor.cat(
                                List.of(row.targets().narrow(1, 0, 6 - hidden),
                                        Tensor.full(-100, DType.INT64, 1, hidden)),
                                1);
                rows.add(new TokenBatch(row.inputs(), targets, 6 - hidden));
            }
            TokenBatch together = new TokenBatch(Tensor.cat(rows.stream().map(TokenBatch::inputs).toList(), 0),
                    Tensor.cat(rows.stream().map(TokenBatch::targets).toList(), 0),
                    rows.stream().mapToLong(TokenBatch::tokens).sum());
            // Dropout draws by part, so that it is off here: its schedule of keys is not what is tested.
            var one = step(whole, (step, micro) -> together, PLAIN, 1);
            var many = step(cut, (step, micro) -> rows.get(micro), PLAIN.withMicroBatches(parts), parts);
            assertThat(many.loss()).isCloseTo(one.loss(), within(1e-5));
            assertThat(many.gradientNorm()).isCloseTo(one.gradientNorm(), within(1e-5));
            whole.parameters()
                    .forEach((name, weight) -> assertThat(weight.sub(cut.parameters().get(name)).abs().max().item())
                            .as(name).isLessThan(1e-5));
        }
    }

    private static TrainingListener.Step step(TinyModel model, Batches<TokenBatch> batches, Settings settings,
            int parts) {
        try (var optimizer = Optimizer.sgd(model.parameters(), 0, 0)) {
            var task = model.task(batches, optimizer, new Schedule.Constant(0.1, 0));
            var quiet = new Trainer.Task<TokenBatch>(model, (batch, pass) -> task.objective().loss(batch,
                    pass.withDropout(dev.weft.nn.Dropout.OFF)), batches, optimizer, task.schedule(), null,
                    task.writer(), "tiny");
            return new Trainer<>(quiet, settings.withMicroBatches(parts)).step(0);
        }
    }

    @Test
    void training_learns_what_follows_what(@TempDir Path folder) {
        try (var model = new TinyModel(1); var optimizer = adamW(model); var run = RunFolder.open(folder)) {
            var trainer = new Trainer<>(model.task(TrainerTest::batch, optimizer, new Schedule.Cosine(0.03, 0, 5, 200)),
                    Settings.of(200).withPrecision(DType.FLOAT32));
            assertThat(trainer.run(run, TrainingListener.SILENT).lastLoss()).isLessThan(0.3);
        }
        assertThat(folder.resolve(LossCurve.FILE)).content().contains("polyline").contains("training loss");
    }

    @Test
    void a_run_in_pieces_gives_the_losses_and_weights_of_one_run_to_the_last_bit(@TempDir Path root)
            throws IOException {
        Map<String, float[]> whole = train(root.resolve("whole"), 40, 40);
        train(root.resolve("pieces"), 13, 40);
        train(root.resolve("pieces"), 14, 40);
        Map<String, float[]> pieces = train(root.resolve("pieces"), 40, 40);
        assertThat(Files.readAllLines(root.resolve("pieces").resolve("metrics.jsonl")).stream().map(TrainerTest::loss)
                .toList())
                .isEqualTo(Files.readAllLines(root.resolve("whole").resolve("metrics.jsonl")).stream()
                        .map(TrainerTest::loss).toList())
                .hasSize(40);
        whole.forEach((name, numbers) -> assertThat(pieces.get(name)).as(name).containsExactly(numbers));
    }

    private static String loss(String line) {
        return line.replaceAll(".*\"loss\":([^,]+),.*\"gradient_norm\":([^,]+),.*", "$1 $2");
    }

    /// Trains up to `steps` of `all`, as if interrupted there; weights travel through the checkpoint's files.
    private static Map<String, float[]> train(Path folder, long steps, long all) {
        try (var model = new TinyModel(3); var optimizer = adamW(model); var run = RunFolder.open(folder)) {
            run.latest().ifPresent(checkpoint -> {
                try (var scope = TensorScope.open();
                        var file = dev.weft.checkpoint.Safetensors.open(checkpoint.resolve("model.safetensors"));
                        var off = dev.weft.tensor.Gradients.off()) {
                    model.parameters().forEach((name, weight) -> weight.copyInPlace(file.tensor(name)));
                }
            });
            var task = model.task(TrainerTest::batch, optimizer, new Schedule.Cosine(0.02, 0.001, 5, all));
            var saving = new Trainer.Task<TokenBatch>(model, task.objective(), task.batches(), optimizer,
                    task.schedule(), null,
                    to -> dev.weft.checkpoint.Safetensors.write(to.resolve("model.safetensors"), model.parameters(),
                            Map.of()),
                    "tiny");
            new Trainer<>(saving, Settings.of(steps).withPrecision(DType.FLOAT32).withMicroBatches(2).withSeed(9)
                    .withCheckpoints(5, 2)).run(run, TrainingListener.SILENT);
            var weights = new java.util.HashMap<String, float[]>();
            model.parameters().forEach((name, weight) -> weights.put(name, weight.toFloats()));
            return weights;
        }
    }

    @Test
    void computing_activations_again_changes_nothing_but_memory() {
        try (var kept = new TinyModel(5); var again = new TinyModel(5)) {
            for (var pair : List.of(Map.entry(kept, Activations.KEPT), Map.entry(again, Activations.RECOMPUTED))) {
                try (var optimizer = adamW(pair.getKey())) {
                    var trainer = new Trainer<>(
                            pair.getKey().task(TrainerTest::batch, optimizer, new Schedule.Constant(0.01, 0)),
                            PLAIN.withActivations(pair.getValue()));
                    for (long step = 0; step < 5; step++) {
                        trainer.step(step);
                    }
                }
            }
            kept.parameters().forEach((name, weight) -> assertThat(again.parameters().get(name).toFloats()).as(name)
                    .containsExactly(weight.toFloats()));
        }
    }

    @Test
    void mixed_precision_also_learns_and_recomputes_in_the_same_precision() {
        try (var model = new TinyModel(5); var optimizer = adamW(model)) {
            var trainer = new Trainer<>(model.task(TrainerTest::batch, optimizer, new Schedule.Constant(0.03, 0)),
                    PLAIN.withPrecision(DType.BFLOAT16).withActivations(Activations.RECOMPUTED));
            double first = trainer.step(0).loss();
            double last = first;
            for (long step = 1; step < 80; step++) {
                last = trainer.step(step).loss();
            }
            assertThat(last).isLessThan(first / 2);
        }
    }

    @Test
    void a_learning_rate_that_explodes_stops_the_run_and_names_step_rate_and_checkpoint(@TempDir Path folder) {
        try (var model = new TinyModel(1);
                var optimizer = Optimizer.sgd(model.parameters(), 0, 0);
                var run = RunFolder.open(folder)) {
            var trainer = new Trainer<>(model.task(TrainerTest::batch, optimizer,
                    new Schedule.InverseSquareRoot(1e30, 0)), PLAIN.withClipNorm(0).withCheckpoints(1, 2));
            assertThatThrownBy(() -> trainer.run(run, TrainingListener.SILENT)).isInstanceOf(TrainingFailed.class)
                    .hasMessageMatching("The (loss|gradient) became .* at step \\d+ \\(learning rate .*\\)\\. "
                            + "The last good checkpoint is .*step-\\d+; go on from there with --resume .* and a lower --learning-rate");
            model.parameters().forEach(
                    (name, weight) -> assertThat(weight.isFinite() || weight.abs().max().item() > 1e20).isTrue());
        }
    }

    @Test
    void the_best_evaluation_is_kept_and_patience_ends_the_run(@TempDir Path folder) {
        var losses = new ArrayList<>(List.of(3.0, 2.0, 2.5, 2.6, 1.0));
        var saved = new ArrayList<Path>();
        try (var model = new TinyModel(1); var optimizer = adamW(model); var run = RunFolder.open(folder)) {
            var task = model.task(TrainerTest::batch, optimizer, new Schedule.Constant(0.01, 0));
            var evaluated = new Trainer.Task<TokenBatch>(model, task.objective(), task.batches(), optimizer,
                    task.schedule(),
                    () -> Validation.loss(losses.removeFirst()), saved::add, "tiny");
            var result = new Trainer<>(evaluated, PLAIN.withEvaluation(5, 2)).run(run, TrainingListener.SILENT);
            assertThat(result.end()).isEqualTo(Trainer.End.EARLY);
            assertThat(result.step()).isEqualTo(20);
            assertThat(result.best()).isEqualTo(2.0);
            assertThat(saved.stream().filter(folder::equals)).hasSize(2);
            assertThat(RunFolder.progress(run.latest().orElseThrow()).sinceBest()).isEqualTo(2);
        }
    }

    @Test
    void somebody_may_ask_a_run_to_stop_and_finds_a_checkpoint(@TempDir Path folder) {
        try (var model = new TinyModel(1); var optimizer = adamW(model); var run = RunFolder.open(folder)) {
            var trainer = new Trainer<>(model.task(TrainerTest::batch, optimizer, new Schedule.Constant(0.01, 0)),
                    PLAIN);
            var result = trainer.run(run, new TrainingListener() {
                @Override
                public void step(Step step) {
                    if (step.step() == 7) {
                        trainer.stop();
                    }
                }
            });
            assertThat(result.end()).isEqualTo(Trainer.End.STOPPED);
            assertThat(run.latest()).hasValueSatisfying(path -> assertThat(path).hasFileName("step-00000007"));
        }
    }

    @Test
    void the_newest_checkpoints_stay_and_leftovers_of_a_kill_are_cleared_away(@TempDir Path folder) throws IOException {
        Files.createDirectories(folder.resolve("checkpoints").resolve(".unfinished-99"));
        Files.writeString(folder.resolve("checkpoints").resolve(".unfinished-99").resolve("model.safetensors"), "half");
        try (var model = new TinyModel(1); var optimizer = adamW(model); var run = RunFolder.open(folder)) {
            new Trainer<>(model.task(TrainerTest::batch, optimizer, new Schedule.Constant(0.01, 0)),
                    PLAIN.withCheckpoints(10, 3))
                    .run(run, TrainingListener.SILENT);
        }
        try (var entries = Files.list(folder.resolve("checkpoints"))) {
            assertThat(entries.map(path -> path.getFileName().toString()).sorted()).containsExactly("step-00000020",
                    "step-00000030", "step-00000040");
        }
    }

    @Test
    void other_data_and_a_second_trainer_are_refused(@TempDir Path folder) {
        try (var model = new TinyModel(1); var optimizer = adamW(model); var run = RunFolder.open(folder)) {
            var task = model.task(TrainerTest::batch, optimizer, new Schedule.Constant(0.01, 0));
            new Trainer<>(task, PLAIN).run(run, TrainingListener.SILENT);
            var other = new Trainer.Task<TokenBatch>(model, task.objective(), task.batches(), optimizer,
                    task.schedule(), null,
                    task.writer(), "other text");
            assertThatThrownBy(() -> new Trainer<>(other, PLAIN).run(run, TrainingListener.SILENT))
                    .hasMessageContaining("trained on other data (tiny, now other text)").hasMessageContaining("--out");
            assertThatThrownBy(() -> RunFolder.open(folder)).hasMessageContaining("Another trainer is at work");
        }
    }

    @Test
    void a_checkpoint_that_cannot_be_written_leaves_the_last_good_one(@TempDir Path folder) {
        try (var model = new TinyModel(1); var optimizer = adamW(model); var run = RunFolder.open(folder)) {
            var task = model.task(TrainerTest::batch, optimizer, new Schedule.Constant(0.01, 0));
            new Trainer<>(task, Settings.of(3).withPrecision(DType.FLOAT32)).run(run, TrainingListener.SILENT);
            var full = new Trainer.Task<TokenBatch>(model, task.objective(), task.batches(), optimizer, task.schedule(),
                    null,
                    to -> {
                        throw new java.io.UncheckedIOException(new IOException("No space left on device"));
                    }, "tiny");
            assertThatThrownBy(() -> new Trainer<>(full, Settings.of(6).withPrecision(DType.FLOAT32)).run(run,
                    TrainingListener.SILENT)).hasMessageContaining("No space left on device")
                    .hasMessageContaining("step-00000003");
            assertThat(run.latest()).hasValueSatisfying(path -> assertThat(path).hasFileName("step-00000003"));
            assertThat(folder.resolve("checkpoints").resolve(".unfinished-6")).doesNotExist();
        }
    }

    @Test
    void two_thousand_steps_hold_no_more_tensors_than_one_hundred() {
        try (var model = new TinyModel(1); var optimizer = adamW(model)) {
            var trainer = new Trainer<>(model.task(TrainerTest::batch, optimizer, new Schedule.Constant(0.001, 0)),
                    PLAIN);
            long early = 0;
            for (long step = 0; step < 2000; step++) {
                trainer.step(step);
                if (step == 100) {
                    early = TensorScope.liveTensors();
                }
            }
            assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(early);
        }
    }
}
