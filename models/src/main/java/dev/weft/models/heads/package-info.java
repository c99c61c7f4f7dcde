/// What stands on a backbone: logits, and the loss that the reference computes from labels.
///
/// Start with [dev.weft.models.heads.CausalLanguageModel]. Needs `models`.
@NullMarked
package dev.weft.models.heads;

import org.jspecify.annotations.NullMarked;
