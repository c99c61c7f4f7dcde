/// Generation: a model scores the next id, a choice is made, and so on until the text ends.
///
/// Read [dev.weft.run.TextGenerator] first (a folder, a prompt, its text), then [dev.weft.run.Generator] (the same in ids
/// and in batches) and [dev.weft.run.Generation] (all settings, as in `generation_config.json`).
/// A [dev.weft.run.TokenLoop] asks one of the [dev.weft.run.NextIds] for id after id (one pass each, contrastive search, or
/// guesses that are checked); [dev.weft.run.BeamSearch] keeps several texts at once.
/// [dev.weft.run.ScoreStep] is where scores are changed before the choice; one's own step is a lambda.
///
/// Before this room: `models`, `text`. After it: `serve`, `cli`.
@NullMarked
package dev.weft.run;

import org.jspecify.annotations.NullMarked;
