package dev.weft.run.pipeline;

/// Where a text answers a question.
///
/// @param text  `context.substring(start, end)`; empty where there is no answer
/// @param score its probability in the part of the text where it was found; of words found several times their sum
public record Answer(String text, double score, int start, int end) {}
