package dev.weft.train;

import java.nio.file.Path;

/// Writes the model as it is now, with its config and tokenizer, as a folder that others read.
@FunctionalInterface
public interface ModelWriter {
    /// Writes the model into a folder.
    void save(Path folder);
}
