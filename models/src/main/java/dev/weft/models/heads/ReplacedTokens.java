package dev.weft.models.heads;

import dev.weft.nn.ForwardPass;
import dev.weft.nn.Projection;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// Which tokens were replaced: ELECTRA's discriminator. Clark et al. 2020, <https://arxiv.org/abs/2003.10555>.
///
/// @param scores `[..., hidden]` to `[..., 1]`
public record ReplacedTokens(Frame frame, Projection scores) implements Head {
    /// `logits [batch, seq]`, above 0 where a token looks replaced.
    @Override
    public Map<String, Tensor> outputs(Map<String, Tensor> inputs, ForwardPass pass) {
        Map<String, Tensor> results = hidden(inputs, pass);
        results.put("logits", scores.forward(results.get("last_hidden_state")).squeeze(-1));
        return results;
    }

    /// Mean binary cross-entropy over the tokens that are not padding.
    @Override
    public Tensor loss(Map<String, Tensor> outputs, Map<String, Tensor> inputs) {
        Tensor each = Losses.binaryCrossEntropy(outputs.get("logits"), Losses.given(inputs, "labels"));
        Tensor mask = inputs.get("attention_mask");
        if (mask == null) {
            return each.mean();
        }
        Tensor keep = mask.eq(1).to(each.dtype());
        return each.mul(keep).sum().div(keep.sum());
    }
}
