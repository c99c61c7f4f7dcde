/// Grammars over bytes: what a text must be, a regular expression, a JSON schema or one of a few strings, and which ids of a
/// vocabulary may come next.
///
/// Read [Constraint] first (what is allowed; what a user says), then [Automaton] (the same in the ids of one vocabulary, told by
/// [TokenIds]). All kinds become a [Term]: what may still come, as bytes, and with each byte that comes, another such term
/// (Brzozowski 1964). [Regex] and [JsonSchema] make terms; the automaton remembers those that were met, and which ids each
/// allows, found by one walk through the [TokenTrie].
///
/// Knows no other room and has no native code. After it: `run`.
@NullMarked
package dev.weft.grammar;

import org.jspecify.annotations.NullMarked;
