package dev.weft.run;

import dev.weft.checkpoint.Json;
import dev.weft.models.Models;
import dev.weft.models.heads.HeadKind;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// What a model can be used for, by the names that the Python library gives its pipelines.
public enum Task {
    TEXT_CLASSIFICATION, ZERO_SHOT_CLASSIFICATION, TOKEN_CLASSIFICATION, QUESTION_ANSWERING, MULTIPLE_CHOICE, FILL_MASK, SUMMARIZATION, TRANSLATION, TEXT2TEXT_GENERATION, TEXT_GENERATION, CHAT, FEATURE_EXTRACTION, EMBEDDINGS, SIMILARITY, RERANK;

    /// Families that do nothing but translate.
    private static final Set<String> TRANSLATORS = Set.of("marian", "m2m_100", "fsmt", "nllb-moe");

    /// Its name in the Python library, and behind `weft run`; a chat is `weft chat`.
    public String title() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /// What it gives, in a few words.
    public String about() {
        return switch (this) {
            case TEXT_CLASSIFICATION -> "a label for each text";
            case ZERO_SHOT_CLASSIFICATION -> "labels of your own, by a model of entailment";
            case TOKEN_CLASSIFICATION -> "names and their kind, with their places";
            case QUESTION_ANSWERING -> "where a text answers a question";
            case MULTIPLE_CHOICE -> "which of several endings fits a text";
            case FILL_MASK -> "words in place of the mask";
            case SUMMARIZATION -> "a text in short";
            case TRANSLATION -> "a text in another language";
            case TEXT2TEXT_GENERATION -> "an answer to a text, by an encoder-decoder";
            case TEXT_GENERATION -> "text that goes on from a prompt";
            case CHAT -> "the next turn of a conversation: weft chat FOLDER";
            case FEATURE_EXTRACTION -> "a vector for each token";
            case EMBEDDINGS -> "a vector for each text";
            case SIMILARITY -> "how alike each text and a query are";
            case RERANK -> "how well each passage answers a query";
        };
    }

    /// The heads that can do it, the usual one first.
    public List<HeadKind> heads() {
        return switch (this) {
            case TEXT_CLASSIFICATION, ZERO_SHOT_CLASSIFICATION, RERANK -> List.of(HeadKind.SEQUENCE_CLASSIFICATION);
            case TOKEN_CLASSIFICATION -> List.of(HeadKind.TOKEN_CLASSIFICATION);
            case QUESTION_ANSWERING -> List.of(HeadKind.QUESTION_ANSWERING);
            case MULTIPLE_CHOICE -> List.of(HeadKind.MULTIPLE_CHOICE);
            case FILL_MASK -> List.of(HeadKind.MASKED_LANGUAGE, HeadKind.PRETRAINING);
            case SUMMARIZATION, TRANSLATION, TEXT2TEXT_GENERATION -> List.of(HeadKind.SEQ2SEQ);
            case TEXT_GENERATION, CHAT -> List.of(HeadKind.CAUSAL_LANGUAGE);
            case FEATURE_EXTRACTION, EMBEDDINGS, SIMILARITY -> List.of(HeadKind.BASE, HeadKind.ENCODER);
        };
    }

    /// The task of that name.
    public static Optional<Task> named(String title) {
        return Arrays.stream(values()).filter(task -> task.title().equals(title)).findFirst();
    }

    /// Whether a model of this config does nothing but translate.
    public static boolean translates(Json config) {
        return TRANSLATORS.contains(config.text("model_type", ""));
    }

    /// The names of what a head can do.
    public static List<String> of(HeadKind head) {
        return Arrays.stream(values()).filter(task -> task.heads().contains(head)).map(Task::title).toList();
    }

    /// What the model in a folder can do, by its head, its labels, its family and its chat template.
    ///
    /// @throws IllegalArgumentException if the folder has no config, or names no class with a head
    public static List<Task> in(Path folder) {
        Json config = Models.config(folder);
        HeadKind head = HeadKind.of(Models.architecture(config));
        List<String> labels = config.has("id2label") ? labels(config.object("id2label")) : List.of();
        boolean translates = translates(config);
        return Arrays.stream(values()).filter(task -> task.heads().contains(head)).filter(task -> switch (task) {
            case ZERO_SHOT_CLASSIFICATION -> labels.stream().anyMatch(Task::entails);
            case RERANK -> labels.size() == 1 || config.integer("num_labels", 2) == 1;
            case SUMMARIZATION, TEXT2TEXT_GENERATION -> !translates;
            case CHAT -> ChatTemplates.isIn(folder);
            default -> true;
        }).toList();
    }

    private static List<String> labels(Json names) {
        return names.names().stream().map(names::text).toList();
    }

    /// Whether a label says that one text follows from another.
    public static boolean entails(String label) {
        return label.toLowerCase(Locale.ROOT).startsWith("entail");
    }
}
