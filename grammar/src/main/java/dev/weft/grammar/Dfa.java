package dev.weft.grammar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// A finished deterministic automaton over bytes, without states that lead nowhere. What an intersection or a complement
/// leaves can only be known when all of it has been looked at; for all else terms are followed as they come.
final class Dfa {
    private static final int MOST_STATES = 30_000;

    /// Bytes that are always treated alike, by the byte.
    private final int[] classOf;
    private final int classes;
    /// `[states · classes]`, −1 where the byte may not come.
    private final int[] next;
    /// Fewest bytes to an accepting state.
    private final int[] distance;
    private final boolean[] end;
    /// What it looks for, if it is any text up to there and not a byte more.
    private final byte @Nullable [] marker;

    private Dfa(int[] classOf, int classes, int[] next, boolean[] accepts, byte @Nullable [] marker) {
        this.classOf = classOf;
        this.classes = classes;
        this.next = next;
        this.marker = marker;
        int states = accepts.length;
        distance = new int[states];
        Arrays.fill(distance, Term.FOREVER);
        for (int state = 0; state < states; state++) {
            distance[state] = accepts[state] ? 0 : Term.FOREVER;
        }
        // By the predecessors, breadth first.
        var before = new HashMap<Integer, Set<Integer>>();
        for (int i = 0; i < next.length; i++) {
            if (next[i] >= 0) {
                before.computeIfAbsent(next[i], key -> new HashSet<>()).add(i / classes);
            }
        }
        var queue = new ArrayList<Integer>();
        for (int state = 0; state < states; state++) {
            if (accepts[state]) {
                queue.add(state);
            }
        }
        for (int i = 0; i < queue.size(); i++) {
            for (int state : before.getOrDefault(queue.get(i), Set.of())) {
                if (distance[state] == Term.FOREVER) {
                    distance[state] = distance[queue.get(i)] + 1;
                    queue.add(state);
                }
            }
        }
        end = new boolean[states];
        for (int state = 0; state < states; state++) {
            boolean goesOn = false;
            for (int i = state * classes; i < (state + 1) * classes; i++) {
                if (next[i] >= 0 && distance[next[i]] == Term.FOREVER) {
                    next[i] = -1;
                }
                goesOn |= next[i] >= 0;
            }
            end[state] = accepts[state] && !goesOn;
        }
    }

    /// What a term allows, with intersections and complements in it; [Term#NOTHING] if they leave nothing.
    ///
    /// @param where for the message: the place in the schema
    static Term of(Term term, String where) {
        int[] classOf = classes(term);
        int classes = Arrays.stream(classOf).max().orElse(0) + 1;
        int[] example = new int[classes];
        for (int value = 255; value >= 0; value--) {
            example[classOf[value]] = value;
        }
        var states = new HashMap<Term, Integer>();
        var found = new ArrayList<Term>(List.of(term));
        states.put(term, 0);
        var next = new ArrayList<int[]>();
        for (int state = 0; state < found.size(); state++) {
            int[] row = new int[classes];
            for (int each = 0; each < classes; each++) {
                Term after = found.get(state).after(example[each]);
                row[each] = after == Term.NOTHING ? -1 : states.computeIfAbsent(after, key -> {
                    found.add(key);
                    return found.size() - 1;
                });
            }
            next.add(row);
            if (found.size() > MOST_STATES) {
                throw new IllegalArgumentException(
                        "%s: pattern and lengths together need more than %,d states; shorten the lengths or simplify the pattern"
                                .formatted(where, MOST_STATES));
            }
        }
        boolean[] accepts = new boolean[found.size()];
        for (int state = 0; state < accepts.length; state++) {
            accepts[state] = found.get(state).nullable();
        }
        var dfa = new Dfa(classOf, classes, next.stream().flatMapToInt(Arrays::stream).toArray(), accepts, null);
        return dfa.distance[0] == Term.FOREVER ? Term.NOTHING : Term.InDfa.of(dfa, 0);
    }

    /// Any text that ends with `marker` and has it nowhere before (Knuth, Morris & Pratt 1977).
    static Term upTo(byte[] marker) {
        int length = marker.length;
        int[] next = new int[(length + 1) * 256];
        Arrays.fill(next, length * 256, next.length, -1);
        // Where the text without its first byte would be.
        int fallback = 0;
        for (int state = 0; state < length; state++) {
            for (int value = 0; value < 256; value++) {
                next[state * 256 + value] = state == 0 ? 0 : next[fallback * 256 + value];
            }
            int wanted = marker[state] & 0xFF;
            int after = next[state * 256 + wanted];
            next[state * 256 + wanted] = state + 1;
            fallback = state == 0 ? 0 : after;
        }
        int[] classOf = new int[256];
        Arrays.setAll(classOf, value -> value);
        boolean[] accepts = new boolean[length + 1];
        accepts[length] = true;
        return Term.InDfa.of(new Dfa(classOf, 256, next, accepts, marker), 0);
    }

    /// Any bytes whose sum leaves this rest when it is divided by `modulus`: texts of two rests are never alike.
    static Term sums(int modulus, int rest) {
        int[] classOf = new int[256];
        Arrays.setAll(classOf, value -> value % modulus);
        int[] next = new int[modulus * modulus];
        Arrays.setAll(next, i -> (i / modulus + i % modulus) % modulus);
        boolean[] accepts = new boolean[modulus];
        accepts[rest] = true;
        return Term.InDfa.of(new Dfa(classOf, modulus, next, accepts, null), 0);
    }

    /// The same where only these bytes can be written.
    Dfa only(ByteSet available) {
        int[] all = new int[256];
        Arrays.setAll(all, value -> value);
        int[] kept = new int[distance.length * 256];
        boolean[] accepts = new boolean[distance.length];
        for (int state = 0; state < distance.length; state++) {
            accepts[state] = accepts(state);
            for (int value = 0; value < 256; value++) {
                kept[state * 256 + value] = available.has(value) ? next(state, value) : -1;
            }
        }
        return new Dfa(all, 256, kept, accepts, marker);
    }

    int next(int state, int value) {
        return next[state * classes + classOf[value]];
    }

    boolean accepts(int state) {
        return distance[state] == 0;
    }

    /// Whether nothing may follow.
    boolean isEnd(int state) {
        return end[state];
    }

    /// Bytes to the end at the least; [Term#FOREVER] if there is no way.
    int distance(int state) {
        return distance[state];
    }

    byte @Nullable [] marker() {
        return marker;
    }

    /// The same with the marker's way counted in ids.
    ///
    /// @param prices fewest ids from each byte of the marker on
    Dfa priced(int[] prices) {
        boolean[] accepts = new boolean[distance.length];
        accepts[accepts.length - 1] = true;
        var copy = new Dfa(classOf, classes, next.clone(), accepts, marker);
        System.arraycopy(prices, 0, copy.distance, 0, prices.length);
        return copy;
    }

    /// Bytes that no part of a term tells apart have one number.
    private static int[] classes(Term term) {
        var sets = new HashSet<ByteSet>();
        var seen = new HashSet<Term>();
        term.map(part -> collected(part, sets, seen));
        var numbers = new HashMap<List<Boolean>, Integer>();
        int[] classOf = new int[256];
        var inOrder = List.copyOf(sets);
        for (int value = 0; value < 256; value++) {
            int each = value;
            List<Boolean> told = inOrder.stream().map(set -> set.has(each)).toList();
            classOf[value] = numbers.computeIfAbsent(told, key -> numbers.size());
        }
        return classOf;
    }

    private static Term collected(Term part, Set<ByteSet> sets, Set<Term> seen) {
        switch (part) {
            case Term.One one -> sets.add(one.set);
            case Term.Literal literal -> {
                for (int i = 0; i < literal.length(); i++) {
                    sets.add(ByteSet.of(literal.at(i)));
                }
            }
            case Term.InDfa in -> {
                if (seen.add(in)) {
                    var byClass = new HashMap<Integer, ByteSet>();
                    for (int value = 0; value < 256; value++) {
                        byClass.merge(in.dfa.classOf[value], ByteSet.of(value), ByteSet::or);
                    }
                    sets.addAll(byClass.values());
                }
            }
            default -> throw new IllegalStateException("no automaton is finite that holds " + part.getClass());
        }
        return part;
    }
}
