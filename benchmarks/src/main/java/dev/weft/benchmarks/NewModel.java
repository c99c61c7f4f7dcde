package dev.weft.benchmarks;

import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;
import tools.jackson.databind.node.ObjectNode;

/// A model of new weights in a folder that goes when it is closed: what a user opens.
record NewModel(Path path) implements AutoCloseable {
    /// @param config as `config.json`, with its `architectures`
    static NewModel saved(ObjectNode config) throws IOException {
        Path folder = Files.createTempDirectory("weft-benchmark");
        try (PretrainedModel created = Models.create(config, 0)) {
            created.save(folder);
        }
        return new NewModel(folder);
    }

    @Override
    public void close() throws IOException {
        try (Stream<Path> files = Files.walk(path)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
