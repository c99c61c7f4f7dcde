package dev.weft.eval;

import java.util.List;

/// How many references the examples have: part of a signature.
final class References {
    private final Seen seen;
    private int least = Integer.MAX_VALUE;
    private int most;

    References(Seen seen) {
        this.seen = seen;
    }

    void add(List<String> references) {
        if (references.isEmpty()) {
            throw seen.wrong("no reference to compare with; at least one is needed");
        }
        least = Math.min(least, references.size());
        most = Math.max(most, references.size());
    }

    @Override
    public String toString() {
        return most == 0 ? "?" : least == most ? Integer.toString(most) : "var";
    }
}
