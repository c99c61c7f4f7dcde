package dev.weft.recipe;

import dev.weft.models.heads.HeadKind;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/// What a model can be trained for, by the names of the field.
public enum TrainingTask {
    /// To go on with a text.
    TEXT_GENERATION(HeadKind.CAUSAL_LANGUAGE, "text-generation"),
    /// To answer in conversations; only the answers are trained.
    CHAT(HeadKind.CAUSAL_LANGUAGE, "text-generation"),
    /// To answer as people like it better (DPO).
    PREFERENCE(HeadKind.CAUSAL_LANGUAGE, ""),
    /// To find masked tokens again.
    FILL_MASK(HeadKind.MASKED_LANGUAGE, "fill-mask"),
    /// That, and whether a text follows another: BERT's pretraining.
    PRETRAINING(HeadKind.PRETRAINING, ""),
    /// One class for a text.
    TEXT_CLASSIFICATION(HeadKind.SEQUENCE_CLASSIFICATION, "text-classification"),
    /// Any of several classes.
    MULTI_LABEL_CLASSIFICATION(HeadKind.SEQUENCE_CLASSIFICATION, "multi-label-classification"),
    /// A number for a text.
    REGRESSION(HeadKind.SEQUENCE_CLASSIFICATION, "regression"),
    /// A class for each word.
    TOKEN_CLASSIFICATION(HeadKind.TOKEN_CLASSIFICATION, "token-classification"),
    /// Where in a text the answer stands.
    QUESTION_ANSWERING(HeadKind.QUESTION_ANSWERING, "question-answering"),
    /// Which of several texts follows.
    MULTIPLE_CHOICE(HeadKind.MULTIPLE_CHOICE, "multiple-choice"),
    /// A text in another language.
    TRANSLATION(HeadKind.SEQ2SEQ, "translation"),
    /// A short text for a long one.
    SUMMARIZATION(HeadKind.SEQ2SEQ, "summarization"),
    /// Any text from another.
    TEXT2TEXT_GENERATION(HeadKind.SEQ2SEQ, "translation"),
    /// T5's pretraining: what stood in the gaps.
    SPAN_CORRUPTION(HeadKind.SEQ2SEQ, ""),
    /// BART's pretraining: the text that was spoiled.
    DENOISING(HeadKind.SEQ2SEQ, ""),
    /// Vectors that lie near each other where texts mean the same.
    SENTENCE_SIMILARITY(HeadKind.BASE, "");

    private final HeadKind head;
    private final String metrics;

    TrainingTask(HeadKind head, String metrics) {
        this.head = head;
        this.metrics = metrics;
    }

    /// Its name in the field and in recipes.
    public String id() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /// What stands on the model's body.
    public HeadKind head() {
        return head;
    }

    /// The id of its [dev.weft.eval.UsualMetrics]; empty where only the loss is measured.
    String metrics() {
        return metrics;
    }

    /// Whether these are measured while it is trained; else the loss of what is held out is all.
    boolean measured() {
        return !metrics.isEmpty() && head != HeadKind.CAUSAL_LANGUAGE && head != HeadKind.MASKED_LANGUAGE;
    }

    /// @throws IllegalArgumentException if there is none of this name, with those there are
    public static TrainingTask of(String id) {
        return Arrays.stream(values()).filter(task -> task.id().equals(id)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("There is no task %s to train; there are %s".formatted(
                        id, Arrays.stream(values()).map(TrainingTask::id).collect(Collectors.joining(", ")))));
    }
}
