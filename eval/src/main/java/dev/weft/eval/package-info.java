/// Metrics: how good a model's answers are.
///
/// Start with [dev.weft.eval.Metric] and [dev.weft.eval.UsualMetrics], which says what is usual where; then read the metric you
/// need, such as [dev.weft.eval.Classification] or [dev.weft.eval.Bleu]. [dev.weft.eval.LanguageModelScore] is how well
/// texts are predicted. Pictures are in `eval.picture`. Before this room: `data`. After it: `train`, `cli`.
@NullMarked
package dev.weft.eval;

import org.jspecify.annotations.NullMarked;
