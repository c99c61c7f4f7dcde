package dev.weft.checkpoint;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/// A folder with an adapter, `adapter_config.json`, in place of a model, and the model's folder that it names.
///
/// @param path of the adapter
/// @param base of the model that it stands on
public record AdapterFolder(Path path, Path base) {
    /// What makes a folder that of an adapter.
    public static final String CONFIG = "adapter_config.json";

    /// Whether a folder holds an adapter and no model.
    public static boolean is(Path folder) {
        return Files.isRegularFile(folder.resolve(CONFIG)) && !Files.isRegularFile(folder.resolve("config.json"));
    }

    /// What a folder holds; empty if it is no adapter. The base is looked for where `base_model_name_or_path` says, from where
    /// the process runs and from the adapter's folder.
    ///
    /// @throws IllegalArgumentException if the base is not there
    public static Optional<AdapterFolder> find(Path folder) {
        if (!is(folder)) {
            return Optional.empty();
        }
        String named = Json.read(folder.resolve(CONFIG)).text("base_model_name_or_path", "");
        return Optional.of(places(folder, named).filter(place -> Files.isRegularFile(place.resolve("config.json")))
                .findFirst().map(base -> new AdapterFolder(folder, base))
                .orElseThrow(() -> new IllegalArgumentException(
                        "%s is an adapter, and its base \"%s\" is no folder here; put the model there, say in %s where it is, or name both: weft eval BASE --adapter %s, or weft merge BASE %s --out FOLDER for one model"
                                .formatted(folder, named, CONFIG, folder, folder))));
    }

    private static Stream<Path> places(Path folder, String named) {
        try {
            return named.isEmpty() ? Stream.of() : Stream.of(Path.of(named), folder.resolve(named));
        } catch (InvalidPathException e) {
            return Stream.of(); // a name of the Hub that this system has no files of
        }
    }

    /// The base, whose files give way to those that lie beside the adapter: `generation_config.json`, the tokenizer.
    public ModelFolder opened() {
        return ModelFolder.open(base).wearing(path);
    }
}
