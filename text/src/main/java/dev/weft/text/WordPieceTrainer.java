package dev.weft.text;

import java.util.List;

/// Learns a WordPiece vocabulary as BERT's, in the way of Hugging Face's `WordPieceTrainer`: byte-pair merges of
/// characters, of which those inside a word are spelled with `##`. (The likelihood criterion of Schuster & Nakajima 2012
/// was never published as a program.)
///
/// The ids are special tokens, characters, characters inside words, each in the order of Unicode, then what was merged.
///
/// @param vocabSize         tokens to end with, fewer if no pair is left
/// @param minFrequency      a pair that occurs less often is not merged
/// @param specialTokens     tokens with the ids from 0 up; `[UNK]` must be among them, and with `[CLS]` and `[SEP]` texts
///                          are framed as BERT frames them
/// @param pipeline          how text becomes words
/// @param initialAlphabet   characters that become tokens whether they occur or not
/// @param limitAlphabet     how many characters become tokens, the most frequent ones
/// @param threads           threads that count words
public record WordPieceTrainer(int vocabSize, long minFrequency, List<String> specialTokens, TrainingPipeline pipeline,
        String initialAlphabet, int limitAlphabet, int threads) implements TokenizerTrainer {
    private static final String UNK = "[UNK]";
    private static final String PREFIX = "##";
    /// BERT's: words of more characters are unknown.
    private static final int MAX_WORD = 100;

    public WordPieceTrainer {
        specialTokens = List.copyOf(specialTokens);
        SpecialTokens.check(specialTokens);
        if (!specialTokens.contains(UNK)) {
            throw new IllegalArgumentException("WordPiece needs the special token \"%s\", found only %s".formatted(UNK,
                    specialTokens));
        }
        if (pipeline.inBytes()) {
            throw new IllegalArgumentException("WordPiece has no byte-level form; use TrainingPipeline.bert");
        }
        // The remaining numbers, and their messages, are the same as for byte pairs.
        merging(vocabSize, minFrequency, specialTokens, pipeline, initialAlphabet, limitAlphabet, threads);
    }

    /// A trainer in BERT's manner: its special tokens, small letters without accents, what occurs at least twice, on all
    /// processors.
    public static WordPieceTrainer ofVocabSize(int vocabSize) {
        return new WordPieceTrainer(vocabSize, 2, List.of("[PAD]", UNK, "[CLS]", "[SEP]", "[MASK]"),
                TrainingPipeline.bert(true), "", Integer.MAX_VALUE, Runtime.getRuntime().availableProcessors());
    }

    public WordPieceTrainer withVocabSize(int size) {
        return new WordPieceTrainer(size, minFrequency, specialTokens, pipeline, initialAlphabet, limitAlphabet,
                threads);
    }

    public WordPieceTrainer withMinFrequency(long frequency) {
        return new WordPieceTrainer(vocabSize, frequency, specialTokens, pipeline, initialAlphabet, limitAlphabet,
                threads);
    }

    public WordPieceTrainer withSpecialTokens(String... tokens) {
        return new WordPieceTrainer(vocabSize, minFrequency, List.of(tokens), pipeline, initialAlphabet, limitAlphabet,
                threads);
    }

    public WordPieceTrainer withPipeline(TrainingPipeline words) {
        return new WordPieceTrainer(vocabSize, minFrequency, specialTokens, words, initialAlphabet, limitAlphabet,
                threads);
    }

    public WordPieceTrainer withInitialAlphabet(String characters) {
        return new WordPieceTrainer(vocabSize, minFrequency, specialTokens, pipeline, characters, limitAlphabet,
                threads);
    }

    public WordPieceTrainer withLimitAlphabet(int characters) {
        return new WordPieceTrainer(vocabSize, minFrequency, specialTokens, pipeline, initialAlphabet, characters,
                threads);
    }

    public WordPieceTrainer withThreads(int count) {
        return new WordPieceTrainer(vocabSize, minFrequency, specialTokens, pipeline, initialAlphabet, limitAlphabet,
                count);
    }

    private static BytePairTrainer merging(int vocabSize, long minFrequency, List<String> specialTokens,
            TrainingPipeline pipeline, String initialAlphabet, int limitAlphabet, int threads) {
        return new BytePairTrainer(vocabSize, minFrequency, specialTokens, pipeline, false, initialAlphabet,
                limitAlphabet, PREFIX, "", Integer.MAX_VALUE, threads);
    }

    @Override
    public Tokenizer train(Corpus corpus, TrainingProgress listener) {
        TrainingProgress progress = listener.interruptible();
        WordCounts words = WordCounts.of(corpus, pipeline, threads, progress);
        Bpe merged = merging(vocabSize, minFrequency, specialTokens, pipeline, initialAlphabet, limitAlphabet, threads)
                .learn(words, progress);
        return pipeline.tokenizer(new WordPiece(merged.vocabulary(), UNK, PREFIX, MAX_WORD), specialTokens);
    }
}
