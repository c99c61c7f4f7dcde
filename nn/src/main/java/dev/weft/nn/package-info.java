/// The named parts that models are made of.
///
/// Start with [dev.weft.nn.Weights] (where a part's tensors come from), [dev.weft.nn.Projection] (what a learned map
/// is) and [dev.weft.nn.ForwardPass] (what changes from call to call). Attention stands in `nn.attention`, what
/// order is in `nn.position`, and `nn.block` puts them together. Before this room: `tensor`. After it: `checkpoint`, `models`. Knows no model.
@NullMarked
package dev.weft.nn;

import org.jspecify.annotations.NullMarked;
