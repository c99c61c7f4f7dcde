package dev.weft.text;

import java.util.Arrays;

/// The characters of a new text, each with what it did to the old one: the account by which Hugging Face's library finds
/// the places of a rewritten text. From left to right, a character with 0 stands for the next character of the old
/// text, with -n for it and the n behind it, which are gone; with 1 it is new and shares the place of the last one that
/// was passed.
final class Change {
    private int[] characters;
    private int[] changes;
    private int size;

    Change(int capacity) {
        characters = new int[Math.max(16, capacity)];
        changes = new int[characters.length];
    }

    void add(int character, int change) {
        if (size == characters.length) {
            characters = Arrays.copyOf(characters, size * 2);
            changes = Arrays.copyOf(changes, size * 2);
        }
        characters[size] = character;
        changes[size++] = change;
    }

    int size() {
        return size;
    }

    int character(int at) {
        return characters[at];
    }

    int change(int at) {
        return changes[at];
    }

    void set(int at, int character, int change) {
        characters[at] = character;
        changes[at] = change;
    }

    void clear() {
        size = 0;
    }

    /// Writes the new text of the chars of a piece from `from` on.
    void apply(Piece piece, Piece.Rewriting result, int from) {
        String text = piece.text;
        int next = from;
        int last = next == 0 ? 0 : next - Character.charCount(text.codePointBefore(next));
        for (int i = 0; i < size; i++) {
            if (changes[i] > 0) {
                if (next == 0) {
                    // Before everything: no place.
                    for (char c : Character.toChars(characters[i])) {
                        result.writeAt(c, piece.start(0), piece.start(0));
                    }
                } else {
                    result.write(Character.toString(characters[i]), last, next);
                }
                continue;
            }
            last = next;
            next = after(text, next);
            result.replace(characters[i], last, next);
            for (int gone = changes[i]; gone < 0; gone++) {
                last = next;
                next = after(text, next);
            }
        }
    }

    private static int after(String text, int at) {
        return at < text.length() ? at + Character.charCount(text.codePointAt(at)) : at;
    }
}
