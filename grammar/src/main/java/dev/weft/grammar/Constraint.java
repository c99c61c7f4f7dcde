package dev.weft.grammar;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What a text must be: the model chooses among what is allowed, and nothing else can be written.
///
/// ```java
/// var yesOrNo = writer.withConstraint(Constraint.choice(List.of("yes", "no")));
/// ```
/// Made once and shared: an [Automaton] puts it into the ids of a vocabulary, which takes longer than to make it. Immutable, and
/// safe to share between threads.
public final class Constraint {
    /// Between a marker and what stands behind it.
    private static final Term GAP = Term.optional(Term.either(Term.literal(" "),
            Term.times(Term.literal("\n"), 1, 2)));

    private final Term term;
    private final @Nullable String marker;

    private Constraint(Term term, @Nullable String marker) {
        this.term = term;
        this.marker = marker;
    }

    /// The whole text matches. The syntax is in `docs/constrained-decoding.md`: what Java, Python and JavaScript have in
    /// common, without look-around and references to groups.
    ///
    /// @throws IllegalArgumentException if the expression cannot be read, with the place and the reason
    public static Constraint regex(String expression) {
        return new Constraint(Regex.whole(expression, CodePoints::utf8), null);
    }

    /// A JSON value that holds to a schema (draft 2020-12), in one line. Which keywords are known and which of the valid
    /// values are written is in `docs/constrained-decoding.md`.
    ///
    /// @throws IllegalArgumentException if it is no schema, has a keyword that cannot be kept to, or no value holds to it,
    ///                                  with the place as a JSON pointer
    public static Constraint jsonSchema(String schema) {
        return new Constraint(JsonSchema.of(schema), null);
    }

    /// Any JSON value, in one line.
    public static Constraint json() {
        return new Constraint(JsonSchema.any(), null);
    }

    /// One of these strings.
    ///
    /// @throws IllegalArgumentException if there is none
    public static Constraint choice(List<String> strings) {
        if (strings.isEmpty()) {
            throw new IllegalArgumentException("A choice needs one string at least, found none");
        }
        return new Constraint(Term.either(strings.stream().map(Term::literal).toList()), null);
    }

    /// The same behind the first occurrence of a text: up to there the model writes what it likes, special tokens
    /// included, but does not end. A space or one or two line feeds may stand behind the marker.
    ///
    /// @param marker such as `</think>`
    /// @throws IllegalArgumentException if the marker is empty, or there is one already
    public Constraint after(String marker) {
        if (marker.isEmpty() || this.marker != null) {
            throw new IllegalArgumentException(marker.isEmpty()
                    ? "The marker behind which a text is constrained must not be empty"
                    : "There is a marker already: " + this.marker);
        }
        return new Constraint(Term.sequence(Dfa.upTo(marker.getBytes(StandardCharsets.UTF_8)), GAP, term), marker);
    }

    /// Whether a whole text is allowed; of one that was cut for its length, for instance.
    public boolean allows(String text) {
        return term.matches(text.getBytes(StandardCharsets.UTF_8));
    }

    Term term() {
        return term;
    }
}
