package dev.weft.run;

import dev.weft.checkpoint.Gguf;
import dev.weft.text.GgufVocabulary;
import dev.weft.text.Tokenizer;
import java.nio.file.Files;
import java.nio.file.Path;

/// Tokenizers from wherever a model keeps them.
public final class Tokenizers {
    private Tokenizers() {}

    /// The tokenizer of a folder, of one of the files that [Tokenizer#load(Path)] reads, or inside a `.gguf` file.
    ///
    /// @throws IllegalArgumentException if there is none or it cannot be used, naming the file and the reason
    /// @throws java.io.UncheckedIOException if a file cannot be read
    public static Tokenizer load(Path folderOrFile) {
        if (!folderOrFile.toString().endsWith(".gguf") || !Files.isRegularFile(folderOrFile)) {
            return Tokenizer.load(folderOrFile);
        }
        try (Gguf file = Gguf.open(folderOrFile)) {
            Gguf.Vocabulary found = file.vocabulary().orElseThrow(
                    () -> new IllegalArgumentException("the file has no vocabulary"));
            return Tokenizer.of(new GgufVocabulary(file.metadata().text("general.architecture", ""), found.model(),
                    found.split(), found.tokens(), found.scores(),
                    found.kinds().stream().map(kind -> GgufVocabulary.Kind.valueOf(kind.name())).toList(),
                    found.merges(), found.special(), found.adds(), found.charsMap()));
        } catch (IllegalArgumentException e) {
            String message = String.valueOf(e.getMessage());
            throw message.startsWith(folderOrFile.toString())
                    ? e
                    : new IllegalArgumentException("%s: %s".formatted(folderOrFile, message), e);
        }
    }
}
