/// Whether this machine computes what plain Java computes: what `weft doctor --numbers` runs.
///
/// Before this package: `nn.attention`. Knows no model.
@NullMarked
package dev.weft.nn.numbers;

import org.jspecify.annotations.NullMarked;
