package dev.weft.models.backbone;

import dev.weft.nn.Init;

/// What every family's config says under the same names.
public interface Sizes {
    /// How many ids there are.
    int vocabSize();

    /// Width of the stream.
    int hiddenSize();

    /// How many blocks.
    int numHiddenLayers();

    /// How many query heads a block has.
    int numAttentionHeads();

    /// The longest text it was made for, in tokens.
    int maxPositionEmbeddings();

    /// Standard deviation of new weights.
    double initializerRange();

    /// Width of a head.
    default int headDim() {
        return hiddenSize() / numAttentionHeads();
    }

    /// How new weights begin.
    default Init init() {
        return Init.normal(initializerRange());
    }

    /// Sizes of one half of an encoder-decoder.
    record Half(int vocabSize, int hiddenSize, int numHiddenLayers, int numAttentionHeads, int maxPositionEmbeddings,
            double initializerRange) implements Sizes {}

    /// @param kvHeads 0: not said yet
    /// @throws IllegalArgumentException if key heads cannot be shared among query heads, or a head's channels do not form pairs
    static void requireHeads(int heads, int kvHeads, int headDim) {
        if (kvHeads > 0) {
            requireMultiple("num_attention_heads", heads, "num_key_value_heads", kvHeads);
        }
        if (headDim % 2 != 0) {
            throw new IllegalArgumentException(
                    "config.json: head_dim must be even for rotary positions, found " + headDim);
        }
    }

    /// @throws IllegalArgumentException if `size` cannot be split into `parts`; the message has the names that `config.json`
    ///                                  has for them
    static void requireMultiple(String name, int size, String partsName, int parts) {
        if (size % parts != 0) {
            throw new IllegalArgumentException(
                    "config.json: %s (%d) must be a multiple of %s (%d)".formatted(name, size, partsName, parts));
        }
    }
}
