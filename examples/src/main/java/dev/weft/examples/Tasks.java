package dev.weft.examples;

import dev.weft.run.Generation;
import dev.weft.run.TextGenerator;
import dev.weft.run.pipeline.Alignment;
import dev.weft.run.pipeline.Answer;
import dev.weft.run.pipeline.ChoicePicker;
import dev.weft.run.pipeline.Classification;
import dev.weft.run.pipeline.Entity;
import dev.weft.run.pipeline.FeatureExtractor;
import dev.weft.run.pipeline.MaskFiller;
import dev.weft.run.pipeline.Outcome;
import dev.weft.run.pipeline.Pipelines;
import dev.weft.run.pipeline.QuestionAnswerer;
import dev.weft.run.pipeline.Reranker;
import dev.weft.run.pipeline.SentenceEmbedder;
import dev.weft.run.pipeline.TextToText;
import dev.weft.run.pipeline.TokenClassifier;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/// One method for each task that a folder of the Hub may be trained for; `docs/pipelines.md` shows them one by one.
public final class Tasks {
    private Tasks() {}

    static List<String> labels(Path folder, List<String> texts) {
        try (var classifier = Pipelines.textClassification(folder)) {
            List<String> labels = new ArrayList<>();
            for (Outcome<Classification> outcome : Outcome.each(texts, classifier.truncating()::classify)) {
                labels.add(switch (outcome) {
                    case Outcome.Answered<Classification>(Classification found) -> found.label();
                    case Outcome.Refused<Classification>(String reason) -> "none: the text " + reason;
                });
            }
            return labels;
        }
    }

    static String topic(Path folder, String text) {
        try (var classifier = Pipelines.zeroShotClassification(folder)) {
            Classification found = classifier.withHypothesis("It is about {}.").classify(text,
                    List.of("politics", "sports", "wool"));
            return found.label();
        }
    }

    static List<Entity> names(Path folder, String text) {
        try (var classifier = Pipelines.tokenClassification(folder)) {
            return classifier.with(TokenClassifier.Aggregation.FIRST).find(text);
        }
    }

    static List<Answer> answers(Path folder, String question, String page) {
        try (var answerer = Pipelines.questionAnswering(folder)) {
            return answerer.answers(question, page, QuestionAnswerer.options().withAnswers(3).withNone());
        }
    }

    static String ending(Path folder, String text, List<String> endings) {
        try (var picker = Pipelines.multipleChoice(folder)) {
            ChoicePicker.Choice picked = picker.pick(text, endings);
            return picked.choice();
        }
    }

    static List<String> words(Path folder, String masked) {
        try (var filler = Pipelines.fillMask(folder)) {
            return filler.fill(masked, 5).stream().map(MaskFiller.Filling::word).toList();
        }
    }

    static String summary(Path folder, String article) {
        try (var summarizer = Pipelines.summarization(folder)) {
            Generation options = summarizer.defaults().withNumBeams(4);
            TextToText.Output summary = summarizer.inWindows().answer(List.of(article), options).getFirst();
            return summary.windows() == 1 ? summary.text() : summary.text() + " (of several parts)";
        }
    }

    static String german(Path folder, String text) {
        try (var translator = Pipelines.translation(folder)) {
            return translator.from("en").into("de").answer(text);
        }
    }

    static String origin(Path folder, String text) {
        try (var translator = Pipelines.translation(folder)) {
            Alignment seen = translator.aligned(List.of(text), translator.defaults(), OptionalInt.empty()).getFirst();
            int strongest = 0;
            for (int piece = 0; piece < seen.source().size(); piece++) {
                strongest = seen.weights()[0][piece] > seen.weights()[0][strongest] ? piece : strongest;
            }
            return seen.target().getFirst() + " comes from " + seen.source().get(strongest);
        }
    }

    static String reply(Path folder, String text) {
        try (var answerer = Pipelines.textToText(folder)) {
            return answerer.withPrefix("answer: ").answer(text);
        }
    }

    static String story(Path folder, String beginning) {
        try (var writer = TextGenerator.open(folder)) {
            return beginning + writer.generate(beginning, Generation.sampled(7).withMaxNewTokens(50));
        }
    }

    static float[][] features(Path folder, String text) {
        try (var extractor = Pipelines.featureExtraction(folder)) {
            FeatureExtractor.Features features = extractor.extract(text);
            return features.vectors();
        }
    }

    static List<float[]> vectors(Path folder, List<String> texts) {
        try (var embedder = Pipelines.embeddings(folder)) {
            return embedder.normalizing().embed(texts).stream().map(SentenceEmbedder.Embedding::vector).toList();
        }
    }

    static double[] alike(Path folder, String text, List<String> others) {
        try (var embedder = Pipelines.embeddings(folder)) {
            return embedder.similarities(text, others);
        }
    }

    static String bestPassage(Path folder, String query, List<String> passages) {
        try (var reranker = Pipelines.rerank(folder)) {
            List<Reranker.Ranked> ranked = reranker.rank(query, passages);
            return ranked.getFirst().passage();
        }
    }
}
