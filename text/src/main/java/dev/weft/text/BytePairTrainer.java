package dev.weft.text;

import java.util.List;
import java.util.stream.Stream;

/// Learns a byte-pair vocabulary (Sennrich et al. 2016): special tokens first, then the characters, then the pair that
/// occurs most often, again and again. Of pairs that occur equally often the one with the smaller ids is taken, as
/// Hugging Face's `BpeTrainer` does.
///
/// What a character is, [#pipeline] says: with [TrainingPipeline#byteLevel] the characters are the 256 bytes, as in GPT-2
/// (Radford et al. 2019).
///
/// Words are counted in parallel, holding the distinct words in memory but not the text. Like the library it follows, the
/// trainer does not look for special tokens inside the text.
///
/// @param vocabSize         tokens to end with, fewer if no pair is left
/// @param minFrequency      a pair that occurs less often is not merged
/// @param specialTokens     tokens with the ids from 0 up; `<unk>` or `[UNK]`, if among them, stands for unknown characters
/// @param pipeline          how text becomes words
/// @param byteFallback      whether 256 tokens `<0x00>` to `<0xFF>` stand for the bytes of other characters, as in Llama
/// @param initialAlphabet   characters that become tokens whether they occur or not; with bytes, all of them do
/// @param limitAlphabet     how many characters become tokens, the most frequent ones
/// @param continuingPrefix  begins each token that does not begin its word; may be empty
/// @param endOfWordSuffix   ends each token that ends its word, as `</w>`; may be empty
/// @param maxTokenLength    what is learned has fewer characters, pairs of two characters excepted, as with the reference
/// @param threads           threads that count words
public record BytePairTrainer(int vocabSize, long minFrequency, List<String> specialTokens, TrainingPipeline pipeline,
        boolean byteFallback, String initialAlphabet, int limitAlphabet, String continuingPrefix,
        String endOfWordSuffix, int maxTokenLength, int threads) implements TokenizerTrainer {

    public BytePairTrainer {
        specialTokens = List.copyOf(specialTokens);
        SpecialTokens.check(specialTokens);
        if (pipeline.inBytes() && vocabSize < 256 + specialTokens.size()) {
            throw new IllegalArgumentException(
                    "vocabSize %d is too small: 256 bytes and %d special tokens need %d".formatted(vocabSize,
                            specialTokens.size(), 256 + specialTokens.size()));
        }
        if (threads < 1) {
            throw new IllegalArgumentException("training needs at least 1 thread, found " + threads);
        }
        if (limitAlphabet < 1 || maxTokenLength < 2) {
            throw new IllegalArgumentException(
                    "limitAlphabet %d and maxTokenLength %d must be at least 1 and 2".formatted(limitAlphabet,
                            maxTokenLength));
        }
    }

    /// A trainer of bytes, as GPT-2's, without special tokens, that merges what occurs at least twice, on all processors.
    public static BytePairTrainer ofVocabSize(int vocabSize) {
        return ofVocabSize(vocabSize, TrainingPipeline.byteLevel());
    }

    /// The same for what this pipeline makes of text.
    public static BytePairTrainer ofVocabSize(int vocabSize, TrainingPipeline pipeline) {
        return new BytePairTrainer(vocabSize, 2, List.of(), pipeline, false, "", Integer.MAX_VALUE, "", "",
                Integer.MAX_VALUE, Runtime.getRuntime().availableProcessors());
    }

    /// A trainer of characters in Llama's manner: `<unk>`, `<s>` and `</s>`, words marked by `▁`, bytes for characters
    /// without a token.
    public static BytePairTrainer llama(int vocabSize) {
        return ofVocabSize(vocabSize, TrainingPipeline.llama()).withSpecialTokens("<unk>", "<s>", "</s>")
                .withByteFallback(true);
    }

    public BytePairTrainer withVocabSize(int size) {
        return new BytePairTrainer(size, minFrequency, specialTokens, pipeline, byteFallback, initialAlphabet,
                limitAlphabet, continuingPrefix, endOfWordSuffix, maxTokenLength, threads);
    }

    public BytePairTrainer withMinFrequency(long frequency) {
        return new BytePairTrainer(vocabSize, frequency, specialTokens, pipeline, byteFallback, initialAlphabet,
                limitAlphabet, continuingPrefix, endOfWordSuffix, maxTokenLength, threads);
    }

    public BytePairTrainer withSpecialTokens(String... tokens) {
        return new BytePairTrainer(vocabSize, minFrequency, List.of(tokens), pipeline, byteFallback, initialAlphabet,
                limitAlphabet, continuingPrefix, endOfWordSuffix, maxTokenLength, threads);
    }

    public BytePairTrainer withPipeline(TrainingPipeline words) {
        return new BytePairTrainer(vocabSize, minFrequency, specialTokens, words, byteFallback, initialAlphabet,
                limitAlphabet, continuingPrefix, endOfWordSuffix, maxTokenLength, threads);
    }

    public BytePairTrainer withByteFallback(boolean fallback) {
        return new BytePairTrainer(vocabSize, minFrequency, specialTokens, pipeline, fallback, initialAlphabet,
                limitAlphabet, continuingPrefix, endOfWordSuffix, maxTokenLength, threads);
    }

    public BytePairTrainer withInitialAlphabet(String characters) {
        return new BytePairTrainer(vocabSize, minFrequency, specialTokens, pipeline, byteFallback, characters,
                limitAlphabet, continuingPrefix, endOfWordSuffix, maxTokenLength, threads);
    }

    public BytePairTrainer withLimitAlphabet(int characters) {
        return new BytePairTrainer(vocabSize, minFrequency, specialTokens, pipeline, byteFallback, initialAlphabet,
                characters, continuingPrefix, endOfWordSuffix, maxTokenLength, threads);
    }

    public BytePairTrainer withContinuingPrefix(String prefix) {
        return new BytePairTrainer(vocabSize, minFrequency, specialTokens, pipeline, byteFallback, initialAlphabet,
                limitAlphabet, prefix, endOfWordSuffix, maxTokenLength, threads);
    }

    public BytePairTrainer withEndOfWordSuffix(String suffix) {
        return new BytePairTrainer(vocabSize, minFrequency, specialTokens, pipeline, byteFallback, initialAlphabet,
                limitAlphabet, continuingPrefix, suffix, maxTokenLength, threads);
    }

    public BytePairTrainer withMaxTokenLength(int characters) {
        return new BytePairTrainer(vocabSize, minFrequency, specialTokens, pipeline, byteFallback, initialAlphabet,
                limitAlphabet, continuingPrefix, endOfWordSuffix, characters, threads);
    }

    public BytePairTrainer withThreads(int count) {
        return new BytePairTrainer(vocabSize, minFrequency, specialTokens, pipeline, byteFallback, initialAlphabet,
                limitAlphabet, continuingPrefix, endOfWordSuffix, maxTokenLength, count);
    }

    @Override
    public Tokenizer train(Corpus corpus, TrainingProgress listener) {
        TrainingProgress progress = listener.interruptible();
        Bpe model = learn(WordCounts.of(corpus, pipeline, threads, progress), progress);
        TrainingPipeline decoding = !endOfWordSuffix.isEmpty()
                ? pipeline.withDecoder(new Decoder.Bpe(endOfWordSuffix))
                : !continuingPrefix.isEmpty()
                        ? pipeline.withDecoder(new Decoder.WordPiece(continuingPrefix, false))
                        : pipeline;
        return (byteFallback ? decoding.withByteFallback() : decoding).tokenizer(model, specialTokens);
    }

    /// Learns from words already counted.
    Bpe learn(WordCounts words, TrainingProgress progress) {
        var vocabulary = new Vocabulary(vocabSize);
        specialTokens.forEach(vocabulary::add);
        String unkToken = pipeline.inBytes()
                ? null
                : Stream.of("<unk>", "[UNK]").filter(specialTokens::contains).findFirst().orElse(null);
        if (byteFallback) {
            for (int b = 0; b < 256; b++) {
                vocabulary.add(ByteTokens.spelling(b));
            }
        }
        int before = vocabulary.size();
        int[] alphabet = pipeline.inBytes()
                ? words.alphabet(new String(ByteAlphabet.sorted()), 256)
                : words.alphabet(initialAlphabet, limitAlphabet);
        for (int c : alphabet) {
            vocabulary.add(Character.toString(c));
        }
        var spelling = new MergeLearner.Spelling(continuingPrefix, endOfWordSuffix, maxTokenLength);
        var learner = new MergeLearner(vocabulary, words, alphabet, spelling);
        if (vocabulary.size() > vocabSize) {
            throw tooSmall(vocabSize, specialTokens.size(), before - specialTokens.size(), vocabulary.size());
        }
        Bpe.Merges merges = learner.learn(vocabSize, Math.max(1, minFrequency), progress);
        return new Bpe(vocabulary, merges,
                new Bpe.Options(unkToken, continuingPrefix.isEmpty() ? null : continuingPrefix,
                        endOfWordSuffix.isEmpty() ? null : endOfWordSuffix, byteFallback, byteFallback, false));
    }

    /// What to say when not even the characters fit in.
    static IllegalArgumentException tooSmall(int vocabSize, int specials, int bytes, int needed) {
        return new IllegalArgumentException(
                ("vocabSize %d is too small: %d special tokens%s and %d spellings of characters need %d; give at least"
                        + " that many, or limit the alphabet").formatted(vocabSize, specials,
                                bytes == 0 ? "" : ", " + bytes + " bytes", needed - specials - bytes, needed));
    }
}
