package dev.weft.text;

import org.jspecify.annotations.Nullable;

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

    /// Whether text can become this piece, or it is a byte of a character that has none.
    boolean standsForText() {
        return isFound() || kind == Kind.BYTE;
    }

    /// A token that was learned or read elsewhere.
    ///
    /// @param added      as which it is found before all else, or null
    /// @param inBytes    whether `<0x41>` is a byte
    static ScoredPiece of(String text, float score, boolean unknown, @Nullable AddedToken added, boolean inBytes) {
        Kind kind = unknown
                ? Kind.UNKNOWN
                : added != null
                        ? added.special() ? Kind.CONTROL : Kind.USER_DEFINED
                        : inBytes && ByteTokens.valueOf(text) >= 0 ? Kind.BYTE : Kind.NORMAL;
        return new ScoredPiece(text, kind == Kind.NORMAL ? score : 0, kind);
    }

    static ScoredPiece control(String text) {
        return new ScoredPiece(text, 0, Kind.CONTROL);
    }
}
