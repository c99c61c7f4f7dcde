package dev.weft.text;

import java.util.Arrays;

/// Strings by their prefixes: a step from a node along a char is one look into a hash table of longs.
final class Trie {
    static final int ROOT = 0;
    /// No such node, or no value there.
    static final int NONE = -1;

    private static final int NODE_BITS = 24;
    private static final int NODE_MASK = (1 << NODE_BITS) - 1;

    // An entry is node, char and child, from high bits to low; 0 is free, since the root is nobody's child.
    private long[] entries = new long[1 << 10];
    private int[] values = new int[1 << 9];
    private int nodes = 1;

    Trie() {
        Arrays.fill(values, NONE);
    }

    /// Gives a string a value from 0 up; a later value replaces an earlier one.
    void put(String string, int value) {
        int node = ROOT;
        for (int i = 0; i < string.length(); i++) {
            int child = step(node, string.charAt(i));
            node = child == NONE ? grow(node, string.charAt(i)) : child;
        }
        values[node] = value;
    }

    /// The node behind `node` along `c`, or [#NONE].
    int step(int node, char c) {
        long key = (long) node << 16 | c;
        int mask = entries.length - 1;
        for (int slot = slot(key);; slot = slot + 1 & mask) {
            long entry = entries[slot];
            if (entry >>> NODE_BITS == key && entry != 0) {
                return (int) entry & NODE_MASK;
            }
            if (entry == 0) {
                return NONE;
            }
        }
    }

    /// The node a string leads to, or [#NONE].
    int walk(String string) {
        int node = ROOT;
        for (int i = 0; i < string.length() && node != NONE; i++) {
            node = step(node, string.charAt(i));
        }
        return node;
    }

    /// The value of the string that ends at a node, or [#NONE].
    int value(int node) {
        return values[node];
    }

    boolean isEmpty() {
        return nodes == 1;
    }

    /// Where the longest string that begins at `from` ends, or [#NONE].
    int longestEnd(String text, int from) {
        int end = NONE;
        int node = ROOT;
        for (int i = from; i < text.length(); i++) {
            node = step(node, text.charAt(i));
            if (node == NONE) {
                break;
            }
            if (values[node] != NONE) {
                end = i + 1;
            }
        }
        return end;
    }

    private int grow(int node, char c) {
        if (nodes > NODE_MASK) {
            throw new IllegalArgumentException(
                    "the vocabulary's tokens have more than %d different beginnings; it is too large".formatted(nodes));
        }
        if (nodes * 2 >= entries.length) {
            long[] old = entries;
            entries = new long[old.length * 2];
            for (long entry : old) {
                if (entry != 0) {
                    set(entry);
                }
            }
        }
        int child = nodes++;
        if (child == values.length) {
            values = Arrays.copyOf(values, child * 2);
            Arrays.fill(values, child, values.length, NONE);
        }
        set(((long) node << 16 | c) << NODE_BITS | child);
        return child;
    }

    private void set(long entry) {
        int slot = slot(entry >>> NODE_BITS);
        while (entries[slot] != 0) {
            slot = slot + 1 & entries.length - 1;
        }
        entries[slot] = entry;
    }

    private int slot(long key) {
        return (int) (key * 0x9E3779B97F4A7C15L >>> 40) & entries.length - 1;
    }
}
