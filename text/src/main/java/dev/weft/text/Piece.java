package dev.weft.text;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// A stretch of text on its way through the pipeline, with the place in the original each of its chars came from.
///
/// All places are UTF-16 units, as in [String#substring(int, int)].
final class Piece {
    /// What the stretch reads now.
    final String text;
    /// The added token this stretch is, or -1 for text that still has to be tokenized.
    final int addedToken;

    // Where char i came from: [starts[origin + i], ends[origin + i]), or [origin + i, origin + i + 1) where they are null.
    private final int @Nullable [] starts;
    private final int @Nullable [] ends;
    private final int origin;

    private Piece(String text, int addedToken, int @Nullable [] starts, int @Nullable [] ends, int origin) {
        this.text = text;
        this.addedToken = addedToken;
        this.starts = starts;
        this.ends = ends;
        this.origin = origin;
    }

    static Piece of(String original) {
        return new Piece(original, -1, null, null, 0);
    }

    /// Where in the original the char at `index` begins.
    int start(int index) {
        return starts == null ? origin + index : starts[origin + index];
    }

    /// Where in the original the char before `index` ends.
    int end(int index) {
        return ends == null ? origin + index : ends[origin + index - 1];
    }

    Piece slice(int from, int to) {
        return from == 0 && to == text.length()
                ? this
                : new Piece(text.substring(from, to), addedToken, starts, ends, origin + from);
    }

    /// The chars `[from, to)` as the added token of that id.
    Piece asToken(int from, int to, int id) {
        return new Piece(text.substring(from, to), id, starts, ends, origin + from);
    }

    /// A new text written from left to right, each part naming the chars of this piece that it stands for.
    final class Rewriting {
        private final StringBuilder rewritten;
        private int[] newStarts;
        private int[] newEnds;

        Rewriting() {
            rewritten = new StringBuilder(text.length() + 16);
            newStarts = new int[text.length() + 16];
            newEnds = new int[text.length() + 16];
        }

        /// Writes a char that stands for the chars `[from, to)` of the piece.
        void write(char c, int from, int to) {
            int at = rewritten.length();
            if (at == newStarts.length) {
                newStarts = Arrays.copyOf(newStarts, at * 2);
                newEnds = Arrays.copyOf(newEnds, at * 2);
            }
            rewritten.append(c);
            newStarts[at] = start(from);
            newEnds[at] = end(to);
        }

        void write(CharSequence chars, int from, int to) {
            for (int i = 0; i < chars.length(); i++) {
                write(chars.charAt(i), from, to);
            }
        }

        Piece piece() {
            return new Piece(rewritten.toString(), addedToken, newStarts, newEnds, 0);
        }
    }
}
