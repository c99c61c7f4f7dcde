package dev.weft.text;

import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;

/// Learns a tokenizer from text. The same texts give the same tokenizer, in whatever order they come and however many
/// threads work.
public sealed interface TokenizerTrainer permits BytePairTrainer, WordPieceTrainer, UnigramTrainer, CharacterTrainer {
    /// Learns from texts, telling `progress` how it goes.
    ///
    /// @throws IllegalArgumentException if the text is empty, or needs more entries than may be learned
    /// @throws java.util.concurrent.CancellationException if the thread is interrupted
    Tokenizer train(Corpus corpus, TrainingProgress progress);

    /// Learns from whole files of UTF-8 text.
    ///
    /// @throws UncheckedIOException if a file cannot be read or is not UTF-8, naming it
    default Tokenizer train(List<Path> files) {
        return train(Corpus.ofFiles(files), TrainingProgress.NONE);
    }

    /// Learns from one text of any size, read once.
    ///
    /// @throws UncheckedIOException if the text cannot be read
    default Tokenizer train(Reader text) {
        return train(Corpus.of(text), TrainingProgress.NONE);
    }

    /// Learns from texts; no word reaches from one into the next.
    default Tokenizer train(Iterable<String> texts) {
        return train(Corpus.of(texts), TrainingProgress.NONE);
    }
}
