/// What stands on a backbone: logits, and the loss that the reference computes from labels.
///
/// Start with [dev.weft.models.heads.CausalLanguageModel]; [dev.weft.models.heads.HeadLayout] says how each family's
/// checkpoints name what its heads need. Before this package: `models.backbone`. Knows no family.
@NullMarked
package dev.weft.models.heads;

import org.jspecify.annotations.NullMarked;
