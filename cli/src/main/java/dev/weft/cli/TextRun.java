package dev.weft.cli;

import dev.weft.checkpoint.Json;
import dev.weft.data.TextSource;
import dev.weft.data.TokenBatch;
import dev.weft.data.TokenExamples;
import dev.weft.data.TokenFile;
import dev.weft.data.TokenWindows;
import dev.weft.data.Tokens;
import dev.weft.models.Gpt2;
import dev.weft.models.Models;
import dev.weft.models.heads.CausalLanguageModel;
import dev.weft.tensor.Device;
import dev.weft.tensor.Engine;
import dev.weft.text.BytePairTrainer;
import dev.weft.text.CharacterTrainer;
import dev.weft.text.Tokenizer;
import dev.weft.train.Batches;
import dev.weft.train.CausalEvaluation;
import dev.weft.train.CausalObjective;
import dev.weft.train.Optimizer;
import dev.weft.train.RunFolder;
import dev.weft.train.Trainer;
import dev.weft.train.TrainingListener;
import dev.weft.train.Validation;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/// A language model learns from text, in a run folder: what `weft train` and `weft quickstart` do.
final class TextRun {
    /// Text after which a new one begins, where the tokenizer knows it.
    private static final String END_OF_TEXT = "<|endoftext|>";

    private TextRun() {}

    /// Where ids of texts are kept between runs.
    static Path defaultCache() {
        String base = System.getenv("XDG_CACHE_HOME");
        return base == null || base.isEmpty()
                ? Path.of(System.getProperty("user.home"), ".cache", "weft")
                : Path.of(base, "weft");
    }

    /// Trains a new model in `out`.
    static Trainer.Result start(TrainPlan plan, Path out, Progress progress) {
        try (var folder = RunFolder.open(out)) {
            if (folder.latest().isPresent() || Files.exists(out.resolve(TrainPlan.FILE))) {
                throw new IllegalArgumentException(
                        out + " already holds a run; go on with --resume " + out + ", or choose another --out");
            }
            Engine.threads(plan.threads());
            TextSource source = TextSource.of(plan.text());
            Tokenizer tokenizer = tokenizer(plan, source);
            // What can be refused is refused before anything is written.
            try (var data = Data.open(plan, source, tokenizer, progress)) {
                tokenizer.save(out);
                plan.write(out);
                CausalLanguageModel model = Models.create(Preset.config(plan, tokenizer.vocabSize()), plan.seed());
                return train(plan, folder, model, tokenizer, data, progress);
            }
        }
    }

    /// Goes on with the run in `out` from its last checkpoint.
    static Trainer.Result resume(TrainPlan plan, Path out, Progress progress) {
        try (var folder = RunFolder.open(out)) {
            Engine.threads(plan.threads());
            Tokenizer tokenizer = Tokenizer.load(out);
            try (var data = Data.open(plan, TextSource.of(plan.text()), tokenizer, progress)) {
                Optional<Path> checkpoint = folder.latest();
                CausalLanguageModel model = checkpoint.isPresent()
                        ? Models.loadForTraining(checkpoint.get())
                        : Models.create(Preset.config(plan, tokenizer.vocabSize()), plan.seed());
                plan.write(out);
                return train(plan, folder, model, tokenizer, data, progress);
            }
        }
    }

    private static Tokenizer tokenizer(TrainPlan plan, TextSource source) {
        try (Reader text = source.read()) {
            return switch (plan.tokenizer()) {
                case "char" -> new CharacterTrainer().train(text);
                case "bpe" -> BytePairTrainer.ofVocabSize(plan.vocabSize()).withSpecialTokens(END_OF_TEXT).train(text);
                default -> Tokenizer.load(Path.of(plan.tokenizer()));
            };
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
    }

    /// The ids to learn from and to be tested on.
    private record Data(List<TokenFile> files, Tokens training, @Nullable Tokens validation, String fingerprint)
            implements
                AutoCloseable {
        static Data open(TrainPlan plan, TextSource source, Tokenizer tokenizer, Progress progress) {
            Path cache = Path.of(plan.cache());
            OptionalInt end = tokenizer.id(END_OF_TEXT);
            TokenFile all = TokenFile.of(source, tokenizer, end, cache, progress::encoded);
            if (!plan.validationText().isEmpty()) {
                TokenFile held = TokenFile.of(TextSource.of(plan.validationText()), tokenizer, end, cache,
                        progress::encoded);
                return checked(plan, new Data(List.of(all, held), all, held,
                        all.fingerprint().substring(0, 16) + "+" + held.fingerprint().substring(0, 16)));
            }
            String print = all.fingerprint().substring(0, 16) + "/" + plan.validationFraction();
            if (plan.validationFraction() == 0) {
                return checked(plan, new Data(List.of(all), all, null, print));
            }
            Tokens.Split split = all.split(plan.validationFraction());
            return checked(plan, new Data(List.of(all), split.training(), split.validation(), print));
        }

        private static Data checked(TrainPlan plan, Data data) {
            if (data.training().count() <= plan.seq()) {
                data.close();
                throw new IllegalArgumentException(
                        ("The text has %d tokens to train on, and one window needs %d (--seq %d and "
                                + "the token after it); give more text or a shorter --seq")
                                .formatted(data.training().count(), plan.seq() + 1, plan.seq()));
            }
            Tokens held = data.validation();
            if (held != null && held.count() < 2) {
                data.close();
                throw new IllegalArgumentException(
                        "The validation text has %d tokens, and at least 2 are needed; hold out more"
                                .formatted(held.count()));
            }
            return data;
        }

        @Override
        public void close() {
            files.forEach(TokenFile::close);
        }
    }

    private static Trainer.Result train(TrainPlan plan, RunFolder folder, CausalLanguageModel model,
            Tokenizer tokenizer,
            Data data, Progress progress) {
        Device device = Device.parse(plan.device());
        // What decides the batches belongs to the data: with another size the run would not be the same.
        String fingerprint = "%s %s batch %d/%d seq %d seed %d".formatted(data.fingerprint(), plan.examples(),
                plan.batch(),
                plan.microBatches(),
                plan.seq(), plan.seed());
        ObjectNode config = config(model, plan, tokenizer);
        try (model; var optimizer = optimizer(plan, model)) {
            var task = new Trainer.Task<TokenBatch>(model, new CausalObjective(model, device),
                    batches(plan, data, tokenizer), optimizer, plan.settledSchedule(),
                    evaluation(plan, model, data, device), to -> save(to, config, model, tokenizer), fingerprint);
            var trainer = new Trainer<>(task, plan.settings());
            progress.describe(model, plan, data.training().count(), tokenizer.vocabSize());
            return Interrupts.heeding(trainer::stop, () -> trainer.run(folder, progress));
        }
    }

    private static Batches<TokenBatch> batches(TrainPlan plan, Data data, Tokenizer tokenizer) {
        int rows = plan.batch() / plan.microBatches();
        if (plan.examples().equals("windows")) {
            var windows = new TokenWindows(data.training(), rows, plan.seq());
            return (step, micro) -> windows.random(plan.seed(), step, micro);
        }
        var lines = new TokenExamples(lines(plan, tokenizer), rows);
        if (lines.longest() > plan.seq() + 1) {
            throw new IllegalArgumentException(
                    "The longest line has %d tokens, --seq is %d; make it longer, or the line shorter"
                            .formatted(lines.longest(), plan.seq()));
        }
        return (step, micro) -> lines.random(plan.seed(), step, micro);
    }

    /// Each line that is not empty with its end.
    private static List<int[]> lines(TrainPlan plan, Tokenizer tokenizer) {
        try (var reader = new BufferedReader(TextSource.of(plan.text()).read())) {
            return reader.lines().filter(line -> !line.isEmpty()).map(line -> tokenizer.ids(line + "\n")).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
    }

    private static Optimizer optimizer(TrainPlan plan, CausalLanguageModel model) {
        return plan.optimizer().equals("sgd")
                ? Optimizer.sgd(model.parameters(), plan.momentum(), plan.weightDecay())
                : Optimizer.adamW(model.parameters(), plan.beta1(), plan.beta2(), 1e-8, plan.weightDecay(), false);
    }

    private static @Nullable Supplier<Validation> evaluation(TrainPlan plan, CausalLanguageModel model, Data data,
            Device device) {
        Tokens held = data.validation();
        if (held == null || plan.evaluateEvery() == 0) {
            return null;
        }
        Tokens part = held.slice(0, Math.min(held.count(), plan.evaluateTokens() + 1));
        var windows = new TokenWindows(part, plan.batch(), plan.seq());
        return () -> Validation.loss(CausalEvaluation.score(model, windows, device).loss());
    }

    private static ObjectNode config(CausalLanguageModel model, TrainPlan plan, Tokenizer tokenizer) {
        Gpt2.Config sizes = Preset.config(plan, tokenizer.vocabSize());
        ObjectNode json = Json.object();
        json.putArray("architectures").add("GPT2LMHeadModel");
        json.setAll(sizes.toJson());
        json.put("dtype", model.parameters().values().iterator().next().dtype().toString());
        OptionalInt end = tokenizer.id(END_OF_TEXT);
        for (String role : List.of("bos_token_id", "eos_token_id")) {
            // Null, not absent: the reference's default lies outside a small vocabulary.
            json.putPOJO(role, end.isPresent() ? end.getAsInt() : null);
        }
        return json;
    }

    private static void save(Path folder, ObjectNode config, CausalLanguageModel model, Tokenizer tokenizer) {
        Models.save(folder, config, model);
        ObjectNode generation = Json.object();
        generation.set("bos_token_id", config.get("bos_token_id"));
        generation.set("eos_token_id", config.get("eos_token_id"));
        Json.write(folder.resolve("generation_config.json"), generation);
        tokenizer.save(folder);
    }

    /// A listener that also hears of the work before the first step.
    interface Progress extends TrainingListener {
        void encoded(long bytesDone, long bytesTotal);

        void describe(CausalLanguageModel model, TrainPlan plan, long tokens, int vocabSize);
    }
}
