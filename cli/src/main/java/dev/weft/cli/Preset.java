package dev.weft.cli;

import dev.weft.models.Gpt2;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/// Sizes and settings that go together, as a start for `weft train`.
enum Preset {
    /// Learns a small corpus in a minute.
    TINY(2, 4, 128, 64, 0, 600, 32, 3e-3),
    /// The sizes that nanoGPT publishes for a CPU, with twice its learning rate (docs/training.md).
    SMALL(4, 4, 128, 64, 0, 2000, 12, 2e-3),
    /// The setting that nanoGPT publishes for Shakespeare's characters on a GPU.
    MEDIUM(6, 6, 384, 256, 0.2, 5000, 64, 1e-3),
    /// GPT-2 with 124 million weights.
    GPT2(12, 12, 768, 1024, 0.1, 100_000, 8, 6e-4);

    final int layers;
    final int heads;
    final int hidden;
    final int seq;
    final double dropout;
    final long steps;
    final int batch;
    final double learningRate;

    Preset(int layers, int heads, int hidden, int seq, double dropout, long steps, int batch, double learningRate) {
        this.layers = layers;
        this.heads = heads;
        this.hidden = hidden;
        this.seq = seq;
        this.dropout = dropout;
        this.steps = steps;
        this.batch = batch;
        this.learningRate = learningRate;
    }

    static Preset parse(String name) {
        for (Preset preset : values()) {
            if (preset.toString().equals(name.toLowerCase(Locale.ROOT))) {
                return preset;
            }
        }
        throw new IllegalArgumentException("Unknown preset '" + name + "'; choose "
                + Arrays.stream(values()).map(Preset::toString).collect(Collectors.joining(", ")));
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }

    static Gpt2.Config config(TrainPlan plan, int vocabSize) {
        return Gpt2.Config.tiny().withVocabSize(vocabSize)
                .withSizes(plan.layers(), plan.heads(), plan.hidden(), plan.seq())
                .withDropout(plan.dropout());
    }
}
