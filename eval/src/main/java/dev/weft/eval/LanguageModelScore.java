package dev.weft.eval;

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

    /// Both texts together.
    public LanguageModelScore plus(LanguageModelScore other) {
        return new LanguageModelScore(negativeLogLikelihood + other.negativeLogLikelihood, tokens + other.tokens,
                bytes + other.bytes);
    }
}
