package dev.weft.examples;

import dev.weft.data.TextSource;
import dev.weft.data.TokenFile;
import dev.weft.data.TokenWindows;
import dev.weft.models.Gpt2;
import dev.weft.models.Models;
import dev.weft.run.Generation;
import dev.weft.run.TextGenerator;
import dev.weft.tensor.Device;
import dev.weft.text.CharacterTrainer;
import dev.weft.train.CausalObjective;
import dev.weft.train.Optimizer;
import dev.weft.train.RunFolder;
import dev.weft.train.Schedule;
import dev.weft.train.Settings;
import dev.weft.train.Trainer;
import dev.weft.train.TrainingListener;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;

/// Trains a small GPT on a text file and lets it write.
public final class TrainAndGenerate {
    private TrainAndGenerate() {}

    /// `TrainAndGenerate corpus.txt runs/mine "ROMEO:"`
    public static void main(String... args) {
        train(args[0], Path.of(args[1]), 500);
        System.out.println(write(Path.of(args[1]), args[2]));
    }

    static void train(String text, Path run, long steps) {
        var corpus = TextSource.of(List.of(text));
        var tokenizer = new CharacterTrainer().train(corpus.files());
        var config = Gpt2.Config.tiny().withVocabSize(tokenizer.vocabSize()).withSizes(4, 4, 128, 128);
        try (var tokens = TokenFile.of(corpus, tokenizer, OptionalInt.empty(), run, TokenFile.Progress.SILENT);
                var folder = RunFolder.open(run);
                var model = Models.create(config, 7);
                var adamW = Optimizer.adamW(model.parameters(), 0.9, 0.99, 1e-8, 0.1, false)) {
            var windows = new TokenWindows(tokens, 12, 128);
            var task = new Trainer.Task<>(model, new CausalObjective(model, Device.CPU),
                    (step, part) -> windows.random(7, step, part), adamW,
                    new Schedule.Cosine(3e-3, 3e-4, 20, steps), null,
                    to -> {
                        Models.save(to, config.toJson(), model);
                        tokenizer.save(to);
                    }, tokens.fingerprint());
            new Trainer<>(task, Settings.of(steps)).run(folder, TrainingListener.SILENT);
        }
    }

    static String write(Path run, String prompt) {
        try (var writer = TextGenerator.open(run)) {
            return writer.generate(prompt, Generation.sampled(7).withMaxNewTokens(100));
        }
    }
}
