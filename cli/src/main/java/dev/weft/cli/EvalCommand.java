package dev.weft.cli;

import dev.weft.data.TextSource;
import dev.weft.data.TokenFile;
import dev.weft.data.TokenWindows;
import dev.weft.eval.LanguageModelScore;
import dev.weft.models.Models;
import dev.weft.models.heads.CausalLanguageModel;
import dev.weft.recipe.Recipe;
import dev.weft.tensor.Device;
import dev.weft.text.Tokenizer;
import dev.weft.train.CausalEvaluation;
import dev.weft.train.RunFolder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `weft eval`: how well a model predicts a text.
@Command(name = "eval", mixinStandardHelpOptions = true, sortOptions = false, description = "Measure how well a model predicts a text: loss, perplexity, bits per byte.", footer = {
        "", "Example:  weft eval runs/mine --text heldout.txt"})
final class EvalCommand implements Callable<Integer> {
    @Parameters(paramLabel = "FOLDER", description = "A run folder or a model folder with its tokenizer.")
    Path folder;

    @Option(names = "--text", required = true, paramLabel = "PATH", arity = "1..*", description = "Files, folders or globs; UTF-8.")
    List<String> text;

    @Option(names = "--batch", defaultValue = "8", description = "Windows at once. Default: ${DEFAULT-VALUE}.")
    int batch;

    @Option(names = "--seq", description = "Tokens in a window. Default: the model's context, at most 1024.")
    @Nullable
    Integer seq;

    @Mixin
    Output output;

    @Override
    public Integer call() {
        Path home = modelFolder(folder);
        Tokenizer tokenizer = Tokenizer.load(home);
        if (!(Models.load(home) instanceof CausalLanguageModel model)) {
            throw new IllegalArgumentException(home + " is no language model, which predicts text");
        }
        try (model;
                var tokens = TokenFile.of(TextSource.of(text), tokenizer, OptionalInt.empty(), Recipe.defaultCache(),
                        TokenFile.Progress.SILENT)) {
            if (tokenizer.vocabSize() > model.vocabSize()) {
                throw new IllegalArgumentException(
                        "The tokenizer in %s has %d entries, the model only %d; they do not belong together"
                                .formatted(home, tokenizer.vocabSize(), model.vocabSize()));
            }
            int window = Math.min(seq == null ? 1024 : seq, model.maxPositions());
            var windows = new TokenWindows(tokens, batch, window);
            CausalEvaluation.Sum sum = CausalEvaluation.score(model, windows, Device.CPU);
            var score = new LanguageModelScore(sum.negativeLogLikelihood(), sum.tokens(), tokens.sourceBytes());
            var facts = new LinkedHashMap<String, Object>();
            facts.put("loss", score.loss());
            facts.put("perplexity", score.perplexity());
            facts.put("bits per byte", score.bitsPerByte());
            facts.put("tokens", score.tokens());
            facts.put("bytes", score.bytes());
            facts.put("window", window);
            output.facts(facts);
        }
        return 0;
    }

    /// The folder itself, or the newest checkpoint of a run that has not finished a model yet.
    static Path modelFolder(Path folder) {
        return Files.isRegularFile(folder) || Files.exists(folder.resolve("config.json"))
                ? folder
                : RunFolder.latestIn(folder).orElse(folder);
    }
}
