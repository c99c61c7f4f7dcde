/// Training examples made from ids: what is masked, corrupted or put together, and what is to be predicted.
///
/// Start with [dev.weft.data.examples.MaskedTokens]. Every maker is a pure function of ids and a random stream, and gives one
/// example as arrays by the names of the Python library: `input_ids`, `labels`, … Labels of −100 count for nothing.
///
/// Before this package: `text`. After it: what makes batches of examples, and the objectives of `train`.
@NullMarked
package dev.weft.data.examples;

import org.jspecify.annotations.NullMarked;
