/// From a model folder to an answer.
///
/// Start with [dev.weft.run.TextGenerator] (five lines to a text), then [dev.weft.run.Generation] (the options),
/// [dev.weft.run.Decoding] (one token after the other) and [dev.weft.run.ScoreStep] (what may change the scores). Before
/// this room: `models`, `text`. After it: `inspect`, `serve`, `cli`.
@NullMarked
package dev.weft.run;

import org.jspecify.annotations.NullMarked;
