package dev.weft.models.heads;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/// What stands on a backbone, under the endings that classes of the Python library have for it.
public enum HeadKind {
    MASKED_LANGUAGE("ForMaskedLM"), NEXT_SENTENCE("ForNextSentencePrediction"), PRETRAINING(
            "ForPreTraining"), CAUSAL_LANGUAGE("ForCausalLM", "LMHeadModel"), SEQ2SEQ("ForConditionalGeneration",
                    "MTModel",
                    "EncoderDecoderModel"), SEQUENCE_CLASSIFICATION("ForSequenceClassification"), TOKEN_CLASSIFICATION(
                            "ForTokenClassification"), QUESTION_ANSWERING(
                                    "ForQuestionAnswering"), MULTIPLE_CHOICE("ForMultipleChoice"),
    /// The encoder of an encoder-decoder alone.
    ENCODER("EncoderModel"),
    /// The base model, with pooling where the family has it.
    BASE("Model");

    private final List<String> endings;

    HeadKind(String... endings) {
        this.endings = List.of(endings);
    }

    /// The kind of a class of the Python library, `BertForMaskedLM` for instance.
    ///
    /// @throws IllegalArgumentException if there is none
    public static HeadKind of(String architecture) {
        return Arrays.stream(values()).filter(kind -> kind.endings.stream().anyMatch(architecture::endsWith))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("Weft has no head for \"" + architecture
                        + "\"; it has classes that end in " + Arrays.stream(values())
                                .flatMap(kind -> kind.endings.stream()).collect(Collectors.joining(", "))));
    }

    /// The ending of this kind's class in most families.
    public String ending() {
        return endings.getFirst();
    }
}
