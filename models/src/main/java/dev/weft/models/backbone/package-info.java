/// What a model's body is to whatever stands on it or feeds it: from inputs to hidden vectors.
///
/// Start with [dev.weft.models.backbone.Backbone]. After this package: `models.heads`, and the families that are backbones.
@NullMarked
package dev.weft.models.backbone;

import org.jspecify.annotations.NullMarked;
