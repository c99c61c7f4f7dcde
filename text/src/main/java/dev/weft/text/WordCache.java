package dev.weft.text;

import org.jspecify.annotations.Nullable;

/// Remembers what became of short words, as many as it has places. Each word has two places to stand; a newcomer takes
/// the first, and who stood there moves to the second.
///
/// Safe for threads without locks: entries are immutable and a lost one is only computed again.
final class WordCache<V> {
    private static final int LONGEST = 64;
    private static final int PLACES = 1 << 16;

    private record Entry<V>(String word, V value) {
        boolean is(String text, int from, int to) {
            return word.length() == to - from && text.startsWith(word, from);
        }
    }

    private final Entry<V>[] entries = places();

    @SuppressWarnings("unchecked")
    private static <V> Entry<V>[] places() {
        return (Entry<V>[]) new Entry<?>[PLACES];
    }

    /// What was kept for `text[from, to)`, or null.
    @Nullable
    V find(String text, int from, int to) {
        if (to - from > LONGEST) {
            return null;
        }
        int place = place(text, from, to);
        @Nullable
        Entry<V> entry = entries[place];
        if (entry != null && entry.is(text, from, to)) {
            return entry.value;
        }
        entry = entries[place ^ 1];
        return entry != null && entry.is(text, from, to) ? entry.value : null;
    }

    void keep(String word, V value) {
        if (word.length() <= LONGEST) {
            int place = place(word, 0, word.length());
            entries[place ^ 1] = entries[place];
            entries[place] = new Entry<>(word, value);
        }
    }

    private static int place(String text, int from, int to) {
        int hash = 0;
        for (int i = from; i < to; i++) {
            hash = hash * 31 + text.charAt(i);
        }
        hash *= 0x9E3779B9;
        return hash >>> 16;
    }
}
