package dev.weft.nn.attention;

import dev.weft.nn.ScoreMask;
import dev.weft.nn.position.Rotary;
import org.jspecify.annotations.Nullable;

/// A [AttentionPattern] for the lengths and positions of one call.
///
/// @param mask   added to the scores
/// @param angles by which queries and keys are turned, or null
/// @param window how many keys a query sees at the most, its own among them
public record PreparedPattern(ScoreMask mask, Rotary.@Nullable Angles angles, long window) {}
