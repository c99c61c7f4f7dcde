package dev.weft.grammar;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// What may come, as bytes: an expression, and with each byte that comes another one, its derivative (Brzozowski 1964,
/// “Derivatives of Regular Expressions”). [Named] terms may hold themselves, and so brackets nest.
///
/// A state of the automaton is a term, and two terms that are written alike are one state.
abstract sealed class Term {
    static final int FOREVER = Integer.MAX_VALUE;
    static final Term NOTHING = new Constant(false);
    static final Term EMPTY = new Constant(true);

    private final int hash;

    private Term(int hash) {
        this.hash = hash;
    }

    /// Whether this may be the end.
    abstract boolean nullable();

    /// What may come after a byte; [#NOTHING] if the byte may not.
    abstract Term after(int value);

    /// The same, made anew of changed parts: `leaf` is asked for the [One], [Literal], [Named] and [InDfa] in it.
    abstract Term map(UnaryOperator<Term> leaf);

    @Override
    public final int hashCode() {
        return hash;
    }

    @Override
    public abstract boolean equals(@Nullable Object other);

    // ---- making ----

    static Term bytes(ByteSet set) {
        return switch (set.size()) {
            case 0 -> NOTHING;
            case 1 -> literal(new byte[]{(byte) set.first()});
            default -> new One(set);
        };
    }

    static Term literal(byte[] bytes) {
        return bytes.length == 0 ? EMPTY : new Literal(bytes, 0);
    }

    static Term literal(String text) {
        return literal(text.getBytes(StandardCharsets.UTF_8));
    }

    static Term sequence(Term... parts) {
        Term all = EMPTY;
        for (int i = parts.length - 1; i >= 0; i--) {
            all = then(parts[i], all);
        }
        return all;
    }

    static Term then(Term first, Term rest) {
        if (first == NOTHING || rest == NOTHING) {
            return NOTHING;
        }
        if (first == EMPTY) {
            return rest;
        }
        if (rest == EMPTY) {
            return first;
        }
        if (first instanceof Then) {
            return joined(parts(first), rest);
        }
        if (first instanceof Literal one) {
            if (rest instanceof Literal other) {
                return one.joined(other);
            }
            if (rest instanceof Then then && then.head instanceof Literal other) {
                return new Then(one.joined(other), then.rest);
            }
        }
        return new Then(first, rest);
    }

    /// The parts of a sequence, of which none is one itself. Sequences are as long as a text is deep: no recursion.
    private static List<Term> parts(Term term) {
        var parts = new ArrayList<Term>();
        Term rest = term;
        while (rest instanceof Then then) {
            parts.add(then.head);
            rest = then.rest;
        }
        parts.add(rest);
        return parts;
    }

    private static Term joined(List<Term> parts, Term rest) {
        Term all = rest;
        for (Term part : parts.reversed()) {
            all = then(part, all);
        }
        return all;
    }

    static Term either(Term... options) {
        return either(List.of(options));
    }

    static Term either(Collection<? extends Term> options) {
        var different = new LinkedHashSet<Term>();
        ByteSet single = ByteSet.NONE;
        for (Term option : options) {
            for (Term each : option instanceof Either all ? all.options : Set.of(option)) {
                if (each instanceof One one) {
                    single = single.or(one.set);
                } else if (each instanceof Literal literal && literal.length() == 1) {
                    single = single.or(ByteSet.of(literal.at(0)));
                } else if (each != NOTHING) {
                    different.add(each);
                }
            }
        }
        if (!single.equals(ByteSet.NONE)) {
            different.add(bytes(single));
        }
        return switch (different.size()) {
            case 0 -> NOTHING;
            case 1 -> different.getFirst();
            default -> new Either(different);
        };
    }

    static Term optional(Term term) {
        return either(EMPTY, term);
    }

    /// @param most [#FOREVER] for no bound
    static Term times(Term each, int least, int most) {
        if (most == 0 || each == EMPTY) {
            return EMPTY;
        }
        if (each == NOTHING) {
            return least == 0 ? EMPTY : NOTHING;
        }
        // What may be empty may be left out as often as one likes.
        int needed = each.nullable() ? 0 : least;
        return needed == 1 && most == 1 ? each : new Times(each, needed, most);
    }

    static Term both(Collection<Term> all) {
        var different = new LinkedHashSet<>(all);
        return different.contains(NOTHING)
                ? NOTHING
                : different.size() == 1 ? different.getFirst() : new Both(different);
    }

    static Term except(Term term) {
        return new Except(term);
    }

    /// Whether a whole text is what may come.
    boolean matches(byte[] text) {
        Term rest = this;
        for (byte each : text) {
            rest = rest.after(each & 0xFF);
        }
        return rest.nullable();
    }

    // ---- the kinds ----

    /// No text at all, or the empty one.
    private static final class Constant extends Term {
        private final boolean nullable;

        Constant(boolean nullable) {
            super(nullable ? 2 : 1);
            this.nullable = nullable;
        }

        @Override
        boolean nullable() {
            return nullable;
        }

        @Override
        Term after(int value) {
            return NOTHING;
        }

        @Override
        Term map(UnaryOperator<Term> leaf) {
            return this;
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return this == other;
        }
    }

    /// One of two bytes or more.
    static final class One extends Term {
        final ByteSet set;

        private One(ByteSet set) {
            super(set.hashCode());
            this.set = set;
        }

        @Override
        boolean nullable() {
            return false;
        }

        @Override
        Term after(int value) {
            return set.has(value) ? EMPTY : NOTHING;
        }

        @Override
        Term map(UnaryOperator<Term> leaf) {
            return leaf.apply(this);
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof One one && set.equals(one.set);
        }
    }

    /// These bytes, of which the first have come already.
    static final class Literal extends Term {
        final byte[] bytes;
        final int from;
        /// Fewest ids for the bytes from each place on; see [Automaton].
        private volatile int @Nullable [] prices;

        private Literal(byte[] bytes, int from) {
            super(hash(bytes, from));
            this.bytes = bytes;
            this.from = from;
        }

        private static int hash(byte[] bytes, int from) {
            int hash = 7;
            for (int i = from; i < bytes.length; i++) {
                hash = 31 * hash + bytes[i];
            }
            return hash;
        }

        int length() {
            return bytes.length - from;
        }

        int at(int index) {
            return bytes[from + index] & 0xFF;
        }

        Literal joined(Literal other) {
            byte[] all = new byte[length() + other.length()];
            System.arraycopy(bytes, from, all, 0, length());
            System.arraycopy(other.bytes, other.from, all, length(), other.length());
            return new Literal(all, 0);
        }

        int price(TokenTrie tokens) {
            int[] known = prices;
            if (known == null) {
                known = tokens.prices(bytes);
                prices = known;
            }
            return known[from];
        }

        /// The same for another vocabulary.
        Literal unpriced() {
            return new Literal(bytes, from);
        }

        @Override
        boolean nullable() {
            return false;
        }

        @Override
        Term after(int value) {
            if (at(0) != value) {
                return NOTHING;
            }
            if (length() == 1) {
                return EMPTY;
            }
            var rest = new Literal(bytes, from + 1);
            rest.prices = prices;
            return rest;
        }

        @Override
        Term map(UnaryOperator<Term> leaf) {
            return leaf.apply(this);
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return this == other || other instanceof Literal literal && hashCode() == literal.hashCode()
                    && Arrays.equals(bytes, from, bytes.length, literal.bytes, literal.from, literal.bytes.length);
        }
    }

    /// One after the other; the first is never such a sequence itself.
    static final class Then extends Term {
        final Term head;
        final Term rest;
        /// Ids that the whole takes at the most, or −1 as long as nobody has asked; see [Automaton].
        int price = -1;

        private Then(Term head, Term rest) {
            super(31 * head.hashCode() + rest.hashCode() + 5);
            this.head = head;
            this.rest = rest;
        }

        @Override
        boolean nullable() {
            return head.nullable() && rest.nullable();
        }

        @Override
        Term after(int value) {
            Term first = then(head.after(value), rest);
            return head.nullable() ? either(first, rest.after(value)) : first;
        }

        @Override
        Term map(UnaryOperator<Term> leaf) {
            return joined(parts(this).stream().map(part -> part.map(leaf)).toList(), EMPTY);
        }

        /// Along the sequence without recursion: it is as long as brackets are deep.
        @Override
        public boolean equals(@Nullable Object other) {
            Object mine = this;
            Object theirs = other;
            while (mine != theirs) {
                if (!(mine instanceof Then one && theirs instanceof Then two)) {
                    return mine != null && mine.equals(theirs);
                }
                if (one.hashCode() != two.hashCode() || !one.head.equals(two.head)) {
                    return false;
                }
                mine = one.rest;
                theirs = two.rest;
            }
            return true;
        }
    }

    static final class Either extends Term {
        final Set<Term> options;
        private final boolean nullable;

        private Either(Set<Term> options) {
            super(options.hashCode() * 31 + 3);
            if (options.size() > 20_000) {
                throw new IllegalArgumentException(
                        "The constraint can be read in more than 20,000 ways at once; make it less ambiguous, for instance by not nesting repetitions");
            }
            this.options = options;
            nullable = options.stream().anyMatch(Term::nullable);
        }

        @Override
        boolean nullable() {
            return nullable;
        }

        @Override
        Term after(int value) {
            return either(options.stream().map(each -> each.after(value)).toList());
        }

        @Override
        Term map(UnaryOperator<Term> leaf) {
            return either(options.stream().map(each -> each.map(leaf)).toList());
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return this == other || other instanceof Either either && hashCode() == either.hashCode()
                    && options.equals(either.options);
        }
    }

    static final class Times extends Term {
        final Term each;
        final int least;
        final int most;

        private Times(Term each, int least, int most) {
            super((each.hashCode() * 31 + least) * 31 + most);
            this.each = each;
            this.least = least;
            this.most = most;
        }

        @Override
        boolean nullable() {
            return least == 0;
        }

        @Override
        Term after(int value) {
            Term first = each.after(value);
            return first == NOTHING
                    ? NOTHING
                    : then(first, times(each, Math.max(0, least - 1), most == FOREVER ? FOREVER : most - 1));
        }

        @Override
        Term map(UnaryOperator<Term> leaf) {
            return times(each.map(leaf), least, most);
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return this == other || other instanceof Times times && least == times.least && most == times.most
                    && each.equals(times.each);
        }
    }

    /// A term that may hold itself. It begins with a byte, so that it is never empty and always known after that byte.
    static final class Named extends Term {
        /// For messages: where it is from.
        final String name;
        @Nullable
        Term body;
        /// Ids that it takes at the most where the shortest way is gone; see [Automaton].
        int price = FOREVER;

        Named(String name) {
            super(name.hashCode());
            this.name = name;
        }

        Term body() {
            if (body == null) {
                throw new IllegalStateException(name + " is not known yet");
            }
            return body;
        }

        @Override
        boolean nullable() {
            return false;
        }

        @Override
        Term after(int value) {
            return body().after(value);
        }

        @Override
        Term map(UnaryOperator<Term> leaf) {
            return leaf.apply(this);
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return this == other;
        }
    }

    /// A state of a finished automaton.
    static final class InDfa extends Term {
        final Dfa dfa;
        final int state;

        private InDfa(Dfa dfa, int state) {
            super(System.identityHashCode(dfa) * 31 + state);
            this.dfa = dfa;
            this.state = state;
        }

        static Term of(Dfa dfa, int state) {
            return state < 0 ? NOTHING : dfa.isEnd(state) ? EMPTY : new InDfa(dfa, state);
        }

        @Override
        boolean nullable() {
            return dfa.accepts(state);
        }

        @Override
        Term after(int value) {
            return of(dfa, dfa.next(state, value));
        }

        @Override
        Term map(UnaryOperator<Term> leaf) {
            return leaf.apply(this);
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof InDfa in && dfa == in.dfa && state == in.state;
        }
    }

    /// What each of several allows; only inside a [Dfa] that is being made.
    static final class Both extends Term {
        final Set<Term> all;

        private Both(Set<Term> all) {
            super(all.hashCode() * 31 + 11);
            this.all = all;
        }

        @Override
        boolean nullable() {
            return all.stream().allMatch(Term::nullable);
        }

        @Override
        Term after(int value) {
            return both(all.stream().map(each -> each.after(value)).toList());
        }

        @Override
        Term map(UnaryOperator<Term> leaf) {
            return both(all.stream().map(each -> each.map(leaf)).toList());
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Both both && all.equals(both.all);
        }
    }

    /// All that a term does not allow; only inside a [Dfa] that is being made.
    static final class Except extends Term {
        final Term term;

        private Except(Term term) {
            super(term.hashCode() * 31 + 13);
            this.term = term;
        }

        @Override
        boolean nullable() {
            return !term.nullable();
        }

        @Override
        Term after(int value) {
            return except(term.after(value));
        }

        @Override
        Term map(UnaryOperator<Term> leaf) {
            return except(term.map(leaf));
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Except except && term.equals(except.term);
        }
    }
}
