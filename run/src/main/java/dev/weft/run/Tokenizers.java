package dev.weft.run;

import dev.weft.checkpoint.AdapterFolder;
import dev.weft.checkpoint.Gguf;
import dev.weft.checkpoint.Json;
import dev.weft.text.GgufVocabulary;
import dev.weft.text.Tokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/// Tokenizers from wherever a model keeps them.
public final class Tokenizers {
    private Tokenizers() {}

    private static final List<String> FILES = List.of("tokenizer.json", "tokenizer.model", "spiece.model",
            "sentencepiece.bpe.model", "source.spm", "vocab.json", "vocab.txt");

    /// Whether a folder has a tokenizer.
    static boolean isIn(Path folder) {
        return FILES.stream().anyMatch(name -> Files.exists(folder.resolve(name)));
    }

    /// What shorter texts are filled up with before a model reads them: the tokenizer's `pad_token`, else what the model's config
    /// says, else 0.
    public static int padId(Tokenizer tokenizer, Json config) {
        String pad = tokenizer.specialTokens().get("pad_token");
        return (pad == null ? OptionalInt.empty() : tokenizer.id(pad))
                .orElse(Math.max(0, config.integer("pad_token_id", 0)));
    }

    /// What is wrong with ids of which a model has no embedding: its tokenizer may have more ids than it, as long as none
    /// of those occurs. Null where nothing is.
    ///
    /// @param ids       of a text
    /// @param vocabSize ids of the model
    public static @Nullable String beyond(Tokenizer tokenizer, int[] ids, int vocabSize) {
        for (int id : ids) {
            if (id >= vocabSize && id < tokenizer.vocabSize()) {
                return "has the token \"%s\" with id %d, and the model has %d ids where its tokenizer has %d; leave it out, or enlarge the model's embedding; or was it made by another tokenizer?"
                        .formatted(tokenizer.token(id), id, vocabSize, tokenizer.vocabSize());
            }
        }
        return null;
    }

    /// The tokenizer of a folder, of an adapter that has none that of its base, of one of the files that [Tokenizer#load(Path)] reads, or inside a `.gguf` file.
    ///
    /// @throws IllegalArgumentException if there is none or it cannot be used, naming the file and the reason
    /// @throws java.io.UncheckedIOException if a file cannot be read
    public static Tokenizer load(Path folderOrFile) {
        if (!folderOrFile.toString().endsWith(".gguf") || !Files.isRegularFile(folderOrFile)) {
            boolean bare = AdapterFolder.is(folderOrFile) && !isIn(folderOrFile);
            return Tokenizer.load(bare ? AdapterFolder.find(folderOrFile).orElseThrow().base() : folderOrFile);
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
