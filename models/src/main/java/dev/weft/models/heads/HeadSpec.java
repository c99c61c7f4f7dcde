package dev.weft.models.heads;

import dev.weft.checkpoint.Json;
import java.util.List;
import java.util.OptionalDouble;
import tools.jackson.databind.node.ObjectNode;

/// Heads to ask for when a folder is opened: on the same body, with new weights where the file has none.
///
/// @param kind        what kind
/// @param labels      names of what it tells apart; empty: as the folder's config says
/// @param problemType of sequence classification, as `config.json` has it; empty: as the labels decide
/// @param dropout     share of activations that training drops in the whole model; empty: as the folder's config says
public record HeadSpec(HeadKind kind, List<String> labels, String problemType, OptionalDouble dropout) {
    public HeadSpec(HeadKind kind, List<String> labels, String problemType) {
        this(kind, labels, problemType, OptionalDouble.empty());
    }

    /// With this share of activations dropped wherever the family drops some.
    public HeadSpec withDropout(double share) {
        return new HeadSpec(kind, labels, problemType, OptionalDouble.of(share));
    }

    /// The base model, with pooling where the family has it.
    public static HeadSpec base() {
        return of(HeadKind.BASE);
    }

    /// Scores of ids at every position: BERT.
    public static HeadSpec maskedLanguage() {
        return of(HeadKind.MASKED_LANGUAGE);
    }

    /// Scores of the next id at every position: GPT-2.
    public static HeadSpec causalLanguage() {
        return of(HeadKind.CAUSAL_LANGUAGE);
    }

    /// Scores of the next id of an answer to an encoded text: T5.
    public static HeadSpec seq2seq() {
        return of(HeadKind.SEQ2SEQ);
    }

    /// One of the labels for a text.
    public static HeadSpec sequenceClassification(List<String> labels) {
        return new HeadSpec(HeadKind.SEQUENCE_CLASSIFICATION, List.copyOf(labels), "single_label_classification");
    }

    /// Any of the labels for a text.
    public static HeadSpec multiLabelClassification(List<String> labels) {
        return new HeadSpec(HeadKind.SEQUENCE_CLASSIFICATION, List.copyOf(labels), "multi_label_classification");
    }

    /// A number for a text.
    public static HeadSpec regression() {
        return new HeadSpec(HeadKind.SEQUENCE_CLASSIFICATION, List.of("LABEL_0"), "regression");
    }

    /// One of the labels for each token.
    public static HeadSpec tokenClassification(List<String> labels) {
        return new HeadSpec(HeadKind.TOKEN_CLASSIFICATION, List.copyOf(labels), "");
    }

    /// Where in a text an answer begins and ends.
    public static HeadSpec questionAnswering() {
        return of(HeadKind.QUESTION_ANSWERING);
    }

    /// One score for each of several texts.
    public static HeadSpec multipleChoice() {
        return of(HeadKind.MULTIPLE_CHOICE);
    }

    /// A kind of head with the config's own labels.
    public static HeadSpec of(HeadKind kind) {
        return new HeadSpec(kind, List.of(), "");
    }

    /// The config with this head's labels, in the order of their ids, and their kind. What is dropped is the family's to name.
    public ObjectNode labelled(ObjectNode old) {
        ObjectNode config = old.deepCopy();
        if (!labels.isEmpty()) {
            ObjectNode names = Json.object();
            ObjectNode ids = Json.object();
            for (int id = 0; id < labels.size(); id++) {
                names.put(Integer.toString(id), labels.get(id));
                ids.put(labels.get(id), id);
            }
            config.set("id2label", names);
            config.set("label2id", ids);
            config.remove("num_labels");
        }
        if (!problemType.isEmpty()) {
            config.put("problem_type", problemType);
        }
        return config;
    }
}
