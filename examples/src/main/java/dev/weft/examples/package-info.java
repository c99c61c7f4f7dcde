/// Short programs on the public types; start with [dev.weft.examples.TrainAndGenerate], then
/// [dev.weft.examples.OpenAndSave], [dev.weft.examples.Tokenize] and [dev.weft.examples.Converse].
@NullMarked
package dev.weft.examples;

import org.jspecify.annotations.NullMarked;
