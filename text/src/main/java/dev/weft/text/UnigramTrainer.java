package dev.weft.text;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Learns a unigram language model (Kudo 2018, <https://arxiv.org/abs/1804.10959>), as T5's: special tokens first, then
/// pieces, the most probable first. Every character of the text is a piece unless the alphabet is limited.
///
/// @param vocabSize         tokens to end with, fewer if the text holds no more substrings that repeat
/// @param specialTokens     tokens with the ids from 0 up; with `</s>` among them, texts end with it
/// @param unkToken          the one among them that stands for unknown characters; null if these are an error
/// @param pipeline          how text becomes words
/// @param byteFallback      whether 256 tokens `<0x00>` to `<0xFF>` stand for the bytes of other characters
/// @param initialAlphabet   characters that become tokens whether they occur or not
/// @param limitAlphabet     how many characters become tokens, the most frequent ones
/// @param maxPieceLength    characters that a piece may have
/// @param shrinkingFactor   what part of the pieces is kept each time that some are dropped, between 0 and 1
/// @param subIterations     rounds of expectation maximisation before some are dropped
/// @param threads           threads that work
public record UnigramTrainer(int vocabSize, List<String> specialTokens, @Nullable String unkToken,
        TrainingPipeline pipeline, boolean byteFallback, String initialAlphabet, int limitAlphabet, int maxPieceLength,
        double shrinkingFactor, int subIterations, int threads) implements TokenizerTrainer {
    /// Pieces to begin with, at most.
    private static final int SEEDS = 1_000_000;

    public UnigramTrainer {
        specialTokens = List.copyOf(specialTokens);
        SpecialTokens.check(specialTokens);
        if (unkToken != null && !specialTokens.contains(unkToken)) {
            throw new IllegalArgumentException(
                    "unk token \"%s\" is not among the special tokens %s".formatted(unkToken, specialTokens));
        }
        if (maxPieceLength < 1 || limitAlphabet < 1 || threads < 1 || subIterations < 1) {
            throw new IllegalArgumentException(
                    "maxPieceLength %d, limitAlphabet %d, subIterations %d and threads %d must be at least 1"
                            .formatted(maxPieceLength, limitAlphabet, subIterations, threads));
        }
        if (!(shrinkingFactor > 0 && shrinkingFactor < 1)) {
            throw new IllegalArgumentException(
                    "shrinkingFactor must lie between 0 and 1, found " + shrinkingFactor);
        }
    }

    /// A trainer in T5's manner: `<pad>`, `</s>` and `<unk>`, words marked by `▁`, pieces of up to 16 characters, on all
    /// processors.
    public static UnigramTrainer ofVocabSize(int vocabSize) {
        return new UnigramTrainer(vocabSize, List.of("<pad>", "</s>", "<unk>"), "<unk>", TrainingPipeline.metaspace(),
                false, "", Integer.MAX_VALUE, 16, 0.75, 2, Runtime.getRuntime().availableProcessors());
    }

    public UnigramTrainer withVocabSize(int size) {
        return new UnigramTrainer(size, specialTokens, unkToken, pipeline, byteFallback, initialAlphabet, limitAlphabet,
                maxPieceLength, shrinkingFactor, subIterations, threads);
    }

    /// With these special tokens, of which `<unk>`, if it is one, stands for unknown characters.
    public UnigramTrainer withSpecialTokens(String... tokens) {
        String unk = List.of(tokens).contains("<unk>") ? "<unk>" : null;
        return new UnigramTrainer(vocabSize, List.of(tokens), unk, pipeline, byteFallback, initialAlphabet,
                limitAlphabet, maxPieceLength, shrinkingFactor, subIterations, threads);
    }

    /// With one of the special tokens for unknown characters, or null.
    public UnigramTrainer withUnkToken(@Nullable String token) {
        return new UnigramTrainer(vocabSize, specialTokens, token, pipeline, byteFallback, initialAlphabet,
                limitAlphabet, maxPieceLength, shrinkingFactor, subIterations, threads);
    }

    public UnigramTrainer withPipeline(TrainingPipeline words) {
        return new UnigramTrainer(vocabSize, specialTokens, unkToken, words, byteFallback, initialAlphabet,
                limitAlphabet, maxPieceLength, shrinkingFactor, subIterations, threads);
    }

    public UnigramTrainer withByteFallback(boolean fallback) {
        return new UnigramTrainer(vocabSize, specialTokens, unkToken, pipeline, fallback, initialAlphabet,
                limitAlphabet, maxPieceLength, shrinkingFactor, subIterations, threads);
    }

    public UnigramTrainer withInitialAlphabet(String characters) {
        return new UnigramTrainer(vocabSize, specialTokens, unkToken, pipeline, byteFallback, characters,
                limitAlphabet, maxPieceLength, shrinkingFactor, subIterations, threads);
    }

    public UnigramTrainer withLimitAlphabet(int characters) {
        return new UnigramTrainer(vocabSize, specialTokens, unkToken, pipeline, byteFallback, initialAlphabet,
                characters, maxPieceLength, shrinkingFactor, subIterations, threads);
    }

    public UnigramTrainer withMaxPieceLength(int characters) {
        return new UnigramTrainer(vocabSize, specialTokens, unkToken, pipeline, byteFallback, initialAlphabet,
                limitAlphabet, characters, shrinkingFactor, subIterations, threads);
    }

    public UnigramTrainer withShrinkingFactor(double factor) {
        return new UnigramTrainer(vocabSize, specialTokens, unkToken, pipeline, byteFallback, initialAlphabet,
                limitAlphabet, maxPieceLength, factor, subIterations, threads);
    }

    public UnigramTrainer withSubIterations(int rounds) {
        return new UnigramTrainer(vocabSize, specialTokens, unkToken, pipeline, byteFallback, initialAlphabet,
                limitAlphabet, maxPieceLength, shrinkingFactor, rounds, threads);
    }

    public UnigramTrainer withThreads(int count) {
        return new UnigramTrainer(vocabSize, specialTokens, unkToken, pipeline, byteFallback, initialAlphabet,
                limitAlphabet, maxPieceLength, shrinkingFactor, subIterations, count);
    }

    @Override
    public Tokenizer train(Corpus corpus, TrainingProgress listener) {
        TrainingProgress progress = listener.interruptible();
        WordCounts words = WordCounts.of(corpus, pipeline, threads, progress);
        int[] alphabet = words.alphabet(initialAlphabet, limitAlphabet);
        int bytes = byteFallback ? 256 : 0;
        int before = specialTokens.size() + bytes;
        if (before + alphabet.length > vocabSize) {
            throw BytePairTrainer.tooSmall(vocabSize, specialTokens.size(), bytes, before + alphabet.length);
        }
        var learner = new UnigramLearner(words, alphabet,
                new UnigramLearner.Settings(maxPieceLength, SEEDS, shrinkingFactor, subIterations), threads, progress);
        var vocabulary = new Vocabulary(vocabSize);
        specialTokens.forEach(vocabulary::add);
        for (int b = 0; b < bytes; b++) {
            vocabulary.add(ByteTokens.spelling(b));
        }
        double[] scores = new double[vocabSize];
        for (UnigramLearner.Piece piece : learner.learn(vocabSize - before)) {
            // A piece that is spelled like a special token is that token.
            scores[vocabulary.add(piece.text())] = piece.score();
        }
        var model = Unigram.of(vocabulary, Arrays.copyOf(scores, vocabulary.size()),
                unkToken == null ? -1 : vocabulary.idOrNone(unkToken), byteFallback);
        return (byteFallback ? pipeline.withByteFallback() : pipeline).tokenizer(model, specialTokens);
    }
}
