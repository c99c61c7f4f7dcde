package dev.weft.cli;

import dev.weft.adapt.Adapted;
import dev.weft.models.heads.PretrainedModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `weft merge`: base and adapter become one model.
@Command(name = "merge", mixinStandardHelpOptions = true, sortOptions = false, description = "Fold an adapter into its base: one model folder that needs neither. Several adapters of one base are added up.", footer = {
        "", "Example:  weft merge models/llama runs/assistant --out models/assistant"})
final class MergeCommand implements Callable<Integer> {
    /// What a model folder has beside its config and its weights.
    private static final Pattern BESIDE = Pattern.compile(
            "tokenizer.*|special_tokens_map\\.json|added_tokens\\.json|vocab.*|merges\\.txt|spiece\\.model"
                    + "|.*sentencepiece.*\\.model|source\\.spm|target\\.spm|chat_template.*|preprocessor_config\\.json");

    @Parameters(index = "0", paramLabel = "BASE", description = "The model folder that the adapter was trained on.")
    Path base;

    @Parameters(index = "1..*", arity = "1..*", paramLabel = "ADAPTER", description = "Folders with adapter_config.json, or runs that trained one.")
    List<Path> adapters;

    @Option(names = "--out", required = true, paramLabel = "FOLDER", description = "Where the model goes.")
    Path out;

    @Option(names = "--weights", split = ",", paramLabel = "NUMBER", description = "What each adapter counts. Default: 1.")
    @Nullable
    List<Double> weights;

    @Mixin
    Output output;

    @Override
    public Integer call() {
        List<Path> homes = adapters.stream().map(ScoredModel::modelFolder).toList();
        if (weights != null && weights.size() != homes.size()) {
            throw new IllegalArgumentException("--weights has %d numbers for %d adapters; give one each".formatted(
                    weights.size(), homes.size()));
        }
        var shares = new LinkedHashMap<Adapted, Double>();
        try (PretrainedModel plain = Adapted.base(base, homes.getFirst())) {
            for (int i = 0; i < homes.size(); i++) {
                shares.put(Adapted.load(plain, homes.get(i)), weights == null ? 1 : weights.get(i));
            }
            boolean one = shares.size() == 1 && weights == null;
            Adapted whole = one ? shares.keySet().iterator().next() : Adapted.sum(plain, shares);
            try (whole; PretrainedModel merged = whole.merged()) {
                merged.save(out);
                copyBeside(base, out);
                homes.forEach(home -> copyBeside(home, out));
                output.facts(facts(whole, merged));
            }
        } finally {
            shares.keySet().forEach(Adapted::close);
        }
        return 0;
    }

    private Map<String, Object> facts(Adapted whole, PretrainedModel merged) {
        var facts = new LinkedHashMap<String, Object>();
        facts.put("model", out.toString());
        facts.put("weights", merged.parameterCount());
        facts.put("of the adapter", whole.cost().trained());
        return facts;
    }

    /// The folder itself, or the newest checkpoint of a run.
    static void copyBeside(Path from, Path out) {
        if (!Files.isDirectory(from)) {
            return;
        }
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.filter(each -> BESIDE.matcher(each.getFileName().toString()).matches()).toList()) {
                if (!file.toAbsolutePath().getParent().equals(out.toAbsolutePath())) {
                    Files.copy(file, out.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("%s: cannot be copied to %s: %s".formatted(from, out, e.getMessage()), e);
        }
    }
}
