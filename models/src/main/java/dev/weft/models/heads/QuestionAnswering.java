package dev.weft.models.heads;

import dev.weft.nn.ForwardPass;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// Where in a text the answer begins and ends: a score for each position, twice.
///
/// @param scores `[batch, seq, hidden]` to `[batch, seq, 2]`
public record QuestionAnswering(Frame frame, Scores scores) implements Head {
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
    public Tensor loss(Map<String, Tensor> outputs, Map<String, Tensor> inputs) {
        return half(outputs.get("start_logits"), Losses.given(inputs, "start_positions"))
                .add(half(outputs.get("end_logits"), Losses.given(inputs, "end_positions")));
    }

    private static Tensor half(Tensor logits, Tensor positions) {
        long seq = logits.size(1);
        Tensor inside = positions.reshape(-1).clampMin(0);
        return Losses.crossEntropy(logits, Tensor.where(inside.lt(seq), inside, inside.mul(0).add(seq)), seq).mul(0.5);
    }
}
