package dev.weft.cli;

import dev.weft.checkpoint.AtomicFile;
import dev.weft.nn.Activations;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.train.Schedule;
import dev.weft.train.Settings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/// Everything that decides a training run, with every default settled: kept as `training.json` in the run folder, so that
/// resuming needs nothing else.
record TrainPlan(List<String> text, List<String> validationText, double validationFraction, String examples,
        String tokenizer,
        int vocabSize,
        String cache, int layers, int heads, int hidden, int seq, double dropout, long steps, int batch,
        int microBatches,
        String optimizer, double learningRate, double minLearningRate, String schedule, long warmup, double beta1,
        double beta2, double momentum, double weightDecay, double clip, String precision, boolean recompute,
        long evaluateEvery, long evaluateTokens, int patience, long checkpointEvery, int keep, long logEvery, long seed,
        String device, int threads) {

    static final String FILE = "training.json";
    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(SerializationFeature.INDENT_OUTPUT).build();

    TrainPlan {
        if (batch < 1 || microBatches < 1 || batch % microBatches != 0) {
            throw new IllegalArgumentException("--batch (%d) must be a multiple of --micro-batches (%d)"
                    .formatted(batch, microBatches));
        }
        if (!(learningRate > 0) || minLearningRate < 0 || minLearningRate > learningRate) {
            throw new IllegalArgumentException(
                    "--learning-rate (%s) must be above 0 and at least --min-learning-rate (%s)"
                            .formatted(learningRate, minLearningRate));
        }
        if (!List.of("windows", "lines").contains(examples)) {
            throw new IllegalArgumentException("Unknown examples '" + examples + "'; choose windows or lines");
        }
        if (!List.of("adamw", "sgd").contains(optimizer)) {
            throw new IllegalArgumentException("Unknown optimizer '" + optimizer + "'; choose adamw or sgd");
        }
        if (!(dropout >= 0 && dropout < 1)) {
            throw new IllegalArgumentException("--dropout must be at least 0 and below 1, found " + dropout);
        }
    }

    static TrainPlan read(Path run) {
        Path file = run.resolve(FILE);
        if (!Files.exists(file)) {
            throw new IllegalArgumentException(run + " holds no run to resume: there is no " + FILE + " in it");
        }
        try {
            return JSON.readValue(Files.readString(file), TrainPlan.class);
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be read: " + e.getMessage(), e);
        } catch (JacksonException e) {
            throw new IllegalArgumentException(file + " is damaged: " + e.getOriginalMessage(), e);
        }
    }

    void write(Path run) {
        AtomicFile.write(run.resolve(FILE), JSON.writeValueAsString(this) + "\n");
    }

    TrainPlan withSteps(long count) {
        return with(count, learningRate);
    }

    /// The lowest rate falls with it where need be.
    TrainPlan withLearningRate(double rate) {
        return with(steps, rate);
    }

    private TrainPlan with(long count, double rate) {
        return new TrainPlan(text, validationText, validationFraction, examples, tokenizer, vocabSize, cache, layers,
                heads,
                hidden, seq,
                dropout, count, batch, microBatches, optimizer, rate, Math.min(minLearningRate, rate), schedule, warmup,
                beta1,
                beta2, momentum, weightDecay, clip, precision, recompute, evaluateEvery, evaluateTokens, patience,
                checkpointEvery, keep, logEvery, seed, device, threads);
    }

    Schedule settledSchedule() {
        return Schedule.parse(schedule, learningRate, minLearningRate, warmup, steps);
    }

    Settings settings() {
        return Settings.of(steps).withMicroBatches(microBatches).withClipNorm(clip)
                .withPrecision(DType.parse(precision))
                .withActivations(recompute ? Activations.RECOMPUTED : Activations.KEPT)
                .withEvaluation(evaluateEvery, patience).withCheckpoints(checkpointEvery, keep).withLogEvery(logEvery)
                .withSeed(seed).withDevice(Device.parse(device));
    }
}
