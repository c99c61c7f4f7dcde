package dev.weft.cli;

import dev.weft.checkpoint.AtomicFile;
import dev.weft.recipe.Recipe;
import dev.weft.recipe.RecipeRun;
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

    @Option(names = "--steps", defaultValue = "1000", description = "Updates. Default: ${DEFAULT-VALUE}.")
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
            try (var run = RecipeRun.start(recipe(corpus, folder), folder, progress)) {
                run.run();
            }
        }
        System.err.printf(Locale.ROOT, "Trained in %.0f seconds. The curve: %s%n", (System.nanoTime() - start) / 1e9,
                folder.resolve("loss.svg"));
        double accuracy = ask(folder, sums.unseen());
        System.err.printf("Ask it yourself:  weft generate %s --prompt \"two plus seven plus nineteen is\"%n", folder);
        System.out.printf(Locale.ROOT, "accuracy %.2f%n", accuracy);
        return 0;
    }

    private Recipe recipe(Path corpus, Path folder) {
        return Recipe.defaults().overlaid("""
                task: text-generation
                model: {config: {model_type: gpt2}, layers: 2, heads: 4, hidden: 128}
                tokenizer: {from: bpe, vocab_size: 400}
                data: {examples: lines, max_length: 24, dev_share: 0}
                train: {batch: 128, batch_tokens: 4096, learning_rate: 4e-3, precision: float32}
                evaluate: {every: 0}
                checkpoints: {every: 0, keep: 1}
                """, "quickstart").with("data.train", corpus.toString())
                .with("data.cache", folder.resolve("cache").toString())
                .with("train.steps", steps).with("train.seed", seed);
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
