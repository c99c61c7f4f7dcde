package dev.weft.jinja;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Which names a block of the template mentions, and whether it reads or sets each first.
///
/// Jinja settles names before it runs: a name that a block sets before it reads it belongs to the block from the
/// beginning, so that macros and loops inside it do not see a variable of that name from outside, even before it is set.
final class Frame {
    final @Nullable Frame parent;
    private Map<String, Boolean> setsFirst = new HashMap<>();
    private Map<String, Boolean> stored = new HashMap<>();

    Frame(@Nullable Frame parent) {
        this.parent = parent;
    }

    void reads(String name) {
        if (!knows(name)) {
            setsFirst.put(name, false);
        }
    }

    void sets(String name) {
        setsFirst.putIfAbsent(name, true);
        stored.put(name, true);
    }

    void isGiven(String name) {
        setsFirst.put(name, false);
    }

    private boolean knows(String name) {
        return setsFirst.containsKey(name) || parent != null && parent.knows(name);
    }

    /// Whether a look-up of a name that has no value here ends here.
    boolean hides(String name) {
        return setsFirst.getOrDefault(name, false) && (parent == null || !parent.knows(name));
    }

    /// The names so far, so that the branches of an `if` can each begin from them.
    Branches branches() {
        return new Branches();
    }

    /// A name belongs to the block only if each branch sets it; Jinja counts three: if, elif, else.
    final class Branches {
        private static final int ALL = 3;

        private final Map<String, Boolean> readsBefore = setsFirst;
        private final Map<String, Boolean> storedBefore = stored;
        private final Map<String, Integer> counts = new HashMap<>();
        private final Map<String, Boolean> reads = new HashMap<>(setsFirst);

        void begin() {
            setsFirst = new HashMap<>(readsBefore);
            stored = new HashMap<>(storedBefore);
        }

        void end() {
            reads.putAll(setsFirst);
            stored.keySet().forEach(name -> counts.merge(name, 1, Integer::sum));
        }

        void merge() {
            setsFirst = reads;
            stored = new HashMap<>(storedBefore);
            counts.forEach((name, count) -> {
                stored.put(name, true);
                if (count < ALL && !storedBefore.containsKey(name)) {
                    setsFirst.put(name, false);
                }
            });
        }
    }
}
