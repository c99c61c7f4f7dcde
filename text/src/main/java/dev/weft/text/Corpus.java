package dev.weft.text;

import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/// What a tokenizer learns from: texts of any size, each read once. No word reaches from one text into the next, so the
/// order of the texts does not matter.
@FunctionalInterface
public interface Corpus {
    /// Gives each text to `texts`, which reads it to its end before the next one is opened.
    void forEach(Consumer<Reader> texts);

    /// Whole files of UTF-8 text. Reading throws an [UncheckedIOException] that names the file if it cannot be read or is
    /// not UTF-8.
    static Corpus ofFiles(List<Path> files) {
        return texts -> {
            for (Path file : files) {
                try (Reader text = Files.newBufferedReader(file)) {
                    texts.accept(text);
                } catch (IOException | UncheckedIOException e) {
                    throw new UncheckedIOException(
                            "%s: cannot be read as UTF-8 text: %s".formatted(file, e.getMessage()),
                            e instanceof UncheckedIOException unchecked ? unchecked.getCause() : (IOException) e);
                }
            }
        };
    }

    /// One text, which stays open.
    static Corpus of(Reader text) {
        return texts -> texts.accept(text);
    }

    /// Texts in memory, or made as they are asked for.
    static Corpus of(Iterable<String> texts) {
        return readers -> texts.forEach(text -> readers.accept(new StringReader(text)));
    }
}
