package dev.weft.nn.attention;

import dev.weft.nn.Encoded;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Projection;
import dev.weft.tensor.Tensor;

/// A decoder's positions gather from what an encoder made: “Attention Is All You Need”, §3.2.3.
///
/// @param queries of the decoder's hidden states
/// @param keys    of the encoder's
/// @param values  of the encoder's
/// @param output  back to the decoder's hidden size
public record CrossAttention(int heads, int headDim, Projection queries, Projection keys, Projection values,
        Projection output, Attention attention) {

    /// `[batch, seq, hidden]` to the same shape.
    public Tensor forward(Tensor hidden, Encoded encoded, ForwardPass pass) {
        ScoreMask mask = encoded.mask().prepare(hidden.size(1), encoded.hidden().size(1), hidden.device());
        Tensor gathered = attention.attend(apart(queries.forward(hidden)), apart(keys.forward(encoded.hidden())),
                apart(values.forward(encoded.hidden())), mask, pass.dropout(), pass.trace());
        return output.forward(gathered.transpose(1, 2).reshape(hidden.size(0), hidden.size(1), (long) heads * headDim));
    }

    private Tensor apart(Tensor projected) {
        return projected.view(projected.size(0), projected.size(1), heads, headDim).transpose(1, 2);
    }
}
