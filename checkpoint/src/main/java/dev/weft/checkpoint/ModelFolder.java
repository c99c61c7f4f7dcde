package dev.weft.checkpoint;

import dev.weft.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;
import tools.jackson.databind.node.ObjectNode;

/// A model's folder as the Hub has it: `config.json`, the weights in one file or in shards with an index, and beside
/// them the tokenizer and the defaults of generation. Or a [Gguf] file, which has all of it inside.
public final class ModelFolder {
    private static final String CONFIG = "config.json";
    /// The Python library refuses files that do not say so.
    private static final Map<String, String> FORMAT = Map.of("format", "pt");
    private static final String SINGLE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";

    /// Where weights are looked for, best first.
    private static final List<String> WEIGHTS = List.of(SINGLE, INDEX, "pytorch_model.bin",
            "pytorch_model.bin.index.json");

    private final Path path;
    private final Json config;
    /// Where files are looked for first.
    private final Path beside;

    private ModelFolder(Path path, Json config) {
        this(path, config, path);
    }

    private ModelFolder(Path path, Json config, Path beside) {
        this.path = path;
        this.config = config;
        this.beside = beside;
    }

    /// The same model with the files that lie beside an adapter, where there are such, in place of its own.
    ModelFolder wearing(Path adapter) {
        return new ModelFolder(path, config, adapter);
    }

    /// Opens a folder, or a `.gguf` file alone: then nothing beside the file counts.
    ///
    /// @throws IllegalArgumentException if it is neither, or there is no readable `config.json` in it and no `.gguf` file
    public static ModelFolder open(Path path) {
        if (Files.isRegularFile(path) && path.toString().endsWith(Gguf.SUFFIX)) {
            return new ModelFolder(path, configOf(path));
        }
        if (!Files.isDirectory(path)) {
            throw new IllegalArgumentException(
                    "%s: %s; a model is a folder with config.json and model.safetensors, or a .gguf file".formatted(
                            path,
                            Files.exists(path) ? "is a file" : "there is no such folder"));
        }
        if (Files.isRegularFile(path.resolve(CONFIG))) {
            return new ModelFolder(path, Json.read(path.resolve(CONFIG)));
        }
        Path only = onlyGguf(path).orElseThrow(
                () -> new IllegalArgumentException(AdapterFolder.is(path)
                        ? "%s is an adapter and no model: fold it into the model that it stands on with weft merge BASE %s --out FOLDER (in Java: Adapted.load over that model)"
                                .formatted(path, path)
                        : "%s: no config.json here; %s".formatted(path, found(path))));
        return new ModelFolder(path, configOf(only));
    }

    private static Json configOf(Path gguf) {
        try (Gguf file = Gguf.open(gguf)) {
            return file.config();
        }
    }

    /// @throws IllegalArgumentException if there are several
    private static Optional<Path> onlyGguf(Path folder) {
        List<Path> files = files(folder).stream().filter(file -> file.toString().endsWith(Gguf.SUFFIX)).toList();
        if (files.size() > 1) {
            throw new IllegalArgumentException("%s: %d .gguf files here; open one of them by its own path, such as %s"
                    .formatted(folder, files.size(), files.getFirst()));
        }
        return files.stream().findFirst();
    }

    /// The folder, or the file if it was opened alone.
    public Path path() {
        return path;
    }

    /// `config.json`, or what a `.gguf` file says in its place.
    public Json config() {
        return config;
    }

    /// `generation_config.json`, where the model generates.
    public Optional<Json> generationConfig() {
        return file("generation_config.json").map(Json::read);
    }

    /// A file of the folder, where it is: `tokenizer.json`, `preprocessor_config.json`, …
    public Optional<Path> file(String name) {
        return Stream.of(beside, path).map(place -> place.resolve(name)).filter(Files::isRegularFile).findFirst();
    }

    /// The files of weights, in the order of their names.
    ///
    /// @throws IllegalArgumentException if there are none, or a shard is missing that the index names
    public List<Path> weightFiles() {
        if (!Files.isDirectory(path)) {
            return List.of(path);
        }
        for (String name : WEIGHTS) {
            Optional<Path> file = file(name);
            if (file.isPresent()) {
                return name.endsWith(".json") ? shards(file.get()) : List.of(file.get());
            }
        }
        return onlyGguf(path).map(List::of)
                .orElseThrow(() -> new IllegalArgumentException("%s: no weights here; expected %s or a .gguf file; %s"
                        .formatted(path, String.join(" or ", WEIGHTS), found(path))));
    }

    private List<Path> shards(Path index) {
        Json map = Json.read(index).object("weight_map");
        var names = new TreeSet<String>();
        map.names().forEach(weight -> names.add(map.text(weight)));
        if (names.isEmpty()) {
            throw new IllegalArgumentException(index + ": names no shard");
        }
        var shards = new ArrayList<Path>();
        for (String name : names) {
            String shown = MappedFile.oneLine(name);
            if (name.equals("..") || !name.equals(shown) || name.chars().anyMatch(each -> "/\\:".indexOf(each) >= 0)) {
                throw new IllegalArgumentException(
                        "%s: a shard must lie in the same folder, found \"%s\"".formatted(index, shown));
            }
            Path shard = path.resolve(name);
            if (!Files.isRegularFile(shard)) {
                throw new IllegalArgumentException("%s: names the shard %s, which is missing; %s".formatted(index, name,
                        found(path)));
            }
            shards.add(shard);
        }
        return shards;
    }

    private static String found(Path folder) {
        List<String> names = files(folder).stream().map(file -> file.getFileName().toString()).toList();
        return names.isEmpty()
                ? "the folder is empty"
                : "found " + MappedFile.oneLine(String.join(", ", names.subList(0, Math.min(names.size(), 12))))
                        + (names.size() > 12 ? ", …" : "");
    }

    private static List<Path> files(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(folder + ": cannot be read: " + e.getMessage(), e);
        }
    }

    /// Writes `config.json` and the weights, in one file or, above `maxShardBytes`, in shards with an index. Other files
    /// in the folder stay; weights of an earlier save go.
    ///
    /// Everything is written in full before the first file takes its name, so that a full disk changes nothing. A kill
    /// leaves the old state, the new one, or, in the moment between two renames, a folder without `config.json`, which
    /// [#open] refuses; never new weights under an old config. The tensors may be views of the files that are replaced.
    ///
    /// @throws UncheckedIOException if the disk is full or refuses
    public static void save(Path folder, ObjectNode config, Map<String, Tensor> weights, long maxShardBytes) {
        List<Map<String, Tensor>> shards = shards(weights, maxShardBytes);
        var staged = new ArrayList<AtomicFile>();
        try {
            var names = new ArrayList<String>();
            for (int i = 0; i < shards.size(); i++) {
                names.add(
                        shards.size() == 1 ? SINGLE : "model-%05d-of-%05d.safetensors".formatted(i + 1, shards.size()));
                staged.add(Safetensors.stage(folder.resolve(names.get(i)), shards.get(i), FORMAT));
            }
            if (shards.size() > 1) {
                staged.add(stage(folder.resolve(INDEX), Json.pretty(index(shards, names))));
                names.add(INDEX);
            }
            String settings = Json.pretty(config);
            staged.add(stage(folder.resolve(CONFIG), settings));
            List<Path> stale = stale(folder, names);
            if (shards.size() > 1 || !stale.isEmpty() || !settings.equals(textOf(folder.resolve(CONFIG)))) {
                Files.deleteIfExists(folder.resolve(CONFIG));
                AtomicFile.force(folder);
            }
            for (Path file : stale) {
                Files.delete(file);
            }
            staged.forEach(AtomicFile::commit);
        } catch (IOException e) {
            throw new UncheckedIOException(folder + ": cannot be written: " + e.getMessage(), e);
        } finally {
            staged.forEach(AtomicFile::close);
        }
    }

    private static AtomicFile stage(Path file, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return AtomicFile.stage(file, bytes.length, channel -> AtomicFile.writeFully(channel, bytes));
    }

    private static String textOf(Path file) throws IOException {
        return Files.isRegularFile(file) ? new String(Files.readAllBytes(file), StandardCharsets.UTF_8) : "";
    }

    /// In the order given, each shard as full as may be; a weight beyond the limit has a shard of its own.
    private static List<Map<String, Tensor>> shards(Map<String, Tensor> weights, long maxShardBytes) {
        var shards = new ArrayList<Map<String, Tensor>>();
        shards.add(new LinkedHashMap<>());
        long filled = 0;
        for (Map.Entry<String, Tensor> weight : weights.entrySet()) {
            long bytes = Safetensors.bytes(weight.getValue());
            if (filled > 0 && bytes > maxShardBytes - filled) {
                shards.add(new LinkedHashMap<>());
                filled = 0;
            }
            shards.getLast().put(weight.getKey(), weight.getValue());
            filled += bytes;
        }
        return shards;
    }

    private static ObjectNode index(List<Map<String, Tensor>> shards, List<String> names) {
        ObjectNode index = Json.object();
        index.putObject("metadata")
                .put("total_size", shards.stream()
                        .flatMap(shard -> shard.values().stream())
                        .mapToLong(Safetensors::bytes)
                        .sum());
        ObjectNode map = index.putObject("weight_map");
        for (int i = 0; i < shards.size(); i++) {
            String name = names.get(i);
            shards.get(i).keySet().forEach(weight -> map.put(weight, name));
        }
        return index;
    }

    /// Files of an earlier save that would be read in place of the new ones, or never again.
    private static List<Path> stale(Path folder, List<String> fresh) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> {
                String name = file.getFileName().toString();
                return !fresh.contains(name)
                        && (WEIGHTS.contains(name) || name.matches("model-\\d{5}-of-\\d{5}\\.safetensors"));
            }).toList();
        }
    }
}
