/// The loop that trains: loss, gradients, clipping, optimizer, evaluation, checkpoints.
///
/// Start with [dev.weft.train.Trainer]. What is minimised is an [dev.weft.train.Objective]: a
/// [dev.weft.train.TaskObjective] for the models with heads, others for distillation, preferences and embeddings; where a run is kept is a
/// [dev.weft.train.RunFolder]. Before this room: `nn`, `data`, `eval`, `checkpoint`. After it: `adapt`, `scale`, `cli`.
@NullMarked
package dev.weft.train;

import org.jspecify.annotations.NullMarked;
