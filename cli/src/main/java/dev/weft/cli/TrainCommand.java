package dev.weft.cli;

import dev.weft.tensor.Device;
import dev.weft.tensor.Engine;
import dev.weft.train.LossCurve;
import dev.weft.train.Trainer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `weft train`: a GPT from text, or a run that goes on.
@Command(name = "train", mixinStandardHelpOptions = true, sortOptions = false, description = "Train a GPT on text files from nothing, or go on with a run.", footer = {
        "", "Examples:",
        "  weft train --text corpus.txt --out runs/mine --preset small",
        "  weft train --text 'books/**/*.txt' --tokenizer bpe --vocab-size 8192 --preset medium --out runs/books",
        "  weft train --resume runs/mine"})
final class TrainCommand implements Callable<Integer> {
    @Option(names = "--text", paramLabel = "PATH", description = "Files, folders (their .txt files) or globs; UTF-8.", arity = "1..*")
    @Nullable
    List<String> text;

    @Option(names = "--out", paramLabel = "DIR", description = "The run folder to make.")
    @Nullable
    Path out;

    @Option(names = "--resume", paramLabel = "DIR", description = "Go on with the run in DIR from its last checkpoint. Takes --steps and --learning-rate, nothing else.")
    @Nullable
    Path resume;

    @Option(names = "--preset", defaultValue = "small", paramLabel = "NAME", description = "Sizes to start from: tiny, small (nanoGPT's CPU setting), medium, gpt2. Default: ${DEFAULT-VALUE}.")
    String preset;

    @Option(names = "--examples", defaultValue = "windows", paramLabel = "KIND", description = "windows (cut anywhere from the text) or lines (each line by itself). Default: ${DEFAULT-VALUE}.")
    String examples;

    @Option(names = "--tokenizer", defaultValue = "char", paramLabel = "KIND", description = "char, bpe (byte-level, learned from the text), or a tokenizer.json. Default: ${DEFAULT-VALUE}.")
    String tokenizer;

    @Option(names = "--vocab-size", defaultValue = "4096", description = "Entries that bpe learns. Default: ${DEFAULT-VALUE}.")
    int vocabSize;

    @Option(names = "--validation-text", paramLabel = "PATH", arity = "1..*", description = "Text to evaluate on.")
    @Nullable
    List<String> validationText;

    @Option(names = "--validation", defaultValue = "0.1", paramLabel = "SHARE", description = "Share of the text's end held out to evaluate on, if there is no --validation-text; 0 for none. Default: ${DEFAULT-VALUE}.")
    double validation;

    @Option(names = "--layers", description = "Blocks of the model.")
    @Nullable
    Integer layers;

    @Option(names = "--heads", description = "Attention heads in each.")
    @Nullable
    Integer heads;

    @Option(names = "--hidden", description = "Width of the model.")
    @Nullable
    Integer hidden;

    @Option(names = "--seq", description = "Tokens in a window: the model's context.")
    @Nullable
    Integer seq;

    @Option(names = "--dropout", description = "Share of activations dropped.")
    @Nullable
    Double dropout;

    @Option(names = "--steps", description = "Updates in all.")
    @Nullable
    Long steps;

    @Option(names = "--batch", description = "Windows in a step.")
    @Nullable
    Integer batch;

    @Option(names = "--micro-batches", defaultValue = "1", description = "Parts a step's batch is computed in, to save memory. Default: ${DEFAULT-VALUE}.")
    int microBatches;

    @Option(names = "--optimizer", defaultValue = "adamw", description = "adamw or sgd. Default: ${DEFAULT-VALUE}.")
    String optimizer;

    @Option(names = "--learning-rate", description = "Highest learning rate.")
    @Nullable
    Double learningRate;

    @Option(names = "--min-learning-rate", description = "Where it ends. Default: a tenth of the highest.")
    @Nullable
    Double minLearningRate;

    @Option(names = "--schedule", defaultValue = "cosine", description = "constant, linear, cosine or inverse-sqrt. Default: ${DEFAULT-VALUE}.")
    String schedule;

    @Option(names = "--warmup", description = "Steps in which the learning rate rises. Default: 5%% of the steps.")
    @Nullable
    Long warmup;

    @Option(names = "--beta1", defaultValue = "0.9", description = "AdamW's mean decay. Default: ${DEFAULT-VALUE}.")
    double beta1;

    @Option(names = "--beta2", defaultValue = "0.99", description = "AdamW's variance decay. Default: ${DEFAULT-VALUE}.")
    double beta2;

    @Option(names = "--momentum", defaultValue = "0.9", description = "SGD's momentum. Default: ${DEFAULT-VALUE}.")
    double momentum;

    @Option(names = "--weight-decay", defaultValue = "0.1", description = "Of matrices. Default: ${DEFAULT-VALUE}.")
    double weightDecay;

    @Option(names = "--clip", defaultValue = "1.0", description = "Cut the gradients' global norm to this; 0 leaves it. Default: ${DEFAULT-VALUE}.")
    double clip;

    @Option(names = "--precision", defaultValue = "auto", description = "float32, bfloat16, or auto: bfloat16 where the processor has it. Default: ${DEFAULT-VALUE}.")
    String precision;

    @Option(names = "--recompute", description = "Compute activations again going backward instead of keeping them: less memory, a third more time.")
    boolean recompute;

    @Option(names = "--evaluate-every", defaultValue = "250", description = "Steps between evaluations; 0 for none. Default: ${DEFAULT-VALUE}.")
    long evaluateEvery;

    @Option(names = "--evaluate-tokens", defaultValue = "65536", description = "Tokens of the held-out text looked at. Default: ${DEFAULT-VALUE}.")
    long evaluateTokens;

    @Option(names = "--patience", defaultValue = "0", description = "Stop after so many evaluations without a new best; 0 for never. Default: ${DEFAULT-VALUE}.")
    int patience;

    @Option(names = "--checkpoint-every", defaultValue = "250", description = "Steps between checkpoints. Default: ${DEFAULT-VALUE}.")
    long checkpointEvery;

    @Option(names = "--keep", defaultValue = "2", description = "How many of the newest checkpoints stay. Default: ${DEFAULT-VALUE}.")
    int keep;

    @Option(names = "--log-every", defaultValue = "1", description = "Steps between lines of metrics.jsonl. Default: ${DEFAULT-VALUE}.")
    long logEvery;

    @Option(names = "--seed", defaultValue = "1337", description = "Of weights, batches and dropout. Default: ${DEFAULT-VALUE}.")
    long seed;

    @Option(names = "--device", defaultValue = "cpu", description = "cpu, cuda, cuda:N, mps or auto. Default: ${DEFAULT-VALUE}.")
    String device;

    @Option(names = "--threads", description = "Threads of every pool. Default: one per physical core.")
    @Nullable
    Integer threads;

    @Option(names = "--cache", paramLabel = "DIR", description = "Where encoded texts are kept.")
    @Nullable
    Path cache;

    @Override
    public Integer call() {
        Path folder;
        Trainer.Result result;
        try (var progress = new ProgressLine()) {
            if (resume != null) {
                folder = resume;
                TrainPlan plan = TrainPlan.read(resume);
                plan = steps == null ? plan : plan.withSteps(steps);
                plan = learningRate == null ? plan : plan.withLearningRate(learningRate);
                result = TextRun.resume(plan, folder, progress);
            } else {
                if (text == null || out == null) {
                    throw new IllegalArgumentException(
                            "Say what to learn from and where to: weft train --text FILE --out DIR "
                                    + "(or --resume DIR to go on)");
                }
                folder = out;
                result = TextRun.start(plan(text), folder, progress);
            }
        }
        String best = Double.isNaN(result.best()) ? "" : ", best validation %.4f".formatted(result.best());
        System.err.printf("%s at step %d: loss %.4f%s%n", switch (result.end()) {
            case COMPLETED -> "done";
            case EARLY -> "stopped early, no new best,";
            case STOPPED -> "stopped";
        }, result.step(), result.lastLoss(), best);
        System.err.printf("%s (curve: %s)%n", folder, folder.resolve(LossCurve.FILE));
        if (result.end() == Trainer.End.STOPPED) {
            System.err.println("go on with: weft train --resume " + folder);
        }
        return 0;
    }

    private TrainPlan plan(List<String> sources) {
        Preset from = Preset.parse(preset);
        long settledSteps = steps == null ? from.steps : steps;
        double rate = learningRate == null ? from.learningRate : learningRate;
        boolean fast = Engine.fastBfloat16(Device.parse(device));
        return new TrainPlan(sources.stream().map(TrainCommand::absolute).toList(),
                validationText == null ? List.of() : validationText.stream().map(TrainCommand::absolute).toList(),
                validationText == null ? validation : 0, examples, tokenizerPath(), vocabSize,
                (cache == null ? TextRun.defaultCache() : cache.toAbsolutePath()).toString(),
                layers == null ? from.layers : layers, heads == null ? from.heads : heads,
                hidden == null ? from.hidden : hidden, seq == null ? from.seq : seq,
                dropout == null ? from.dropout : dropout,
                settledSteps, batch == null ? from.batch : batch, microBatches, optimizer, rate,
                minLearningRate == null ? rate / 10 : minLearningRate, schedule,
                warmup == null ? settledSteps / 20 : warmup, beta1, beta2, momentum, weightDecay, clip,
                precision.equals("auto") ? fast ? "bfloat16" : "float32" : precision, recompute, evaluateEvery,
                evaluateTokens, patience, checkpointEvery, keep, logEvery, seed, device,
                threads == null ? Engine.threads() : threads);
    }

    private String tokenizerPath() {
        return List.of("char", "bpe").contains(tokenizer) ? tokenizer : absolute(tokenizer);
    }

    /// So that a run can be resumed from another folder.
    private static String absolute(String path) {
        return Path.of(path).toAbsolutePath().normalize().toString();
    }
}
