package dev.weft.adapt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.checkpoint.Json;
import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import dev.weft.train.Optimizer;
import dev.weft.train.RunFolder;
import dev.weft.train.Schedule;
import dev.weft.train.Settings;
import dev.weft.train.TaskObjective;
import dev.weft.train.Trainer;
import dev.weft.train.TrainingListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.node.ObjectNode;

/// Adapters in training, through the trainer and its folder.
class AdapterRunTest {
    private static final int STEPS = 10;

    private static Stream<AdapterConfig> kinds() {
        LoraConfig lora = LoraConfig.of(2, 4, Targets.of("c_attn")).withDropout(0.1);
        return Stream.of(lora, lora.withDora(true).withBias(LoraConfig.Bias.ALL).withModulesToSave(List.of("ln_f")),
                PromptConfig.prompt(3), PromptConfig.prefix(2).withProjection(4));
    }

    private static void base(Path folder) {
        ObjectNode config = Json.object().put("model_type", "gpt2").put("vocab_size", 20).put("n_embd", 16)
                .put("n_layer", 2).put("n_head", 2).put("n_positions", 24);
        config.putArray("architectures").add("GPT2LMHeadModel");
        try (PretrainedModel base = Models.create(config, 1)) {
            base.save(folder);
        }
    }

    private static Map<String, Tensor> batch(long step, int micro) {
        long[] ids = new SplittableRandom(step).longs(12, 0, 20).toArray();
        return Map.of("input_ids", Tensor.of(ids, 2, 6), "labels", Tensor.of(ids, 2, 6));
    }

    /// Trains from the folder's last checkpoint, or a new adapter, until `stop`; what each step's loss was.
    private static List<Double> train(Path model, Path folder, AdapterConfig config, int stop) {
        var losses = new ArrayList<Double>();
        try (var run = RunFolder.open(folder)) {
            Optional<Path> checkpoint = run.latest();
            try (PretrainedModel base = checkpoint.map(at -> Adapted.base(model, at))
                    .orElseGet(() -> Models.load(model));
                    Adapted adapted = checkpoint.map(at -> Adapted.load(base, at))
                            .orElseGet(() -> Adapted.create(base, config, 2))) {
                adapted.train(true);
                PretrainedModel whole = adapted.model();
                try (var optimizer = Optimizer.adamW(whole.parameters(), 0.9, 0.99, 1e-8, 0.1, true)) {
                    assertThat(optimizer.state().size()).isBetween(2 * adapted.parameters().size(),
                            3 * adapted.parameters().size());
                    new Trainer<>(
                            new Trainer.Task<>(whole, TaskObjective.of(whole), AdapterRunTest::batch, optimizer,
                                    new Schedule.Constant(0.02, 2), null, adapted::save, "random"),
                            Settings.of(stop).withPrecision(DType.FLOAT32).withSeed(3))
                            .run(run, new TrainingListener() {
                                @Override
                                public void step(Step step) {
                                    losses.add(step.loss());
                                }
                            });
                }
            }
        }
        return losses;
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void a_run_in_two_pieces_gives_the_losses_and_weights_of_one_to_the_last_bit(AdapterConfig config,
            @TempDir Path root) throws IOException {
        Path model = root.resolve("model");
        base(model);
        long live = TensorScope.liveTensors();
        List<Double> whole = train(model, root.resolve("whole"), config, STEPS);
        var pieces = new ArrayList<>(train(model, root.resolve("pieces"), config, 4));
        pieces.addAll(train(model, root.resolve("pieces"), config, STEPS));
        assertThat(pieces).isEqualTo(whole).hasSize(STEPS).doesNotHaveDuplicates();
        String last = "checkpoints/step-%08d/".formatted(STEPS);
        assertThat(root.resolve("pieces").resolve(last + "adapter_model.safetensors"))
                .hasSameBinaryContentAs(root.resolve("whole").resolve(last + "adapter_model.safetensors"));
        assertThat(Files.exists(root.resolve("whole").resolve(last + "model.safetensors"))).isFalse();
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(live);
    }
}
