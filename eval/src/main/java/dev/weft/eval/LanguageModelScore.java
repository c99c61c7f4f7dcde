package dev.weft.eval;

import java.util.LinkedHashMap;
import java.util.Map;

/// How well a language model predicts a text.
///
/// @param negativeLogLikelihood −Σ log p(token) over all tokens predicted, in nats
/// @param tokens                how many those are
/// @param bytes                 UTF-8 bytes of the text they stand for, so that vocabularies can be compared
public record LanguageModelScore(double negativeLogLikelihood, long tokens, long bytes) {
    public LanguageModelScore {
        if (tokens < 1 || bytes < 1) {
            throw new IllegalArgumentException("A score needs at least one token and one byte, found %d and %d"
                    .formatted(tokens, bytes));
        }
        if (Double.isNaN(negativeLogLikelihood)) {
            throw new IllegalArgumentException(
                    "The negative log likelihood of %d tokens is not a number; look for an overflow in what the model gave"
                            .formatted(tokens));
        }
    }

    /// Mean negative log likelihood per token, in nats.
    public double loss() {
        return negativeLogLikelihood / tokens;
    }

    /// exp(loss): among how many equally likely tokens it hesitates.
    public double perplexity() {
        return Math.exp(loss());
    }

    /// Bits needed per byte of text; independent of the vocabulary.
    public double bitsPerByte() {
        return negativeLogLikelihood / Math.log(2) / bytes;
    }

    /// By the names the field writes.
    public Map<String, Double> values() {
        var values = new LinkedHashMap<String, Double>();
        values.put("loss", loss());
        values.put("perplexity", perplexity());
        values.put("bits_per_byte", bitsPerByte());
        return values;
    }

    /// Both texts together.
    public LanguageModelScore plus(LanguageModelScore other) {
        return new LanguageModelScore(negativeLogLikelihood + other.negativeLogLikelihood, tokens + other.tokens,
                bytes + other.bytes);
    }
}
