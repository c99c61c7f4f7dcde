/// Pictures of results as SVG: [dev.weft.eval.picture.Chart] for curves, [dev.weft.eval.picture.HeatMap] for tables of
/// numbers, both drawn with [dev.weft.eval.picture.Drawing].
@NullMarked
package dev.weft.eval.picture;

import org.jspecify.annotations.NullMarked;
