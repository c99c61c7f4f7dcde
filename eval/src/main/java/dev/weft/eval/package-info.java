/// Metrics: how good a model's answers are.
///
/// Start with [dev.weft.eval.LanguageModelScore]. Before this room: `data`. After it: `train`, `cli`.
@NullMarked
package dev.weft.eval;

import org.jspecify.annotations.NullMarked;
