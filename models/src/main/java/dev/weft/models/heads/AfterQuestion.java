package dev.weft.models.heads;

import dev.weft.nn.Dropout;
import dev.weft.nn.FeedForward;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.LayerNorm;
import dev.weft.nn.Linear;
import dev.weft.nn.Projection;
import dev.weft.nn.Residual;
import dev.weft.nn.Weights;
import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// BigBird's scores of where an answer begins and ends: one feed-forward part more, and nothing of the question, which
/// stands before the text, but its first token.
///
/// @param sepId the id that ends the question
public record AfterQuestion(Residual around, FeedForward part, Projection output, double dropout, int sepId)
        implements
            Scores {
    private static final double EXCLUDED = 1e6;

    /// With its weights under `qa_classifier`.
    public static AfterQuestion load(HeadContext context) {
        Weights weights = context.weights().at("qa_classifier");
        int hidden = context.hidden();
        int inner = context.config().positive("intermediate_size");
        double dropout = context.config().number("hidden_dropout_prob", 0.1);
        return new AfterQuestion(
                Residual.postNorm(LayerNorm.load(weights.at("output.LayerNorm"), hidden, context.normEps()), dropout),
                FeedForward.Plain.load(weights.at("intermediate.dense"), context.activation(),
                        weights.at("output.dense"),
                        hidden, inner, true, context.backbone().init()),
                Linear.load(weights.at("qa_outputs"), hidden, 2, true, context.backbone().init()), dropout,
                context.config().integer("sep_token_id", 66));
    }

    @Override
    public Tensor of(Tensor hidden, Map<String, Tensor> inputs, Dropout drop) {
        Tensor logits = output.forward(
                around.apply(hidden, x -> part.forward(drop.apply(x, dropout), ForwardPass.plain().withDropout(drop)),
                        drop));
        Tensor ids = inputs.get("input_ids");
        Tensor first = Tensor.arange(0, ids.size(1)).eq(0).to(ids.device());
        Tensor excluded = question(ids, sepId).ne(0).and(first.not());
        return logits.sub(excluded.to(logits.dtype()).mul(EXCLUDED).unsqueeze(-1));
    }

    /// 1 for the tokens up to and with the first `sepId`, 0 after it: `[batch, seq]` to the same shape.
    public static Tensor question(Tensor ids, int sepId) {
        Tensor places = Tensor.arange(0, ids.size(1)).unsqueeze(0).to(ids.device());
        return places.le(end(ids, sepId)).to(DType.INT64);
    }

    /// Where the first `sepId` is, 0 if there is none: `[batch, seq]` to `[batch, 1]`.
    public static Tensor end(Tensor ids, int sepId) {
        return ids.eq(sepId).to(DType.INT64).argmax(-1).unsqueeze(-1);
    }
}
