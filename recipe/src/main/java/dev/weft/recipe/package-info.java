/// Training runs told as data: a recipe names a task, a model, data and how to train, in a file that people read; and how
/// well a model does its task.
///
/// Before this room: `adapt`, `run`. After it: `cli`.
@NullMarked
package dev.weft.recipe;

import org.jspecify.annotations.NullMarked;
