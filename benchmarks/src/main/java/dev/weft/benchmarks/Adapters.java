package dev.weft.benchmarks;

import dev.weft.adapt.Adapted;
import dev.weft.adapt.AdapterSet;
import dev.weft.adapt.LoraConfig;
import dev.weft.adapt.Targets;
import dev.weft.checkpoint.Json;
import dev.weft.models.Gpt2;
import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.nn.ForwardPass;
import dev.weft.tensor.DType;
import dev.weft.tensor.Engine;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import dev.weft.train.Optimizer;
import dev.weft.train.Schedule;
import dev.weft.train.Settings;
import dev.weft.train.TaskObjective;
import dev.weft.train.Trainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/// What LoRA costs on GPT-2 124M with new weights, float32. Prints one line of JSON.
///
/// ```
/// Adapters full|lora [--tokens 256]   seconds a step of training and peak memory: a process each, and compare
/// Adapters rows                       seconds a batch of four texts: base, one adapter, an adapter for each row
/// ```
public final class Adapters {
    private static final int STEPS = 6;
    private static final LoraConfig LORA = LoraConfig.of(8, 16, Targets.of("c_attn"));

    private Adapters() {}

    public static void main(String... args) throws IOException {
        String mode = args.length == 0 ? "" : args[0];
        switch (mode) {
            case "full", "lora" -> train(mode, args.length == 3 ? Integer.parseInt(args[2]) : 256);
            case "rows" -> rows();
            default -> throw new IllegalArgumentException("Adapters full|lora [--tokens 256], or Adapters rows");
        }
    }

    private static PretrainedModel base() {
        return Models.create(Gpt2.Config.fromJson(Json.of("GPT-2", Json.object().put("vocab_size", 50_257))), 0);
    }

    /// Texts of 128 tokens, in which nothing can be learned.
    private static Tensor ids(int tokens) {
        return Tensor.of(new SplittableRandom(0).longs(tokens, 0, 50_257).toArray(), tokens / 128, 128);
    }

    private static void train(String mode, int tokens) {
        double[] seconds = new double[STEPS];
        try (var scope = TensorScope.open(); PretrainedModel base = base()) {
            Tensor ids = ids(tokens);
            Map<String, Tensor> batch = Map.of("input_ids", ids, "labels", ids);
            PretrainedModel model = mode.equals("full") ? base : Adapted.create(base, LORA, 1).model();
            try (model; var optimizer = Optimizer.adamW(model.parameters(), 0.9, 0.999, 1e-8, 0.01, true)) {
                var trainer = new Trainer<>(new Trainer.Task<>(model, TaskObjective.of(model), (step, micro) -> batch,
                        optimizer, new Schedule.Constant(1e-4, 0), null, folder -> {}, "random"),
                        Settings.of(STEPS).withPrecision(DType.FLOAT32));
                for (int step = 0; step < STEPS; step++) {
                    long start = System.nanoTime();
                    trainer.step(step);
                    seconds[step] = (System.nanoTime() - start) / 1e9;
                }
            }
        }
        Arrays.sort(seconds);
        System.out.println(Json.object().put("mode", mode).put("blas", Engine.blas()).put("tokens", tokens)
                .put("seconds", seconds[STEPS / 2]).put("peak_mb", Engine.peakResidentBytes() >> 20));
    }

    private static void rows() throws IOException {
        Path folder = Files.createTempDirectory("adapters");
        try (var scope = TensorScope.open(); PretrainedModel base = base(); var set = new AdapterSet(base)) {
            for (int i = 0; i < 4; i++) {
                try (Adapted adapted = Adapted.create(base, LORA, i)) {
                    adapted.save(folder);
                }
                set.add("a" + i, folder);
            }
            Tensor ids = ids(4 * 128);
            List<String> each = List.of("a0", "a1", "a2", "a3");
            double made = median(() -> set.model(each).close());
            try (PretrainedModel mixed = set.model(each)) {
                System.out.println(Json.object().put("blas", Engine.blas()).put("made_seconds", made)
                        .put("base", median(() -> run(base, ids))).put("one", median(() -> run(set.model("a0"), ids)))
                        .put("each_row", median(() -> run(mixed, ids))));
            }
        } finally {
            for (String name : List.of("adapter_config.json", "adapter_model.safetensors", "")) {
                Files.delete(folder.resolve(name));
            }
        }
    }

    private static void run(PretrainedModel model, Tensor ids) {
        try (var scope = TensorScope.open(); var off = Gradients.off()) {
            model.outputs(Map.of("input_ids", ids), ForwardPass.plain());
        }
    }

    private static double median(Runnable body) {
        double[] seconds = new double[7];
        for (int i = 0; i < seconds.length; i++) {
            long start = System.nanoTime();
            body.run();
            seconds[i] = (System.nanoTime() - start) / 1e9;
        }
        Arrays.sort(seconds);
        return seconds[seconds.length / 2];
    }
}
