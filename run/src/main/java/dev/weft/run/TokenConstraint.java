package dev.weft.run;

import dev.weft.grammar.Automaton;
import dev.weft.grammar.Constraint;
import dev.weft.grammar.TokenIds;
import dev.weft.text.Tokenizer;
import java.util.BitSet;
import java.util.Collections;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.stream.IntStream;

/// A [Constraint] in the ids of one tokenizer. What it finds out in one generation it remembers for the next, in some
/// 64 MB at the most. Safe to share between threads.
public final class TokenConstraint {
    private static final Map<Tokenizer, TokenIds> KNOWN = Collections.synchronizedMap(new WeakHashMap<>());

    private final Automaton automaton;
    private final TokenIds tokens;

    /// A constraint in the ids of a tokenizer.
    ///
    /// @throws IllegalArgumentException if its vocabulary cannot write it, or the text of an id depends on the id after it
    public static TokenConstraint of(Constraint constraint, Tokenizer tokenizer) {
        TokenIds tokens = ids(tokenizer);
        return new TokenConstraint(new Automaton(constraint, tokens), tokens);
    }

    static TokenIds ids(Tokenizer tokenizer) {
        return KNOWN.computeIfAbsent(tokenizer, each -> {
            byte[][] inside = each.bytesOfIds(false);
            var special = new BitSet();
            IntStream.range(0, inside.length).filter(each::isSpecial).forEach(special::set);
            return new TokenIds(inside, each.bytesOfIds(true), special);
        });
    }

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
