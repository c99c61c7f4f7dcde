/// Generation: a model scores the next id, a choice is made, and so on until the text ends.
///
/// Read [dev.weft.run.TextGenerator] first (a folder, a prompt, its text), then [dev.weft.run.Generator] (the same in ids
/// and in batches) and [dev.weft.run.Generation] (all settings, as in `generation_config.json`).
/// [dev.weft.run.RunningBatch] carries on texts that come and go.
///
/// From the model to the text: [dev.weft.run.CachedPasses] computes scores and holds the cache;
/// [dev.weft.run.ScoreStep] is where scores are changed, one's own step is a lambda; one of the [dev.weft.run.NextIds]
/// makes ids of them (one pass each, contrastive search, or guesses that are checked); a [dev.weft.run.TokenLoop] asks for
/// them and ends texts; [dev.weft.run.Generated] is what came of it. [dev.weft.run.BeamSearch] keeps several texts at once.
///
/// Before this room: `models`, `text`. After it: `serve`, `cli`.
@NullMarked
package dev.weft.run;

import org.jspecify.annotations.NullMarked;
