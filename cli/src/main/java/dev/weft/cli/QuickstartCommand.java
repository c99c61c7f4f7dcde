package dev.weft.cli;

import dev.weft.checkpoint.AtomicFile;
import dev.weft.run.Generation;
import dev.weft.run.Generator;
import dev.weft.run.TextGenerator;
import dev.weft.tensor.Engine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `weft quickstart`: the whole way in a minute, without any data.
@Command(name = "quickstart", mixinStandardHelpOptions = true, sortOptions = false, description = {
        "Train a small GPT in about a minute and ask it what it has not seen.",
        "It learns to add from sums written in words; no data and no download is needed."})
final class QuickstartCommand implements Callable<Integer> {
    private static final int QUESTIONS = 300;
    private static final int SHOWN = 5;

    @Option(names = "--out", paramLabel = "DIR", defaultValue = "runs/quickstart", description = "The run folder; if it exists, a number is added. Default: ${DEFAULT-VALUE}.")
    Path out;

    @Option(names = "--seed", defaultValue = "7", description = "Of the corpus, weights and batches. Default: ${DEFAULT-VALUE}.")
    long seed;

    @Option(names = "--steps", defaultValue = "800", description = "Updates. Default: ${DEFAULT-VALUE}.")
    long steps;

    @Override
    public Integer call() {
        Path folder = free(out);
        WordSums sums = WordSums.make(seed, QUESTIONS);
        Path corpus = folder.resolve("sums.txt");
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(folder + " cannot be made: " + e.getMessage(), e);
        }
        AtomicFile.write(corpus, sums.training().stream().map(sum -> sum + "\n").collect(Collectors.joining()));
        System.err.printf("Learning from %,d sums such as \"%s\".%n", sums.training().size(),
                sums.training().getFirst());
        long start = System.nanoTime();
        try (var progress = new ProgressLine()) {
            TextRun.start(plan(corpus, folder), folder, progress);
        }
        System.err.printf(Locale.ROOT, "Trained in %.0f seconds. The curve: %s%n", (System.nanoTime() - start) / 1e9,
                folder.resolve("loss.svg"));
        double accuracy = ask(folder, sums.unseen());
        System.err.printf("Ask it yourself:  weft generate %s --prompt \"two plus seven plus nineteen is\"%n", folder);
        System.out.printf(Locale.ROOT, "accuracy %.2f%n", accuracy);
        return 0;
    }

    private TrainPlan plan(Path corpus, Path folder) {
        return new TrainPlan(List.of(corpus.toAbsolutePath().normalize().toString()), List.of(), 0, "lines", "bpe", 400,
                folder.resolve("cache").toAbsolutePath().toString(), 2, 4, 128, 24, 0, steps, 128, 1, "adamw", 4e-3,
                4e-4,
                "cosine", steps / 20, 0.9, 0.99, 0, 0.1, 1, "float32", false, 0, 1, 0, 0, 1, 1, seed, "cpu",
                Engine.threads());
    }

    /// Share of the questions answered right to the last word.
    private static double ask(Path folder, List<WordSums.Sum> questions) {
        try (var writer = TextGenerator.open(folder)) {
            Generation options = writer.defaults().withDoSample(false).withMaxNewTokens(8);
            List<int[]> prompts = questions.stream().map(sum -> writer.tokenizer().encode(sum.question()).ids())
                    .toList();
            List<String> answers = Generator.of(writer.model()).generate(prompts, options).texts().stream()
                    .map(text -> writer.tokenizer().decode(text.ids()).lines().findFirst().orElse("")).toList();
            var right = new ArrayList<Integer>();
            for (int i = 0; i < answers.size(); i++) {
                if (answers.get(i).equals(questions.get(i).answer())) {
                    right.add(i);
                }
            }
            System.out.printf("It never saw these %d sums:%n", questions.size());
            for (int i = 0; i < SHOWN; i++) {
                System.out.printf("  %s%s%s%n", questions.get(i).question(), answers.get(i),
                        right.contains(i) ? "" : "   (wrong: it is" + questions.get(i).answer() + ")");
            }
            return (double) right.size() / questions.size();
        }
    }

    private static Path free(Path wanted) {
        Path folder = wanted;
        for (int number = 2; Files.exists(folder); number++) {
            folder = wanted.resolveSibling(wanted.getFileName() + "-" + number);
        }
        return folder;
    }
}
