package dev.weft.cli;

import dev.weft.run.Generation;
import dev.weft.run.pipeline.Classification;
import dev.weft.run.pipeline.QuestionAnswerer;
import dev.weft.run.pipeline.SentenceEmbedder;
import dev.weft.run.pipeline.TokenClassifier;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// What single tasks of `weft run` can be told; [RunTask] says which of these a task knows.
final class RunOptions {
    @Mixin
    LoadingOptions opening;

    @Option(names = "--truncate", description = "Cut texts that are longer than the model's positions.")
    boolean truncate;

    @Option(names = "--windows", description = "Read texts that are too long in overlapping parts (embeddings do so unless --truncate is given).")
    boolean windows;

    @Option(names = "--top-k", defaultValue = "5", paramLabel = "N", description = "How many labels, words, answers or passages at most. Default: ${DEFAULT-VALUE}.")
    int topK;

    @Option(names = "--function", description = "What is made of scores: softmax, sigmoid or none. Default: what the config says.")
    Classification.@Nullable Function function;

    @Option(names = "--pair-field", paramLabel = "NAME", description = "Where a .jsonl line has a second text, to be read together with the first.")
    @Nullable
    String pairField;

    @Option(names = "--labels", split = ",", paramLabel = "LABEL", description = "What to choose from.")
    List<String> labels = List.of();

    @Option(names = "--multi-label", description = "Any number of labels may hold, each with a probability of its own.")
    boolean multiLabel;

    @Option(names = "--hypothesis", paramLabel = "TEXT", description = "The sentence about a label, which stands for {}. Default: This example is {}.")
    @Nullable
    String hypothesis;

    @Option(names = "--aggregation", defaultValue = "simple", description = "How tokens become names: none, simple, first, average or max. Default: ${DEFAULT-VALUE}.")
    TokenClassifier.Aggregation aggregation;

    @Option(names = "--question", paramLabel = "TEXT", description = "What is asked of every text. Default: the line's field \"question\".")
    @Nullable
    String question;

    @Option(names = "--context-file", paramLabel = "FILE", description = "A file that is one text.")
    @Nullable
    String contextFile;

    @Option(names = "--no-answer", description = "A text may hold no answer, which then is an empty one.")
    boolean noAnswer;

    @Option(names = "--max-answer", defaultValue = "15", paramLabel = "TOKENS", description = "How long an answer may be. Default: ${DEFAULT-VALUE}.")
    int maxAnswer;

    @Option(names = "--window", defaultValue = "384", paramLabel = "TOKENS", description = "How much of a long text is read at once, the question included. Default: ${DEFAULT-VALUE}.")
    int window;

    @Option(names = "--stride", defaultValue = "128", paramLabel = "TOKENS", description = "How much of it two windows share. Default: ${DEFAULT-VALUE}.")
    int stride;

    @Option(names = "--choice", paramLabel = "TEXT", description = "What may follow; repeat it. Default: the line's list \"choices\".")
    List<String> choices = List.of();

    @Option(names = "--targets", split = ",", paramLabel = "WORD", description = "Only these words.")
    List<String> targets = List.of();

    @Option(names = "--from", paramLabel = "LANGUAGE", description = "Language of the texts, as the model calls it: en, en_XX, eng_Latn.")
    @Nullable
    String from;

    @Option(names = "--to", paramLabel = "LANGUAGE", description = "Language of the answers.")
    @Nullable
    String to;

    @Option(names = "--prefix", paramLabel = "TEXT", description = "What stands before each text. Default: what the config says.")
    @Nullable
    String prefix;

    @Option(names = "--alignment", paramLabel = "DIR", description = "Write there where the model looked in each text while it wrote its answer: N.svg and N.json, N from 1.")
    @Nullable
    Path alignment;

    @Option(names = "--alignment-layer", paramLabel = "N", description = "Of which layer of the decoder, from 1. Default: the average of all.")
    @Nullable
    Integer alignmentLayer;

    @Option(names = "--max-new-tokens", paramLabel = "N", description = "Tokens of an answer at most. Default: what the folder says.")
    @Nullable
    Integer maxNewTokens;

    @Option(names = "--beams", paramLabel = "N", description = "Beam search of this width. Default: what the folder says.")
    @Nullable
    Integer beams;

    @Option(names = "--temperature", description = "Draw by chance, above 1 bolder, below 1 safer.")
    @Nullable
    Double temperature;

    @Option(names = "--top-p", description = "Draw among the best tokens that together have this probability.")
    @Nullable
    Double topP;

    @Option(names = "--set", paramLabel = "NAME=VALUE", description = "Any other setting of generation_config.json, such as no_repeat_ngram_size=3; can be repeated.")
    Map<String, String> settings = new LinkedHashMap<>();

    @Option(names = "--seed", description = "Draw by chance; the same seed gives the same texts.")
    @Nullable
    Long seed;

    @Option(names = "--pooling", description = "How vectors of tokens become one: mean, cls, max, last, mean_sqrt_length or weighted_mean. Default: what the folder says.")
    SentenceEmbedder.@Nullable Pooling pooling;

    @Option(names = "--normalize", description = "Vectors of length 1.")
    boolean normalize;

    @Option(names = "--dimensions", paramLabel = "N", description = "Only the first N numbers of a vector.")
    @Nullable
    Integer dimensions;

    @Option(names = "--purpose", paramLabel = "NAME", description = "What the folder puts before texts of this purpose: query, passage.")
    @Nullable
    String purpose;

    @Option(names = "--query", paramLabel = "TEXT", description = "What texts are compared with.")
    @Nullable
    String query;

    /// The folder's settings of generation with these.
    ///
    /// @param number of the text: each draws its own chances, wherever a run began
    Generation generation(Generation folder, long number) {
        Generation told = folder;
        for (Map.Entry<String, String> each : settings.entrySet()) {
            told = told.with(each.getKey(), each.getValue());
        }
        told = maxNewTokens == null ? told : told.withMaxNewTokens(maxNewTokens);
        told = beams == null ? told : told.withNumBeams(beams);
        if (temperature != null || topP != null || seed != null) {
            told = told.withDoSample(true);
        }
        told = temperature == null ? told : told.withTemperature(temperature);
        told = topP == null ? told : told.withTopP(topP);
        return told.samples() ? told.withSeed((seed == null ? 0 : seed) + number) : told;
    }

    QuestionAnswerer.Options answers() {
        QuestionAnswerer.Options options = QuestionAnswerer.options().withAnswers(topK).withMaxAnswer(maxAnswer)
                .withWindows(window, stride);
        return noAnswer ? options.withNone() : options;
    }

    SentenceEmbedder embedder(SentenceEmbedder opened) {
        SentenceEmbedder embedder = truncate ? opened.truncating() : opened;
        embedder = pooling == null ? embedder : embedder.with(pooling);
        embedder = normalize ? embedder.normalizing() : embedder;
        embedder = dimensions == null ? embedder : embedder.withDimensions(dimensions);
        embedder = prefix == null ? embedder : embedder.withPrompt(prefix);
        return purpose == null ? embedder : embedder.forPurpose(purpose);
    }
}
