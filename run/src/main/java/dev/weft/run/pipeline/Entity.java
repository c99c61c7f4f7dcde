package dev.weft.run.pipeline;

/// A stretch of a text with a label.
///
/// @param label of the whole: `PER`; of single tokens as the model has it: `B-PER`
/// @param score the mean probability of its tokens or words
/// @param text  `text.substring(start, end)`
public record Entity(String label, double score, String text, int start, int end) {}
