package dev.weft.nn.attention;

import dev.weft.nn.position.Rotary;
import org.jspecify.annotations.Nullable;

/// A [Reach] for the lengths and positions of one call.
///
/// @param mask   added to the scores
/// @param angles by which queries and keys are turned, or null
public record Sight(ScoreMask mask, Rotary.@Nullable Angles angles) {}
