package dev.weft.models.heads;

import dev.weft.nn.ForwardPass;
import dev.weft.nn.Loss;
import dev.weft.nn.Projection;
import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// Which tokens were replaced: ELECTRA's discriminator. Clark et al. 2020, <https://arxiv.org/abs/2003.10555>.
///
/// @param scores `[..., hidden]` to `[..., 1]`
public record ReplacedTokens(HeadContext context, Projection scores) implements PretrainedModel {
    /// `logits [batch, seq]`, above 0 where a token looks replaced.
    @Override
    public Map<String, Tensor> outputs(Map<String, Tensor> inputs, ForwardPass pass) {
        Map<String, Tensor> results = hidden(inputs, pass);
        results.put("logits", scores.forward(results.get("last_hidden_state")).squeeze(-1));
        return results;
    }

    /// Binary cross-entropy over the tokens that are not padding.
    @Override
    public Loss losses(Map<String, Tensor> outputs, Map<String, Tensor> inputs, double labelSmoothing) {
        Tensor each = Losses.binaryCrossEntropy(outputs.get("logits"), Losses.given(inputs, "labels"));
        Tensor mask = inputs.get("attention_mask");
        return Loss.of(mask == null ? each.sum() : each.mul(mask.eq(1).to(each.dtype())).sum(), counts(inputs)[0]);
    }

    @Override
    public long[] counts(Map<String, Tensor> inputs) {
        Tensor mask = inputs.get("attention_mask");
        return new long[]{mask == null
                ? inputs.get("labels").count()
                : mask.eq(1).to(DType.INT64).sum().itemLong()};
    }
}
