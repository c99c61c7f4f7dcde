package dev.weft.text;

/// A piece as SentencePiece lists it.
record ScoredPiece(String text, float score, Kind kind) {
    /// In the order of the numbers that say it in a file, from 1 on; the last is not in files.
    enum Kind {
        NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE,
        /// Has an id, but text never becomes it.
        RESERVED
    }

    /// Whether text can become this piece without being asked for by name.
    boolean isFound() {
        return kind == Kind.NORMAL || kind == Kind.USER_DEFINED || kind == Kind.UNUSED;
    }

    static ScoredPiece control(String text) {
        return new ScoredPiece(text, 0, Kind.CONTROL);
    }
}
