/// Short programs on the public types; start with [dev.weft.examples.TrainAndGenerate], then
/// [dev.weft.examples.OpenAndSave].
@NullMarked
package dev.weft.examples;

import org.jspecify.annotations.NullMarked;
