package dev.weft.models.backbone;

import dev.weft.nn.Embedding;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Init;
import dev.weft.tensor.Tensor;
import java.util.Map;

/// A backbone of texts: it has a vector for each token of a vocabulary.
public interface TextBackbone extends Backbone {
    /// Token ids `[batch, seq]` to `[batch, seq, hidden]`.
    default Tensor forward(Tensor tokenIds, ForwardPass pass) {
        return forward(Inputs.ofIds(tokenIds), pass);
    }

    /// What it was built with.
    Sizes sizes();

    /// The input embedding, which a tied head shares.
    Embedding tokens();

    @Override
    default int hiddenSize() {
        return sizes().hiddenSize();
    }

    /// How many ids it has vectors for.
    default int vocabSize() {
        return sizes().vocabSize();
    }

    /// How many positions it can tell apart.
    default int maxPositions() {
        return sizes().maxPositionEmbeddings();
    }

    /// See [dev.weft.nn.LanguageModel#recomputesBeyond].
    default long recomputesBeyond() {
        return Long.MAX_VALUE;
    }

    @Override
    default int layers() {
        return sizes().numHiddenLayers();
    }

    @Override
    default Init init() {
        return sizes().init();
    }

    @Override
    default Map<String, Tensor> outputs(Map<String, Tensor> inputs, ForwardPass pass) {
        Inputs given = new Inputs(inputs).knowing(Inputs.TEXT);
        return Map.of("last_hidden_state", forward(given, given.in(pass)));
    }
}
