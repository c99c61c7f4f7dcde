package dev.weft.text;

import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.util.Iterator;
import java.util.NoSuchElementException;

/// A text in pieces, cut where `cuts` allows.
///
/// Where no place allows it for a long while, a piece is cut between any two characters if it must not grow longer.
final class TextPieces implements Iterator<String> {
    private final Reader reader;
    private final int target;
    private final int longest;
    private final SafeCuts cuts;
    private final char[] chunk = new char[1 << 14];
    private final StringBuilder window = new StringBuilder();
    private boolean readAll;

    TextPieces(Reader reader, int target, SafeCuts cuts) {
        this(reader, target, Integer.MAX_VALUE, cuts);
    }

    TextPieces(Reader reader, int target, int longest, SafeCuts cuts) {
        if (target < 1) {
            throw new IllegalArgumentException("a piece has at least one char, asked for " + target);
        }
        this.reader = reader;
        this.target = target;
        this.longest = longest;
        this.cuts = cuts;
    }

    @Override
    public boolean hasNext() {
        fill(1);
        return !window.isEmpty();
    }

    @Override
    public String next() {
        if (!hasNext()) {
            throw new NoSuchElementException("the text is over");
        }
        int end = end();
        String piece = window.substring(0, end);
        window.delete(0, end);
        return piece;
    }

    private int end() {
        // As much behind a cut as a decision about it may look at, and a whole character at least.
        int ahead = cuts.ahead() + 2;
        fill(target + ahead);
        if (window.length() <= target) {
            return window.length();
        }
        for (int at = target; at > 0; at--) {
            if (cuts.allows(window, at)) {
                return at;
            }
        }
        for (int at = target + 1; fill(at + ahead) || at < window.length(); at++) {
            if (cuts.allows(window, at) || at >= longest && !Character.isLowSurrogate(window.charAt(at))) {
                return at;
            }
        }
        return window.length();
    }

    /// Reads until the window holds so many chars; false if the text ends before.
    private boolean fill(int chars) {
        try {
            while (!readAll && window.length() < chars) {
                int read = reader.read(chunk);
                readAll = read < 0;
                window.append(chunk, 0, Math.max(0, read));
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the text cannot be read on: " + e.getMessage(), e);
        }
        return window.length() >= chars;
    }
}
