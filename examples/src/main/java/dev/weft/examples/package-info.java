/// Short programs on the public types; start with [dev.weft.examples.TrainAndGenerate].
@NullMarked
package dev.weft.examples;

import org.jspecify.annotations.NullMarked;
