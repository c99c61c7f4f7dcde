package dev.weft.nn.block;

import dev.weft.nn.Dropout;
import dev.weft.nn.FeedForward;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Norm;
import dev.weft.nn.Residual;
import dev.weft.nn.Trace;
import dev.weft.nn.attention.CrossAttention;
import dev.weft.nn.attention.SelfAttention;
import dev.weft.nn.attention.PreparedPattern;
import dev.weft.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// One layer of a Transformer: `[batch, seq, hidden]` to the same shape.
public interface Block {
    /// `[batch, seq, hidden]` to the same shape.
    ///
    /// @param prepared what attention reaches in this call
    Tensor forward(Tensor x, PreparedPattern prepared, ForwardPass pass);

    /// A look at an encoder, between attention and feed-forward.
    record Cross(Residual around, CrossAttention attention) {}

    /// Attention, then cross attention where there is one, then the feed-forward part, each in a residual.
    record Sequential(Residual aroundAttention, SelfAttention attention, @Nullable Cross cross,
            Residual aroundFeedForward, FeedForward feedForward) implements Block {
        @Override
        public Tensor forward(Tensor x, PreparedPattern prepared, ForwardPass pass) {
            Trace trace = pass.trace();
            Tensor hidden = trace.tap("resid_mid", aroundAttention.apply(x,
                    each -> attended(attention, each, prepared, pass), pass.dropout(), trace, "attn.added"));
            if (cross != null && pass.encoded() != null) {
                hidden = trace.tap("resid_cross", cross.around().apply(hidden, each -> looked(cross, each, pass),
                        pass.dropout(), trace, "cross.added"));
            }
            return aroundFeedForward.apply(hidden, each -> thought(feedForward, each, pass), pass.dropout(), trace,
                    "mlp.added");
        }
    }

    /// The same without a look at an encoder.
    static Block of(Residual aroundAttention, SelfAttention attention, Residual aroundFeedForward,
            FeedForward feedForward) {
        return new Sequential(aroundAttention, attention, null, aroundFeedForward, feedForward);
    }

    /// x + attention(norm(x)) + feedForward(norm(x)). Wang & Komatsuzaki 2021 (GPT-J).
    record Parallel(Norm attentionNorm, SelfAttention attention, Norm feedForwardNorm, FeedForward feedForward,
            double dropout) implements Block {
        @Override
        public Tensor forward(Tensor x, PreparedPattern prepared, ForwardPass pass) {
            Tensor entry = attentionNorm.forward(x);
            Tensor gathered = attended(attention, entry, prepared, pass);
            Tensor thought = thought(feedForward, attentionNorm == feedForwardNorm
                    ? entry
                    : feedForwardNorm.forward(x), pass);
            Dropout drop = pass.dropout();
            Trace trace = pass.trace();
            return x.add(trace.tap("attn.added", drop.apply(gathered, dropout)))
                    .add(trace.tap("mlp.added", drop.apply(thought, dropout)));
        }
    }

    private static Tensor attended(SelfAttention attention, Tensor x, PreparedPattern prepared, ForwardPass pass) {
        ForwardPass inside = pass.at("attn");
        Trace trace = inside.trace();
        return trace.tap("out", attention.forward(trace.tap("in", x), prepared, inside));
    }

    private static Tensor looked(Cross cross, Tensor x, ForwardPass pass) {
        ForwardPass inside = pass.at("cross");
        Trace trace = inside.trace();
        return trace.tap("out", cross.attention().forward(trace.tap("in", x), pass.encoded(), inside));
    }

    private static Tensor thought(FeedForward feedForward, Tensor x, ForwardPass pass) {
        ForwardPass inside = pass.at("mlp");
        Trace trace = inside.trace();
        return trace.tap("out", feedForward.forward(trace.tap("in", x), inside));
    }
}
