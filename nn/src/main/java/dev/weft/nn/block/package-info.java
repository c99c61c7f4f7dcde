/// Blocks: attention and a feed-forward part between residuals, and the stack of them that is a model's body.
///
/// Read [dev.weft.nn.block.Block] first. Before this package: `nn`, `nn.attention`. Knows no model.
@NullMarked
package dev.weft.nn.block;

import org.jspecify.annotations.NullMarked;
