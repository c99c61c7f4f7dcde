package dev.weft.eval;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// What is usually measured for each task, by the names the field writes. The first is the one to choose models by.
public enum UsualMetrics {
    /// [Classification].
    TEXT_CLASSIFICATION("text-classification", "accuracy", "f1_macro", "f1_weighted", "matthews_correlation"),
    /// [MultiLabel].
    MULTI_LABEL_CLASSIFICATION("multi-label-classification", "f1_micro", "f1_macro", "hamming_loss", "accuracy"),
    /// [Regression].
    REGRESSION("regression", "pearson", "spearmanr", "mse", "mae"),
    /// [Regression] of the cosines of sentence vectors.
    SENTENCE_SIMILARITY("sentence-similarity", "spearmanr", "pearson"),
    /// [Classification], a choice being its number.
    MULTIPLE_CHOICE("multiple-choice", "accuracy"),
    /// [EntityScore].
    TOKEN_CLASSIFICATION("token-classification", "overall_f1", "overall_precision", "overall_recall",
            "overall_accuracy"),
    /// [AnswerScore].
    QUESTION_ANSWERING("question-answering", "f1", "exact_match", "exact"),
    /// [Bleu] and [Chrf].
    TRANSLATION("translation", "bleu", "chrf"),
    /// [Rouge].
    SUMMARIZATION("summarization", "rougeL", "rouge1", "rouge2", "rougeLsum"),
    /// [LanguageModelScore].
    TEXT_GENERATION("text-generation", "loss", "perplexity", "bits_per_byte"),
    /// The mean over the masked tokens, and how many of them are guessed.
    FILL_MASK("fill-mask", "loss", "perplexity", "accuracy"),
    /// [ErrorRate].
    AUTOMATIC_SPEECH_RECOGNITION("automatic-speech-recognition", "wer", "cer");

    private static final Set<String> LOWER_IS_BETTER = Set.of("loss", "perplexity", "bits_per_byte", "mse", "mae",
            "rmse", "hamming_loss", "wer", "cer", "expected_calibration_error", "maximum_calibration_error");

    private final String id;
    private final List<String> usual;

    UsualMetrics(String id, String... usual) {
        this.id = id;
        this.usual = List.of(usual);
    }

    /// Its name in the field and on the command line.
    public String id() {
        return id;
    }

    public static UsualMetrics of(String id) {
        return Stream.of(values()).filter(task -> task.id.equals(id)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("There is no task %s to score; there are %s".formatted(
                        id, Stream.of(values()).map(UsualMetrics::id).collect(Collectors.joining(", ")))));
    }

    /// Names of values, the main one first.
    public List<String> usual() {
        return usual;
    }

    /// The name of the value to choose models by.
    public String main() {
        return usual.getFirst();
    }

    /// Whether the main value is better where it is higher; a loss and an error rate are not.
    public boolean higherIsBetter() {
        return higherIsBetter(main());
    }

    /// Whether a value of that name is better where it is higher.
    public static boolean higherIsBetter(String name) {
        return !LOWER_IS_BETTER.contains(name);
    }

    /// What the metrics found, the usual values first.
    public Report report(Metric<?, ?>... metrics) {
        var found = new LinkedHashMap<String, Double>();
        Stream.of(metrics).forEach(metric -> found.putAll(metric.values()));
        var ordered = new LinkedHashMap<String, Double>();
        usual.stream().filter(found::containsKey).forEach(name -> ordered.put(name, found.get(name)));
        ordered.putAll(found);
        return new Report(id, ordered,
                Stream.of(metrics).map(Metric::signature).filter(signature -> !signature.isEmpty()).toList());
    }

    /// As [#report(Metric...)], for values that have no metric, such as those of a [LanguageModelScore].
    public Report report(Map<String, Double> values) {
        return new Report(id, values, List.of());
    }
}
