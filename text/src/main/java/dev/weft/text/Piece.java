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

    // Chars [0, lead) were put before the text and have the place of the character behind them, of leadWidth chars.
    // Char lead + i came from [starts[origin + i], ends[origin + i]), or from [origin + i, origin + i + 1) where they
    // are null.
    private final int lead;
    private final int leadWidth;
    private final int @Nullable [] starts;
    private final int @Nullable [] ends;
    private final int origin;

    private Piece(String text, int addedToken, int lead, int leadWidth, int @Nullable [] starts, int @Nullable [] ends,
            int origin) {
        this.text = text;
        this.addedToken = addedToken;
        this.lead = lead;
        this.leadWidth = leadWidth;
        this.starts = starts;
        this.ends = ends;
        this.origin = origin;
    }

    static Piece of(String original) {
        return new Piece(original, -1, 0, 1, null, null, 0);
    }

    /// Where in the original the char at `index` begins.
    int start(int index) {
        int at = origin + Math.max(0, index - lead);
        return starts == null ? at : starts[at];
    }

    /// Where in the original the char before `index` ends.
    int end(int index) {
        int at = origin + (index <= lead ? leadWidth : index - lead);
        return ends == null ? at : ends[at - 1];
    }

    Piece slice(int from, int to) {
        return from == 0 && to == text.length() ? this : sliced(from, to, addedToken);
    }

    /// The chars `[from, to)` as the added token of that id.
    Piece asToken(int from, int to, int id) {
        return sliced(from, to, id);
    }

    private Piece sliced(int from, int to, int token) {
        return new Piece(text.substring(from, to), token, Math.max(0, lead - from), leadWidth, starts, ends,
                origin + Math.max(0, from - lead));
    }

    /// The same places under a text of the same length.
    Piece withText(String sameLength) {
        return new Piece(sameLength, addedToken, lead, leadWidth, starts, ends, origin);
    }

    /// With a text before it that is in no place of the original: its chars have the place of the first character, as
    /// in Hugging Face's library. An empty piece stays as it is.
    Piece prepended(String prefix) {
        if (text.isEmpty() || prefix.isEmpty()) {
            return this;
        }
        if (lead == 0) {
            int width = Character.charCount(text.codePointAt(0));
            return new Piece(prefix.concat(text), addedToken, prefix.length(), width, starts, ends, origin);
        }
        var rewriting = new Rewriting();
        rewriting.write(prefix, 0, Character.charCount(text.codePointAt(0)));
        rewriting.keep(0, text.length());
        return rewriting.piece();
    }

    /// A new text written from left to right, each part naming the chars of this piece that it stands for. As long as
    /// char `i` stands for char `i` no places are written down, and a text that did not change is the same piece.
    final class Rewriting {
        private char[] rewritten = new char[text.length() + 16];
        private int size;
        private int @Nullable [] newStarts;
        private int @Nullable [] newEnds;

        /// Writes a char that stands for the chars `[from, to)` of the piece.
        void write(char c, int from, int to) {
            if (newStarts == null && from == size && to == size + 1) {
                if (size == rewritten.length) {
                    rewritten = Arrays.copyOf(rewritten, size * 2);
                }
                rewritten[size++] = c;
            } else {
                writeAt(c, start(from), end(to));
            }
        }

        /// Writes a char with its place in the original.
        void writeAt(char c, int start, int end) {
            if (newStarts == null) {
                newStarts = new int[rewritten.length];
                newEnds = new int[rewritten.length];
                for (int i = 0; i < size; i++) {
                    newStarts[i] = start(i);
                    newEnds[i] = end(i + 1);
                }
            }
            if (size == rewritten.length) {
                rewritten = Arrays.copyOf(rewritten, size * 2);
            }
            if (newStarts.length < rewritten.length) {
                newStarts = Arrays.copyOf(newStarts, rewritten.length);
                newEnds = Arrays.copyOf(newEnds, rewritten.length);
            }
            rewritten[size] = c;
            newStarts[size] = start;
            newEnds[size++] = end;
        }

        /// Each of these chars stands for the chars `[from, to)`.
        void write(CharSequence chars, int from, int to) {
            for (int i = 0; i < chars.length(); i++) {
                write(chars.charAt(i), from, to);
            }
        }

        /// A character in the place of one of the same width, char for char, and otherwise each char for all of it.
        void replace(int codePoint, int from, int to) {
            if (Character.charCount(codePoint) != to - from) {
                write(Character.toString(codePoint), from, to);
            } else if (to - from == 1) {
                write((char) codePoint, from, to);
            } else {
                write(Character.highSurrogate(codePoint), from, from + 1);
                write(Character.lowSurrogate(codePoint), from + 1, to);
            }
        }

        /// The chars `[from, to)` as they are.
        void keep(int from, int to) {
            for (int i = from; i < to; i++) {
                write(text.charAt(i), i, i + 1);
            }
        }

        Piece piece() {
            if (newStarts != null) {
                return new Piece(new String(rewritten, 0, size), addedToken, 0, 1, newStarts, newEnds, 0);
            }
            if (size == text.length() && unchanged()) {
                return Piece.this;
            }
            return new Piece(new String(rewritten, 0, size), addedToken, lead, leadWidth, starts, ends, origin);
        }

        private boolean unchanged() {
            for (int i = 0; i < size; i++) {
                if (rewritten[i] != text.charAt(i)) {
                    return false;
                }
            }
            return true;
        }
    }
}
