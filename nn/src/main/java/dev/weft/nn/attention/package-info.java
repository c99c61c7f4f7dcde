/// Attention: how each position gathers from the others.
///
/// Read [Attention] first (the formula, and which kernel computes it), then [GroupedQueryAttention] (projections and
/// heads) and [AttentionMask] (who sees whom). Multi-head and multi-query attention are grouped-query attention with
/// other head counts.
///
/// Before this room: `nn.position`. After it: the families of `models`. Needs `tensor`; knows no model.
@NullMarked
package dev.weft.nn.attention;

import dev.weft.nn.AttentionMask;
import org.jspecify.annotations.NullMarked;
