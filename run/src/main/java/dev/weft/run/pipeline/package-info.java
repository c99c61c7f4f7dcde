/// A folder, texts, and typed answers: one class for each task.
///
/// Start with [Pipelines]. Encoders' tasks run through [Batches], which puts texts of like length together.
///
/// Before this room: `run` (generation), `models`, `text`. After it: `adapters`, `cli`.
@NullMarked
package dev.weft.run.pipeline;

import org.jspecify.annotations.NullMarked;
