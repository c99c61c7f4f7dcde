package dev.weft.grammar;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// A constraint over the ids of one vocabulary. States are made when they are first met, and remembered: terms recur.
/// Safe to share between threads.
///
/// A state has a price: so many ids it takes at the most to reach the end from there. With it a text can be brought to
/// its end before its room is used up.
public final class Automaton {
    /// What is remembered takes so many bytes, or little more; then all of it is forgotten and begun anew.
    static final long MOST_BYTES = 64L << 20;

    private final TokenIds tokens;
    private final Term root;
    private final long mostBytes;
    private volatile Memory memory = new Memory();

    /// A point in a text.
    public static final class State {
        final Memory memory;
        final Term term;
        private final boolean accepts;
        /// Whether the marker behind which the constraint begins is yet to come.
        final boolean free;
        /// Ids to the end at the most, going the shortest way.
        final int price;
        private State @Nullable [] next;
        private @Nullable Allowed inside;
        private @Nullable Allowed first;
        /// Of what is allowed inside, what is nearest to the end.
        private @Nullable Allowed nearest;

        private State(Memory memory, Term term, TokenTrie tokens) {
            this.memory = memory;
            this.term = term;
            accepts = term.nullable();
            Term head = term instanceof Term.Then then ? then.head : term;
            free = head instanceof Term.InDfa in && in.dfa.marker() != null;
            price = price(term, tokens);
        }

        /// Whether the text may end here.
        public boolean accepts() {
            return accepts;
        }
    }

    /// What was met so far.
    static final class Memory {
        private final Map<Term, State> states = new ConcurrentHashMap<>();
        private final AtomicLong bytes = new AtomicLong();
    }

    /// The ids that may come, end ids apart.
    ///
    /// @param ids      true for those that may
    /// @param count    how many may
    /// @param cheapest the least price of a state that one of them leads to
    /// @param dearest  the highest
    public record Allowed(boolean[] ids, int count, int cheapest, int dearest) {}

    /// A constraint in the ids of a vocabulary, which remembers some 64 MB at the most.
    ///
    /// @throws IllegalArgumentException if the vocabulary cannot write it
    public Automaton(Constraint constraint, TokenIds tokens) {
        this(constraint, tokens, MOST_BYTES);
    }

    /// The same with another limit.
    ///
    /// @param mostBytes what is remembered takes so many, or little more
    public Automaton(Constraint constraint, TokenIds tokens, long mostBytes) {
        this(constraint.term(), tokens, mostBytes);
    }

    private Automaton(Term term, TokenIds tokens, long mostBytes) {
        this.tokens = tokens;
        this.mostBytes = mostBytes;
        root = affordable(term, tokens);
        if (root == Term.NOTHING) {
            throw new IllegalArgumentException(
                    "The vocabulary cannot write what the constraint asks for: it has no tokens for bytes that every such text needs"
                            + missing(term));
        }
        if (allowed(start(), false).count() == 0 && allowed(start(), true).count() == 0 && !start().accepts) {
            throw new IllegalArgumentException(
                    "The vocabulary cannot write what the constraint asks for: no token begins such a text");
        }
    }

    private String missing(Term term) {
        var text = new StringBuilder();
        for (char c : new char[]{'{', '}', '"', '[', ']', ':', ','}) {
            if (!tokens.texts().available.has(c) && term != Term.NOTHING) {
                text.append(text.isEmpty() ? "; it lacks " : " ").append(c);
            }
        }
        return text.toString();
    }

    /// The term with no bytes that the vocabulary lacks and no way into nothing, all its names priced.
    private static Term affordable(Term term, TokenIds tokens) {
        var written = new LinkedHashMap<Term.Named, Term.Named>();
        Term all = copied(term, written, leaf -> written(leaf, tokens.texts()));
        price(List.copyOf(written.values()).reversed(), tokens.texts());
        var kept = new LinkedHashMap<Term.Named, Term.Named>();
        Term some = copied(all, kept,
                leaf -> leaf instanceof Term.Named named && named.price == Term.FOREVER ? Term.NOTHING : leaf);
        price(List.copyOf(kept.values()).reversed(), tokens.texts());
        return some;
    }

    private static Term written(Term leaf, TokenTrie tokens) {
        ByteSet available = tokens.available;
        return switch (leaf) {
            case Term.One one -> Term.bytes(one.set.and(available));
            case Term.Literal literal -> {
                boolean whole = true;
                for (int i = 0; i < literal.length(); i++) {
                    whole &= available.has(literal.at(i));
                }
                yield whole ? literal.unpriced() : Term.NOTHING;
            }
            case Term.InDfa in when in.dfa.marker() instanceof byte[] marker ->
                Term.InDfa.of(in.dfa.priced(tokens.prices(marker)), in.state);
            case Term.InDfa in when available.equals(ByteSet.ALL) -> in;
            case Term.InDfa in -> {
                Dfa dfa = in.dfa.only(available);
                yield dfa.distance(in.state) == Term.FOREVER ? Term.NOTHING : Term.InDfa.of(dfa, in.state);
            }
            default -> leaf;
        };
    }

    /// The term made anew, and so all that it names; `names` is filled.
    private static Term copied(Term term, Map<Term.Named, Term.Named> names, UnaryOperator<Term> leaf) {
        var open = new ArrayList<Term.Named>();
        UnaryOperator<Term> renamed = each -> {
            Term kept = leaf.apply(each);
            return kept instanceof Term.Named named ? names.computeIfAbsent(named, old -> {
                open.add(old);
                return new Term.Named(old.name);
            }) : kept;
        };
        Term copy = term.map(renamed);
        while (!open.isEmpty()) {
            Term.Named old = open.removeLast();
            names.get(old).body = old.body().map(renamed);
        }
        return copy;
    }

    // ---- prices ----

    /// Prices of terms that hold one another: lowered until none is too high.
    private static void price(Iterable<Term.Named> names, TokenTrie tokens) {
        for (boolean changed = true; changed;) {
            changed = false;
            for (Term.Named each : names) {
                int price = price(each.body(), tokens, false);
                if (price < each.price) {
                    each.price = price;
                    changed = true;
                }
            }
        }
    }

    private static int price(Term term, TokenTrie tokens) {
        return price(term, tokens, true);
    }

    /// @param keeps whether sequences remember theirs: once the names have their prices
    private static int price(Term term, TokenTrie tokens, boolean keeps) {
        return switch (term) {
            case Term.One one -> 1;
            case Term.Literal literal -> literal.price(tokens);
            case Term.Named named -> named.price;
            case Term.InDfa in -> in.dfa.distance(in.state);
            case Term.Times times -> product(times.least, price(times.each, tokens, keeps));
            case Term.Either either -> either.options.stream().mapToInt(each -> price(each, tokens, keeps)).min()
                    .orElse(Term.FOREVER);
            case Term.Then then -> {
                // From the end on, and no deeper than what is not known: a sequence is as long as brackets are deep.
                var open = new ArrayList<Term.Then>();
                Term rest = then;
                while (rest instanceof Term.Then part && part.price < 0) {
                    open.add(part);
                    rest = part.rest;
                }
                int price = rest instanceof Term.Then known ? known.price : price(rest, tokens, keeps);
                for (Term.Then part : open.reversed()) {
                    price = sum(price(part.head, tokens, keeps), price);
                    if (keeps) {
                        part.price = price;
                    }
                }
                yield price;
            }
            case Term.Both both -> throw new IllegalStateException("not in an automaton");
            case Term.Except except -> throw new IllegalStateException("not in an automaton");
            case Term other -> other == Term.NOTHING ? Term.FOREVER : 0;
        };
    }

    private static int sum(int one, int other) {
        return (int) Math.min(Term.FOREVER, (long) one + other);
    }

    private static int product(int count, int each) {
        return (int) Math.min(Term.FOREVER, (long) count * each);
    }

    // ---- states ----

    /// Where a text begins.
    public State start() {
        return state(memory, root);
    }

    /// What is remembered now, in bytes, about.
    public long remembered() {
        return memory.bytes.get();
    }

    /// Whether a state belongs to what is remembered now.
    public boolean remembers(State state) {
        return state.memory == memory;
    }

    private State state(Memory here, Term term) {
        State known = here.states.get(term);
        if (known == null) {
            var fresh = new State(here, term, tokens.texts());
            known = here.states.putIfAbsent(term, fresh);
            if (known == null) {
                known = fresh;
                here.bytes.addAndGet(300);
            }
        }
        return known;
    }

    /// The state behind a byte, or null if the byte may not come.
    private @Nullable State step(State state, int value) {
        @Nullable
        State[] next = state.next;
        if (next == null) {
            // Two threads may do so at once: what the slower one knew is found out again.
            next = new State[256];
            state.next = next;
            state.memory.bytes.addAndGet(1100);
        }
        State known = next[value];
        if (known == null) {
            known = state(state.memory, state.term.after(value));
            next[value] = known;
        }
        return known.term == Term.NOTHING ? null : known;
    }

    /// The state behind an id, or null if the id may not come.
    ///
    /// @param first whether no text stands before it, of which its own may depend
    public @Nullable State after(State state, int id, boolean first) {
        if (id >= tokens.size() || tokens.special().get(id) && !state.free) {
            return null;
        }
        byte[] bytes = tokens.bytes(id, first);
        State now = bytes.length > 0 || state.free ? state : null;
        for (int i = 0; i < bytes.length && now != null; i++) {
            now = step(now, bytes[i] & 0xFF);
        }
        return now;
    }

    /// What may come next.
    public Allowed allowed(State state, boolean first) {
        boolean asFirst = first && tokens.texts() != tokens.begins();
        Allowed known = asFirst ? state.first : state.inside;
        if (known == null) {
            if (state.memory.bytes.get() > mostBytes && state.memory == memory) {
                memory = new Memory();
            }
            known = walk(state, asFirst, Term.FOREVER);
            state.memory.bytes.addAndGet(tokens.size());
            if (asFirst) {
                state.first = known;
            } else {
                state.inside = known;
            }
        }
        return known;
    }

    /// What may come next if the price must not be above `limit`, or, where it must, no higher than need be.
    public Allowed allowed(State state, boolean first, int limit) {
        Allowed all = allowed(state, first);
        if (all.dearest() <= limit || all.count() == 0) {
            return all;
        }
        boolean asFirst = first && tokens.texts() != tokens.begins();
        if (limit >= all.cheapest()) {
            return walk(state, asFirst, limit);
        }
        if (state.accepts) {
            return new Allowed(new boolean[tokens.size()], 0, Term.FOREVER, 0);
        }
        Allowed known = asFirst ? null : state.nearest;
        if (known == null) {
            known = walk(state, asFirst, all.cheapest());
            if (!asFirst) {
                state.nearest = known;
                state.memory.bytes.addAndGet(tokens.size());
            }
        }
        return known;
    }

    private Allowed walk(State state, boolean first, int limit) {
        var walk = new Walk(limit, tokens.size());
        walk.through(first ? tokens.begins() : tokens.texts(), state);
        if (state.free) {
            walk.through(tokens.specials(), state);
            for (int id = 0; id < tokens.size(); id++) {
                if (tokens.bytes(id, first).length == 0 && state.price <= limit) {
                    walk.take(id, state.price);
                }
            }
        }
        return new Allowed(walk.ids, walk.count, walk.cheapest, walk.dearest);
    }

    /// One look at all ids.
    private final class Walk {
        private final int limit;
        private final boolean[] ids;
        private int count;
        private int cheapest = Term.FOREVER;
        private int dearest;

        Walk(int limit, int size) {
            this.limit = limit;
            ids = new boolean[size];
        }

        void take(int id, int price) {
            ids[id] = true;
            count++;
            cheapest = Math.min(cheapest, price);
            dearest = Math.max(dearest, price);
        }

        void through(TokenTrie trie, State from) {
            State[] way = new State[trie.deepest + 1];
            way[0] = from;
            for (int node = 0; node < trie.label.length;) {
                State here = step(way[trie.depth[node]], trie.label[node] & 0xFF);
                if (here == null) {
                    node = trie.end[node];
                    continue;
                }
                way[trie.depth[node] + 1] = here;
                if (here.price <= limit) {
                    for (int i = trie.from[node]; i < trie.from[node + 1]; i++) {
                        take(trie.ids[i], here.price);
                    }
                }
                node++;
            }
        }
    }
}
