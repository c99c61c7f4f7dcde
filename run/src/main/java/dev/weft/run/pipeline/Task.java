package dev.weft.run.pipeline;

import dev.weft.models.heads.HeadKind;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// What a model can be used for, by the names that the Python library gives its pipelines.
public enum Task {
    TEXT_CLASSIFICATION("text-classification", "a label for each text",
            HeadKind.SEQUENCE_CLASSIFICATION), ZERO_SHOT_CLASSIFICATION("zero-shot-classification",
                    "labels of one's own for each text, by a model of entailment",
                    HeadKind.SEQUENCE_CLASSIFICATION), RERANK("rerank", "which passages answer a query best",
                            HeadKind.SEQUENCE_CLASSIFICATION), TOKEN_CLASSIFICATION("token-classification",
                                    "names and their kind, with their places",
                                    HeadKind.TOKEN_CLASSIFICATION), QUESTION_ANSWERING("question-answering",
                                            "where a text answers a question",
                                            HeadKind.QUESTION_ANSWERING), MULTIPLE_CHOICE("multiple-choice",
                                                    "which of several endings fits",
                                                    HeadKind.MULTIPLE_CHOICE), FILL_MASK("fill-mask",
                                                            "words in place of the mask", HeadKind.MASKED_LANGUAGE,
                                                            HeadKind.PRETRAINING), FEATURE_EXTRACTION(
                                                                    "feature-extraction", "a vector for each token",
                                                                    HeadKind.BASE,
                                                                    HeadKind.ENCODER), EMBEDDINGS("embeddings",
                                                                            "a vector for each text", HeadKind.BASE,
                                                                            HeadKind.ENCODER), TEXT_GENERATION(
                                                                                    "text-generation",
                                                                                    "text that goes on from a prompt",
                                                                                    HeadKind.CAUSAL_LANGUAGE), TRANSLATION(
                                                                                            "translation",
                                                                                            "the text in another language",
                                                                                            HeadKind.SEQ2SEQ), SUMMARIZATION(
                                                                                                    "summarization",
                                                                                                    "the text in short",
                                                                                                    HeadKind.SEQ2SEQ), TEXT_TO_TEXT(
                                                                                                            "text2text-generation",
                                                                                                            "an answer to a text",
                                                                                                            HeadKind.SEQ2SEQ);

    private final String title;
    private final String about;
    private final List<HeadKind> heads;

    Task(String title, String about, HeadKind... heads) {
        this.title = title;
        this.about = about;
        this.heads = List.of(heads);
    }

    /// Its name in the Python library, and behind `weft run`.
    public String title() {
        return title;
    }

    /// What it gives, in a few words.
    public String about() {
        return about;
    }

    /// The heads that can do it, the usual one first.
    public List<HeadKind> heads() {
        return heads;
    }

    /// The task of that name.
    public static Optional<Task> named(String title) {
        return Arrays.stream(values()).filter(task -> task.title.equals(title)).findFirst();
    }

    /// The names of what a head can do.
    public static List<String> of(HeadKind head) {
        return Arrays.stream(values()).filter(task -> task.heads.contains(head)).map(Task::title).toList();
    }
}
