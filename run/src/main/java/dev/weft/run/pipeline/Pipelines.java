package dev.weft.run.pipeline;

import dev.weft.run.Task;
import dev.weft.models.Loading;
import dev.weft.run.TextGenerator;
import java.nio.file.Path;

/// A folder opened for a task. Every option has a default from the folder; every pipeline may be shared between threads,
/// and is to be closed.
///
/// ```java
/// try (var classifier = Pipelines.textClassification(Path.of("models/sst2"))) {
///     List<Classification> answers = classifier.classify(List.of("great film", "a waste of time"));
/// }
/// ```
/// Opening a folder whose model has no head for the task is an [IllegalArgumentException] that says what it can do.
public final class Pipelines {
    private Pipelines() {}

    /// A label for each text.
    public static TextClassifier textClassification(Path folder) {
        return textClassification(folder, Loading.usual());
    }

    /// The same, opened in another type or on another device.
    public static TextClassifier textClassification(Path folder, Loading loading) {
        return TextClassifier.open(folder, loading);
    }

    /// Labels of your own, by a model of entailment.
    public static ZeroShotClassifier zeroShotClassification(Path folder) {
        return zeroShotClassification(folder, Loading.usual());
    }

    /// The same, opened in another type or on another device.
    public static ZeroShotClassifier zeroShotClassification(Path folder, Loading loading) {
        return ZeroShotClassifier.open(folder, loading);
    }

    /// Names and their kind, with their places.
    public static TokenClassifier tokenClassification(Path folder) {
        return tokenClassification(folder, Loading.usual());
    }

    /// The same, opened in another type or on another device.
    public static TokenClassifier tokenClassification(Path folder, Loading loading) {
        return TokenClassifier.open(folder, loading);
    }

    /// Where a text answers a question.
    public static QuestionAnswerer questionAnswering(Path folder) {
        return questionAnswering(folder, Loading.usual());
    }

    /// The same, opened in another type or on another device.
    public static QuestionAnswerer questionAnswering(Path folder, Loading loading) {
        return QuestionAnswerer.open(folder, loading);
    }

    /// Which of several endings fits a text.
    public static ChoicePicker multipleChoice(Path folder) {
        return multipleChoice(folder, Loading.usual());
    }

    /// The same, opened in another type or on another device.
    public static ChoicePicker multipleChoice(Path folder, Loading loading) {
        return ChoicePicker.open(folder, loading);
    }

    /// Words in place of the mask.
    public static MaskFiller fillMask(Path folder) {
        return fillMask(folder, Loading.usual());
    }

    /// The same, opened in another type or on another device.
    public static MaskFiller fillMask(Path folder, Loading loading) {
        return MaskFiller.open(folder, loading);
    }

    /// A vector for each token.
    public static FeatureExtractor featureExtraction(Path folder) {
        return featureExtraction(folder, Loading.usual());
    }

    /// The same, opened in another type or on another device.
    public static FeatureExtractor featureExtraction(Path folder, Loading loading) {
        return FeatureExtractor.open(folder, loading);
    }

    /// A vector for each text.
    public static SentenceEmbedder embeddings(Path folder) {
        return embeddings(folder, Loading.usual());
    }

    /// The same, opened in another type or on another device.
    public static SentenceEmbedder embeddings(Path folder, Loading loading) {
        return SentenceEmbedder.open(folder, loading);
    }

    /// How well each passage answers a query.
    public static Reranker rerank(Path folder) {
        return rerank(folder, Loading.usual());
    }

    /// The same, opened in another type or on another device.
    public static Reranker rerank(Path folder, Loading loading) {
        return Reranker.open(folder, loading);
    }

    /// A model folder, or the folder of a run.
    public static TextGenerator textGeneration(Path folder) {
        return textGeneration(folder, Loading.usual());
    }

    /// The same, opened in another type or on another device.
    public static TextGenerator textGeneration(Path folder, Loading loading) {
        return TextGenerator.open(folder, loading);
    }

    /// A folder with a chat template, or a `.gguf` file that holds one.
    public static Chat chat(Path folder) {
        return chat(folder, Loading.usual());
    }

    /// The same, opened in another type or on another device.
    public static Chat chat(Path folder, Loading loading) {
        return Chat.open(folder, loading);
    }

    /// An answer to a text, by an encoder-decoder.
    public static TextToText textToText(Path folder) {
        return textToText(folder, Loading.usual());
    }

    /// The same, opened in another type or on another device.
    public static TextToText textToText(Path folder, Loading loading) {
        return TextToText.open(folder, loading, Task.TEXT2TEXT_GENERATION);
    }

    /// A text in short.
    public static TextToText summarization(Path folder) {
        return summarization(folder, Loading.usual());
    }

    /// The same, opened in another type or on another device.
    public static TextToText summarization(Path folder, Loading loading) {
        return TextToText.open(folder, loading, Task.SUMMARIZATION);
    }

    /// Of a model of many languages, [TextToText#from] and [TextToText#into] choose two.
    public static TextToText translation(Path folder) {
        return translation(folder, Loading.usual());
    }

    /// The same, opened in another type or on another device.
    public static TextToText translation(Path folder, Loading loading) {
        return TextToText.open(folder, loading, Task.TRANSLATION);
    }

}
