package dev.weft.nn;

import dev.weft.nn.attention.CrossAttention;
import dev.weft.nn.attention.SelfAttention;
import dev.weft.nn.attention.Sight;
import dev.weft.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// One layer of a Transformer: `[batch, seq, hidden]` to the same shape.
public interface Block {
    Tensor forward(Tensor x, Sight sight, ForwardPass pass);

    /// A look at an encoder, between attention and feed-forward.
    record Cross(Residual around, CrossAttention attention) {}

    /// Attention, then cross attention where there is one, then the feed-forward part, each in a residual.
    record Sequential(Residual aroundAttention, SelfAttention attention, @Nullable Cross cross,
            Residual aroundFeedForward, FeedForward feedForward) implements Block {
        @Override
        public Tensor forward(Tensor x, Sight sight, ForwardPass pass) {
            Tensor hidden = aroundAttention.apply(x, each -> attended(attention, each, sight, pass), pass.dropout());
            if (cross != null && pass.encoded() != null) {
                hidden = cross.around().apply(hidden,
                        each -> cross.attention().forward(each, pass.encoded(), pass.at("cross")), pass.dropout());
            }
            return aroundFeedForward.apply(hidden, each -> thought(feedForward, each, pass), pass.dropout());
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
        public Tensor forward(Tensor x, Sight sight, ForwardPass pass) {
            Tensor entry = attentionNorm.forward(x);
            Tensor gathered = attended(attention, entry, sight, pass);
            Tensor thought = thought(feedForward, attentionNorm == feedForwardNorm
                    ? entry
                    : feedForwardNorm.forward(x), pass);
            Dropout drop = pass.dropout();
            return x.add(drop.apply(gathered, dropout)).add(drop.apply(thought, dropout));
        }
    }

    private static Tensor attended(SelfAttention attention, Tensor x, Sight sight, ForwardPass pass) {
        ForwardPass inside = pass.at("attn");
        return inside.trace().tap("out", attention.forward(x, sight, inside));
    }

    private static Tensor thought(FeedForward feedForward, Tensor x, ForwardPass pass) {
        return pass.trace().tap("mlp.out", feedForward.forward(x, pass.dropout()));
    }
}
