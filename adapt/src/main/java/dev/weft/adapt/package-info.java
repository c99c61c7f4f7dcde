/// Adapters: a model made to do something else by a few more weights, beside a base that stays as it was.
///
/// Start with [dev.weft.adapt.Adapted] (a base with an adapter), then [dev.weft.adapt.LoraConfig] (which projections
/// it changes) and [dev.weft.adapt.LowRank] (the formula); for prompts and prefixes [dev.weft.adapt.PromptConfig] and
/// [dev.weft.adapt.VirtualTokens]. Before this room: `models`, `train`. After it: `cli`.
@NullMarked
package dev.weft.adapt;

import org.jspecify.annotations.NullMarked;
