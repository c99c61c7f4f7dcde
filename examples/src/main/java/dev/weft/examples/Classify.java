package dev.weft.examples;

import dev.weft.run.pipeline.Classification;
import dev.weft.run.pipeline.Pipelines;
import java.nio.file.Path;
import java.util.List;

/// A label for each text, by any folder of the Hub that was trained for it.
public final class Classify {
    private Classify() {}

    /// `Classify models/sst2 "great film" "a waste of time"`
    public static void main(String... args) {
        labels(Path.of(args[0]), List.of(args).subList(1, args.length)).forEach(System.out::println);
    }

    static List<String> labels(Path folder, List<String> texts) {
        try (var classifier = Pipelines.textClassification(folder)) {
            return classifier.classify(texts).stream().map(Classification::label).toList();
        }
    }
}
