package dev.weft.run.pipeline;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/// What a text was found to be.
///
/// @param label  the best label
/// @param score  its score: a probability, or in regression the number itself
/// @param scores of all labels, best first
public record Classification(String label, double score, List<Score> scores) {
    /// One label's score.
    public record Score(String label, double score) {}

    static Classification of(List<String> labels, double[] scores) {
        List<Score> all = IntStream.range(0, scores.length).mapToObj(i -> new Score(labels.get(i), scores[i]))
                .sorted(Comparator.comparingDouble(Score::score).reversed()).toList();
        return new Classification(all.getFirst().label(), all.getFirst().score(), all);
    }

    /// What is made of a model's scores.
    public enum Function {
        /// Probabilities of labels of which one holds.
        SOFTMAX,
        /// A probability for each label by itself.
        SIGMOID,
        /// The numbers as they are.
        NONE;

        double[] apply(float[] logits) {
            double[] scores = new double[logits.length];
            double highest = Double.NEGATIVE_INFINITY;
            for (float logit : logits) {
                highest = Math.max(highest, logit);
            }
            double sum = 0;
            for (int i = 0; i < logits.length; i++) {
                scores[i] = switch (this) {
                    case NONE -> logits[i];
                    case SIGMOID -> 1 / (1 + Math.exp(-logits[i]));
                    case SOFTMAX -> Math.exp(logits[i] - highest);
                };
                sum += scores[i];
            }
            if (this == SOFTMAX) {
                for (int i = 0; i < scores.length; i++) {
                    scores[i] /= sum;
                }
            }
            return scores;
        }
    }
}
