package dev.weft.models.heads;

import dev.weft.nn.ForwardPass;
import dev.weft.nn.Loss;
import dev.weft.nn.Projection;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// Masked tokens and a question about two sentences at once, as BERT (does the second follow?) and ALBERT (is their order
/// right?) are trained.
///
/// @param vocabulary scores of the masked tokens
/// @param pair       scores of the sentences
/// @param names      of what is computed and asked
public record Pretraining(HeadContext context, Projection vocabulary, PooledHead pair,
        Names names) implements PretrainedModel {
    /// @param logits the reference's name for the scores of the sentences
    /// @param label  and for their label
    public record Names(String logits, String label) {
        public static final Names BERT = new Names("seq_relationship_logits", "next_sentence_label");
        public static final Names ALBERT = new Names("sop_logits", "sentence_order_label");
    }

    @Override
    public Map<String, Tensor> outputs(Map<String, Tensor> inputs, ForwardPass pass) {
        Map<String, Tensor> results = hidden(inputs, pass);
        Tensor hidden = results.get("last_hidden_state");
        results.put("prediction_logits", vocabulary.forward(hidden));
        results.put(names.logits(), pair.forward(hidden, inputs, pass.dropout()));
        return results;
    }

    /// The sum of the means of both cross-entropies.
    @Override
    public Loss losses(Map<String, Tensor> outputs, Map<String, Tensor> inputs, double labelSmoothing) {
        return Losses.crossEntropy(outputs.get("prediction_logits"), Losses.given(inputs, "labels"), labelSmoothing)
                .plus(Losses.crossEntropy(outputs.get(names.logits()), Losses.given(inputs, names.label()),
                        labelSmoothing));
    }

    /// With scores of the masked tokens alone.
    @Override
    public Loss losses(Map<String, Tensor> inputs, ForwardPass pass, double labelSmoothing) {
        Tensor hidden = hidden(inputs, pass).get("last_hidden_state");
        Losses.Asked asked = Losses.asked(hidden, Losses.given(inputs, "labels"));
        return Losses.crossEntropy(vocabulary.forward(asked.hidden()), asked.labels(), labelSmoothing)
                .plus(Losses.crossEntropy(pair.forward(hidden, inputs, pass.dropout()),
                        Losses.given(inputs, names.label()), labelSmoothing));
    }

    @Override
    public long[] counts(Map<String, Tensor> inputs) {
        return new long[]{Losses.counted(Losses.given(inputs, "labels")),
                Losses.counted(Losses.given(inputs, names.label()))};
    }
}
