package dev.weft.cli;

import dev.weft.checkpoint.AdapterFolder;
import dev.weft.checkpoint.Json;
import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.models.heads.HeadKind;
import dev.weft.run.Tokenizers;
import dev.weft.run.Task;
import dev.weft.tensor.Tensor;
import dev.weft.train.RunFolder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/// `weft info`: what is in a folder.
@Command(name = "info", mixinStandardHelpOptions = true, description = "Show what a model or run folder holds: family, sizes, memory, task, other heads, tokenizer, progress.")
final class InfoCommand implements Callable<Integer> {
    @Parameters(paramLabel = "FOLDER", description = "A model folder, a .gguf file, a run folder, or an adapter's beside its base.")
    Path folder;

    @Mixin
    Output output;

    @Override
    public Integer call() {
        Voice.tellsNotesItself();
        var facts = new LinkedHashMap<String, Object>();
        Path home = ScoredModel.modelFolder(folder);
        Json config = Models.config(home);
        facts.put("folder", home.toString());
        facts.put("family", config.text("model_type"));
        facts.put("head", Models.architecture(config));
        AdapterFolder.find(home).ifPresent(adapter -> {
            facts.put("adapter", Json.read(home.resolve(AdapterFolder.CONFIG)).text("peft_type"));
            facts.put("base", adapter.base().toString());
        });
        try (PretrainedModel head = Models.load(home)) {
            facts.put("weights", head.parameterCount());
            facts.put("tensors", head.parameters().size());
            facts.put("number types", head.parameters().values().stream().map(tensor -> tensor.dtype().toString())
                    .collect(Collectors.toCollection(TreeSet::new)).toString());
            facts.put("memory", mebibytes(bytes(head.parameters())));
            facts.put("layers", head.backbone().layers());
            facts.put("hidden size", head.backbone().hiddenSize());
            int positions = head.textBackbone().maxPositions();
            facts.put("positions", positions == Integer.MAX_VALUE ? "no limit" : positions);
            facts.put("vocabulary", head.textBackbone().vocabSize());
            HeadKind kind = HeadKind.of(Models.architecture(config));
            facts.put("tasks", Task.in(home).stream().map(Task::title).toList());
            facts.put("other heads", Models.heads(config).stream().sorted().filter(other -> other != kind)
                    .map(InfoCommand::task).toList());
            head.notes().forEach(note -> facts.merge("notes", note, (one, two) -> one + "; " + two));
        }
        facts.put("tokenizer", tokenizer(home));
        RunFolder.latestIn(folder).ifPresent(checkpoint -> {
            RunFolder.Progress progress = RunFolder.progress(checkpoint);
            facts.put("trained steps", progress.step());
            facts.put("trained tokens", progress.tokens());
            if (!Double.isNaN(progress.best())) {
                facts.put("best validation", progress.best());
            }
            facts.put("last checkpoint", checkpoint.toString());
        });
        output.facts(facts);
        return 0;
    }

    private static String task(HeadKind kind) {
        return kind.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    /// What the folder has of one; a kind that Weft does not read is no reason to show nothing.
    private static String tokenizer(Path home) {
        try {
            return Tokenizers.load(home).vocabSize() + " entries";
        } catch (IllegalArgumentException e) {
            return "not read: " + e.getMessage();
        }
    }

    private static long bytes(Map<String, Tensor> parameters) {
        return parameters.values().stream().mapToLong(tensor -> tensor.count() * tensor.dtype().bytes()).sum();
    }

    private static String mebibytes(long bytes) {
        return String.format(Locale.ROOT, "%.1f MiB", bytes / 1048576.0);
    }
}
