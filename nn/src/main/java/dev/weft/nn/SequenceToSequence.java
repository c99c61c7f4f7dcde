package dev.weft.nn;

import dev.weft.tensor.Tensor;
import java.util.Map;

/// A language model whose every token looks at another text, or at an image or a sound, that was encoded before. As a
/// [LanguageModel] it is its decoder, on a pass that carries what was encoded ([ForwardPass#withEncoded]).
public interface SequenceToSequence extends LanguageModel {
    /// What the decoder looks at.
    ///
    /// @param inputs by the names of the Python library: `input_ids [batch, seq]`, `attention_mask [batch, seq]`, …
    Encoded encode(Map<String, Tensor> inputs, ForwardPass pass);
}
