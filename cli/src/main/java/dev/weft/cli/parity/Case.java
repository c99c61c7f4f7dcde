package dev.weft.cli.parity;

import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.Safetensors;
import dev.weft.tensor.Device;
import dev.weft.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// One conformance case: a small checkpoint and what the reference computed with it.
///
/// `case.json` lists the checks, `expected.safetensors` holds inputs (`in.*`) and results (`out.*`, `grad.*`, `step3.*`).
public final class Case implements AutoCloseable {
    private final Path folder;
    private final Json description;
    private final Safetensors expected;
    private final Device device;

    /// One thing to do and to compare.
    ///
    /// @param json its object in `case.json`
    public record Check(String id, String kind, Json json) {
        /// The Python class to load, the case's own if it names none.
        String modelClass(Case owner) {
            return json.text("model_class", owner.description.text("model_class"));
        }
    }

    /// One tensor to compare.
    ///
    /// @param where     the mask below which elements count, or empty
    /// @param whereDims along which axes of the output the mask's axes lie
    record Output(String name, String tensor, String where, List<Integer> whereDims, double tolerance) {}

    private Case(Path folder, Device device) {
        this.folder = folder;
        this.device = device;
        description = Json.read(folder.resolve("case.json"));
        expected = Safetensors.open(folder.resolve("expected.safetensors"));
    }

    /// @param device where its checks are run
    public static Case open(Path folder, Device device) {
        return new Case(folder, device);
    }

    Device device() {
        return device;
    }

    /// Every folder with a `case.json` at or below `root`, sorted.
    ///
    /// @throws IllegalArgumentException if there is none
    public static List<Path> below(Path root) {
        if (!Files.isDirectory(root)) {
            throw new IllegalArgumentException("There is no folder " + root);
        }
        try (Stream<Path> walk = Files.walk(root)) {
            List<Path> cases = walk.filter(file -> file.getFileName().toString().equals("case.json"))
                    .map(Path::getParent)
                    .sorted().toList();
            if (cases.isEmpty()) {
                throw new IllegalArgumentException("No case.json lies in or below " + root);
            }
            return cases;
        } catch (IOException e) {
            throw new UncheckedIOException(root + " cannot be read: " + e.getMessage(), e);
        }
    }

    public String name() {
        return folder.toAbsolutePath().normalize().getFileName().toString();
    }

    Path folder() {
        return folder;
    }

    public List<Check> checks() {
        return description.objects("checks").stream().map(json -> new Check(json.text("id"), json.text("kind"), json))
                .toList();
    }

    /// A tensor of `expected.safetensors`, born in the current scope.
    Tensor tensor(String name) {
        return expected.tensor(name);
    }

    /// The names in `expected.safetensors` that begin with `prefix`, without it.
    List<String> namesUnder(String prefix) {
        return expected.names().stream().filter(name -> name.startsWith(prefix))
                .map(name -> name.substring(prefix.length()))
                .sorted().toList();
    }

    /// The inputs of a check, by argument name.
    Map<String, Tensor> inputs(Check check) {
        var inputs = new LinkedHashMap<String, Tensor>();
        Json named = check.json().object("inputs");
        for (String argument : named.names()) {
            inputs.put(argument, tensor(named.text(argument)).to(device));
        }
        return inputs;
    }

    List<Output> outputs(Check check) {
        var outputs = new ArrayList<Output>();
        Json named = check.json().object("outputs");
        for (String name : named.names()) {
            Json one = named.object(name);
            outputs.add(new Output(name, one.text("tensor"), one.text("where", ""),
                    one.has("where_dims") ? one.integers("where_dims") : List.of(),
                    one.number("tol", Difference.TOLERANCE)));
        }
        return outputs;
    }

    @Override
    public void close() {
        expected.close();
    }
}
