package dev.weft.models.backbone;

import dev.weft.nn.ForwardPass;
import dev.weft.nn.Init;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// A family's stack of blocks without a head: of texts ([TextBackbone]), or of anything else that becomes vectors in a row,
/// patches of a picture, frames of a sound.
///
/// Every family shows the same names to a [dev.weft.nn.Trace]; [dev.weft.nn.block.Stack] lists them.
public interface Backbone {
    /// What enters the first block: `[batch, seq, hidden]`.
    ///
    /// @throws IllegalArgumentException if something that it needs is missing
    Tensor embed(Inputs inputs, ForwardPass pass);

    /// Through all blocks and the last norm: `[batch, seq, hidden]` to the same shape.
    Tensor blocks(Tensor embedded, ForwardPass pass);

    /// What it is given to `[batch, seq, hidden]`. Masks and positions are those of `pass`; [Inputs#in] puts them there.
    default Tensor forward(Inputs inputs, ForwardPass pass) {
        return blocks(embed(inputs, pass), pass);
    }

    /// Width of what [#forward] gives.
    int hiddenSize();

    /// How many blocks.
    int layers();

    /// How a head's new weights begin.
    Init init();

    /// Vectors of no token that stand before every text: [#outputs] has them, [#forward] leaves them out.
    default int prompts() {
        return 0;
    }

    /// Runs on arguments by the reference's names: `last_hidden_state`, and `encoder_last_hidden_state` of an
    /// encoder-decoder.
    default Map<String, Tensor> outputs(Map<String, Tensor> inputs, ForwardPass pass) {
        var given = new Inputs(inputs);
        return Map.of("last_hidden_state", forward(given, given.in(pass)));
    }
}
