package dev.weft.nn.attention;

import dev.weft.nn.ScoreMask;
import dev.weft.nn.Dropout;
import dev.weft.nn.Encoded;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.KvCache;
import dev.weft.nn.Projection;
import dev.weft.tensor.Autocast;
import dev.weft.tensor.Tensor;
import java.util.List;

/// A decoder's positions gather from what an encoder made: “Attention Is All You Need”, §3.2.3.
///
/// @param queries of the decoder's hidden states
/// @param inputs  keys and values of the encoder's
/// @param output  back to the decoder's hidden size
public record CrossAttention(int heads, int headDim, Projection queries, KeysValues inputs, Projection output,
        Attention attention) {

    /// How checkpoints store the two projections.
    public sealed interface KeysValues {
        /// Two projections.
        record Apart(Projection keys, Projection values) implements KeysValues {}

        /// One projection to keys and then values.
        record Packed(Projection both) implements KeysValues {}
    }

    /// `[batch, seq, hidden]` to the same shape. With a cache, what is encoded is projected once.
    public Tensor forward(Tensor hidden, Encoded encoded, ForwardPass pass) {
        KvCache.Entry known = pass.cache() == null
                ? keysValues(encoded, pass)
                : pass.cache().encoded(this, () -> keysValues(encoded, pass));
        ScoreMask mask = encoded.mask().prepare(hidden.size(1), known.keys().size(2), hidden.device());
        Tensor asks = pass.trace().tap("q", apart(queries.forward(hidden, pass.dropout())));
        return HeadResults.joined(
                attention.attend(asks, known.keys(), known.values(), mask, pass.dropout(), pass.trace()), output, pass);
    }

    private KvCache.Entry keysValues(Encoded encoded, ForwardPass pass) {
        Dropout drop = pass.dropout();
        Tensor x = Autocast.narrowed(encoded.hidden());
        List<Tensor> pair = switch (inputs) {
            case KeysValues.Apart(Projection keys, Projection values) ->
                List.of(keys.forward(x, drop), values.forward(x, drop));
            case KeysValues.Packed(Projection both) -> both.forward(x, drop).chunk(2, -1);
        };
        return new KvCache.Entry(pass.trace().tap("k", apart(pair.get(0))), pass.trace().tap("v", apart(pair.get(1))));
    }

    private Tensor apart(Tensor projected) {
        return projected.reshape(projected.size(0), projected.size(1), heads, headDim).transpose(1, 2);
    }
}
