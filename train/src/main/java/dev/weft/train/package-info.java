/// The loop that trains: loss, gradients, clipping, optimizer, evaluation, checkpoints.
///
/// Start with [dev.weft.train.Trainer]. What is minimised is an [dev.weft.train.Objective]; where a run is kept is a
/// [dev.weft.train.RunFolder]. Before this room: `nn`, `data`, `eval`, `checkpoint`. After it: `adapt`, `scale`, `cli`.
@NullMarked
package dev.weft.train;

import org.jspecify.annotations.NullMarked;
