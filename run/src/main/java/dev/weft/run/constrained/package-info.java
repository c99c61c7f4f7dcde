/// Constrained generation: what is written meets a regular expression, a JSON schema, or is one of a few strings.
///
/// Read [Constraint] first (what is allowed; what a user says), then [TokenConstraint] (the same in the ids of one
/// tokenizer: what is shared) and [Tracking] (where the texts of one generation stand: a
/// [dev.weft.run.ScoreStep]). All three kinds become a [Term]: what may still come, as bytes, and with each byte that
/// comes, another such term (Brzozowski 1964). [Regex] and [JsonSchema] make terms; [Automaton] remembers those that were
/// met, and which ids each allows, found by one walk through the [TokenTrie].
///
/// Before this room: `run`, `text`. After it: `cli`.
@NullMarked
package dev.weft.run.constrained;

import org.jspecify.annotations.NullMarked;
