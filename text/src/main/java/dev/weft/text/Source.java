package dev.weft.text;

import java.util.List;

/// A text to encode, whole or in words that somebody else cut.
///
/// @param words  the words, or the one text
/// @param apart  whether they are words
record Source(List<String> words, boolean apart) {
    static Source text(String text) {
        return new Source(List.of(Utf8.wellFormed(text)), false);
    }

    static Source words(List<String> words) {
        return new Source(words.stream().map(Utf8::wellFormed).toList(), true);
    }

    /// What the places of a word's tokens are relative to.
    String around(int word) {
        return words.get(apart ? word : 0);
    }
}
