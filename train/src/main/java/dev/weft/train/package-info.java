/// The loop that trains: loss, gradients, clipping, optimizer, evaluation, checkpoints.
///
/// Start with [dev.weft.train.Trainer]. What is minimised is an [dev.weft.train.Objective]: a [dev.weft.train.TaskObjective]
/// for models with a head, others for distillation, preferences and embeddings. How weights change is an
/// [dev.weft.train.Optimizer] with a [dev.weft.train.WeightRule]; where a run is kept is a [dev.weft.train.RunFolder].
/// Before this room: `nn`, `data`, `eval`, `checkpoint`. After it: `adapt`, `scale`, `cli`.
@NullMarked
package dev.weft.train;

import org.jspecify.annotations.NullMarked;
