/// Short programs on the public types; start with [dev.weft.examples.TrainAndGenerate], then
/// [dev.weft.examples.OpenAndSave] and [dev.weft.examples.Tokenize].
@NullMarked
package dev.weft.examples;

import org.jspecify.annotations.NullMarked;
