package dev.weft.models.heads;

import dev.weft.nn.CrossEntropy;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Loss;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// Where in a text the answer begins and ends: a score for each position, twice.
///
/// @param scores `[batch, seq, hidden]` to `[batch, seq, 2]`
public record QuestionAnswering(HeadContext context, Scores scores) implements PretrainedModel {
    /// `start_logits` and `end_logits`, `[batch, seq]` each.
    @Override
    public Map<String, Tensor> outputs(Map<String, Tensor> inputs, ForwardPass pass) {
        Map<String, Tensor> results = hidden(inputs, pass);
        Tensor both = scores.of(results.get("last_hidden_state"), inputs, pass.dropout());
        results.put("start_logits", both.select(-1, 0));
        results.put("end_logits", both.select(-1, 1));
        return results;
    }

    /// Mean of the two cross-entropies; places beyond the text count for nothing.
    @Override
    public Loss losses(Map<String, Tensor> outputs, Map<String, Tensor> inputs, double labelSmoothing) {
        return half(outputs, inputs, "start", labelSmoothing).plus(half(outputs, inputs, "end", labelSmoothing));
    }

    private static Loss half(Map<String, Tensor> outputs, Map<String, Tensor> inputs, String side, double smoothing) {
        return Losses.crossEntropy(outputs.get(side + "_logits"), places(inputs, side), smoothing).times(0.5);
    }

    @Override
    public long[] counts(Map<String, Tensor> inputs) {
        return new long[]{Losses.counted(places(inputs, "start")), Losses.counted(places(inputs, "end"))};
    }

    /// Where the answer begins or ends in each text; −100 for those beyond it.
    private static Tensor places(Map<String, Tensor> inputs, String side) {
        Tensor inside = Losses.given(inputs, side + "_positions").reshape(-1).clampMin(0);
        return inside.maskedFill(inside.ge(inputs.get("input_ids").size(1)), CrossEntropy.IGNORED);
    }
}
