package dev.weft.run;

/// A text that goes on from a prompt.
///
/// @param text         what follows the prompt, without special tokens and stop string
/// @param promptTokens how many ids the prompt had
/// @param newTokens    how many were generated, the end id included
/// @param logProbabilities of each of the new tokens, given those before it, after all steps
/// @param score        of beam search, otherwise NaN
public record Completion(String text, int promptTokens, int newTokens, float[] logProbabilities, Finish finish,
        double score) {}
