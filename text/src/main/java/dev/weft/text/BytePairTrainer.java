package dev.weft.text;

import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.node.JsonNodeFactory;

/// Learns a byte-level byte-pair vocabulary as GPT-2's (Sennrich et al. 2016; Radford et al. 2019): special tokens
/// first, then the 256 bytes, then the pair that occurs most often, again and again. Of pairs that occur equally often
/// the one with the smaller ids is taken, as Hugging Face's `BpeTrainer` does, so the result is the same whatever
/// [#threads] is.
///
/// Words are counted in parallel, holding the distinct words in memory but not the text. Like the library it follows, the
/// trainer does not look for special tokens inside the text.
///
/// @param vocabSize      tokens to end with, fewer if no pair is left
/// @param minFrequency   a pair that occurs less often is not merged
/// @param specialTokens  tokens with the ids from 0 up
/// @param threads        threads that count words
public record BytePairTrainer(int vocabSize, long minFrequency, List<String> specialTokens, int threads) {
    /// Text counted by one thread at a time, in UTF-16 units.
    private static final int PIECE = 1 << 18;

    public BytePairTrainer {
        specialTokens = List.copyOf(specialTokens);
        if (vocabSize < 256 + specialTokens.size()) {
            throw new IllegalArgumentException(
                    "vocabSize %d is too small: 256 bytes and %d special tokens need %d".formatted(vocabSize,
                            specialTokens.size(), 256 + specialTokens.size()));
        }
        if (threads < 1) {
            throw new IllegalArgumentException("training needs at least 1 thread, found " + threads);
        }
        SpecialTokens.check(specialTokens);
    }

    /// A trainer without special tokens that merges what occurs at least twice, on all processors.
    public static BytePairTrainer ofVocabSize(int vocabSize) {
        return new BytePairTrainer(vocabSize, 2, List.of(), Runtime.getRuntime().availableProcessors());
    }

    public BytePairTrainer withMinFrequency(long frequency) {
        return new BytePairTrainer(vocabSize, frequency, specialTokens, threads);
    }

    public BytePairTrainer withSpecialTokens(String... tokens) {
        return new BytePairTrainer(vocabSize, minFrequency, List.of(tokens), threads);
    }

    public BytePairTrainer withThreads(int count) {
        return new BytePairTrainer(vocabSize, minFrequency, specialTokens, count);
    }

    /// Learns from whole files of UTF-8 text.
    ///
    /// @throws UncheckedIOException if a file cannot be read or is not UTF-8, naming it
    public Tokenizer train(List<Path> files) {
        try (var counting = new WordCounts(threads)) {
            for (Path file : files) {
                try (Reader text = Files.newBufferedReader(file)) {
                    pieces(text).forEachRemaining(counting::add);
                } catch (IOException | UncheckedIOException e) {
                    throw new UncheckedIOException(
                            "%s: cannot be read as UTF-8 text: %s".formatted(file, e.getMessage()),
                            e instanceof UncheckedIOException unchecked ? unchecked.getCause() : (IOException) e);
                }
            }
            return learn(counting.result());
        }
    }

    /// Learns from one text of any size, read once.
    public Tokenizer train(Reader text) {
        try (var counting = new WordCounts(threads)) {
            pieces(text).forEachRemaining(counting::add);
            return learn(counting.result());
        }
    }

    /// Learns from texts; no word reaches from one into the next.
    public Tokenizer train(Iterable<String> texts) {
        try (var counting = new WordCounts(threads)) {
            for (String text : texts) {
                if (text.length() <= PIECE) {
                    counting.add(text);
                } else {
                    pieces(new StringReader(text)).forEachRemaining(counting::add);
                }
            }
            return learn(counting.result());
        }
    }

    private static Iterator<String> pieces(Reader text) {
        return new TextPieces(text, PIECE, SafeCuts.GPT2);
    }

    private Tokenizer learn(Map<String, long[]> words) {
        var vocabulary = new Vocabulary(vocabSize);
        specialTokens.forEach(vocabulary::add);
        for (char c : ByteAlphabet.sorted()) {
            vocabulary.add(String.valueOf(c));
        }
        Bpe.Merges merges = new MergeLearner(vocabulary, words).learn(vocabSize, Math.max(1, minFrequency));
        var added = new ArrayList<AddedToken>();
        specialTokens.forEach(token -> added.add(AddedToken.special(vocabulary.idOrNone(token), token)));
        var model = new Bpe(vocabulary, merges, Bpe.Options.PLAIN);
        return new Tokenizer(TokenizerParts.byteLevel(model, added, new PostProcessor.ByteLevel(true, false, true),
                JsonNodeFactory.instance.objectNode()), vocabulary);
    }
}
