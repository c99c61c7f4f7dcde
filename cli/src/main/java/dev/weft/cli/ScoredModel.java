package dev.weft.cli;

import dev.weft.adapt.Adapted;
import dev.weft.checkpoint.AdapterFolder;
import dev.weft.models.Loading;
import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.run.Tokenizers;
import dev.weft.tensor.Device;
import dev.weft.text.Tokenizer;
import dev.weft.train.RunFolder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A model that is to be scored, with its tokenizer.
///
/// @param home what was opened: the folder itself, or the newest checkpoint of a run
record ScoredModel(Path home, PretrainedModel model, Tokenizer tokenizer) implements AutoCloseable {
    private static final String ADAPTER = AdapterFolder.CONFIG;
    private static final List<String> TOKENIZERS = List.of("tokenizer.json", "tokenizer_config.json", "vocab.txt",
            "spiece.model", "sentencepiece.bpe.model", "vocab.json");

    /// Opens a model folder, a run, or an adapter over the base that it names.
    ///
    /// @param adapter over the model of the folder, or null
    static ScoredModel open(Path folder, @Nullable Path adapter, Loading loading) {
        Path home = modelFolder(folder);
        Optional<AdapterFolder> worn = adapter == null ? AdapterFolder.find(home) : Optional.empty();
        if (worn.isPresent()) {
            return adapted(worn.get().base(), home, loading);
        }
        if (adapter != null) {
            return adapted(home, modelFolder(adapter), loading);
        }
        Tokenizer tokenizer = tokenizer(home, folder);
        return new ScoredModel(home, Models.load(home, loading), tokenizer);
    }

    private static ScoredModel adapted(Path base, Path adapter, Loading loading) {
        if (!Files.exists(adapter.resolve(ADAPTER))) {
            throw new IllegalArgumentException("%s holds no adapter: there is no %s".formatted(adapter, ADAPTER));
        }
        Tokenizer tokenizer = tokenizer(adapter, base);
        try (PretrainedModel plain = Adapted.base(base, adapter, loading)) {
            return new ScoredModel(adapter, Adapted.load(plain, adapter).model(), tokenizer);
        }
    }

    /// The tokenizer of the first of these folders that has one.
    private static Tokenizer tokenizer(Path... folders) {
        return Tokenizers.load(Arrays.stream(folders)
                .filter(folder -> TOKENIZERS.stream().anyMatch(name -> Files.exists(folder.resolve(name))))
                .findFirst().orElse(Objects.requireNonNull(folders[0])));
    }

    /// The folder itself, or the newest checkpoint of a run that has not finished a model yet.
    static Path modelFolder(Path folder) {
        return Files.isRegularFile(folder) || Files.exists(folder.resolve("config.json"))
                || Files.exists(folder.resolve(ADAPTER))
                        ? folder
                        : RunFolder.latestIn(folder).orElse(folder);
    }

    /// Where it computes.
    Device device() {
        return model.parameters().values().iterator().next().device();
    }

    @Override
    public void close() {
        model.close();
    }
}
