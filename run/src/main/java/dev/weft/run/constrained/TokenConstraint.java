package dev.weft.run.constrained;

import dev.weft.run.Generation;
import dev.weft.run.Prompts;
import dev.weft.run.ScoreStep;

/// A [Constraint] in the ids of one tokenizer. What it finds out in one generation it remembers for the next, in some
/// 64 MB at the most. Safe to share between threads.
public final class TokenConstraint {
    private final Automaton automaton;
    private final TokenIds tokens;

    TokenConstraint(Automaton automaton, TokenIds tokens) {
        this.automaton = automaton;
        this.tokens = tokens;
    }

    /// The step that keeps the texts of one generation to it. It comes behind all steps that forbid.
    ///
    /// @param room new ids at the most for each prompt: as they come to an end, only such ids are allowed with which the
    ///             text can still be ended well
    /// @throws IllegalArgumentException if no id ends a text
    public ScoreStep begin(Prompts prompts, Generation options, int[] room) {
        if (options.limits().endIds().isEmpty()) {
            throw new IllegalArgumentException(
                    "A constraint needs an end id, by which a text ends that is whole; give one with withEndIds");
        }
        return new Tracking(automaton, tokens, prompts, options, room);
    }
}
