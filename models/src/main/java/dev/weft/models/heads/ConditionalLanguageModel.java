package dev.weft.models.heads;

import dev.weft.models.backbone.Inputs;
import dev.weft.models.backbone.Seq2Seq;
import dev.weft.nn.Encoded;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Loss;
import dev.weft.nn.Projection;
import dev.weft.nn.SequenceToSequence;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// The next token of an answer to an encoded text: translation, summarization. Its labels stand at the position that
/// predicts them.
public record ConditionalLanguageModel(HeadContext context,
        Projection vocabulary) implements VocabularyModel, SequenceToSequence {
    @Override
    public Encoded encode(Map<String, Tensor> inputs, ForwardPass pass) {
        Inputs given = new Inputs(inputs);
        return ((Seq2Seq) backbone()).encode(given, given.in(pass));
    }

    /// Cross-entropy over the labels that are not −100.
    @Override
    public Loss losses(Map<String, Tensor> outputs, Map<String, Tensor> inputs, double labelSmoothing) {
        return Losses.crossEntropy(outputs.get("logits"), Losses.given(inputs, "labels"), labelSmoothing);
    }
}
