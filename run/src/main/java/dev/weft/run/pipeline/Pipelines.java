package dev.weft.run.pipeline;

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

    public static TextClassifier textClassification(Path folder) {
        return TextClassifier.open(folder);
    }

    public static ZeroShotClassifier zeroShotClassification(Path folder) {
        return ZeroShotClassifier.open(folder);
    }

    public static TokenClassifier tokenClassification(Path folder) {
        return TokenClassifier.open(folder);
    }

    public static QuestionAnswerer questionAnswering(Path folder) {
        return QuestionAnswerer.open(folder);
    }

    public static ChoicePicker multipleChoice(Path folder) {
        return ChoicePicker.open(folder);
    }

    public static MaskFiller fillMask(Path folder) {
        return MaskFiller.open(folder);
    }

    public static FeatureExtractor featureExtraction(Path folder) {
        return FeatureExtractor.open(folder);
    }

    public static SentenceEmbedder embeddings(Path folder) {
        return SentenceEmbedder.open(folder);
    }

    public static Reranker rerank(Path folder) {
        return Reranker.open(folder);
    }

    /// A model folder, or the folder of a run.
    public static TextGenerator textGeneration(Path folder) {
        return TextGenerator.open(folder);
    }

    /// A folder with a chat template, or a `.gguf` file that holds one.
    public static Chat chat(Path folder) {
        return Chat.open(folder);
    }

    public static TextToText textToText(Path folder) {
        return TextToText.open(folder, Task.TEXT2TEXT_GENERATION);
    }

    public static TextToText summarization(Path folder) {
        return TextToText.open(folder, Task.SUMMARIZATION);
    }

    /// Of a model of many languages, [TextToText#from] and [TextToText#into] choose two.
    public static TextToText translation(Path folder) {
        return TextToText.open(folder, Task.TRANSLATION);
    }

}
