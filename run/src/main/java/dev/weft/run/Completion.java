package dev.weft.run;

/// A text that goes on from a prompt.
///
/// @param text         what follows the prompt, without special tokens and stop string
/// @param promptTokens how many ids the prompt had
/// @param newTokens    how many were generated, the end id included
/// @param score        of beam search, otherwise NaN
public record Completion(String text, int promptTokens, int newTokens, Finish finish, double score) {}
