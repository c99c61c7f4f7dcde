package dev.weft.data;

/// A row of a file is not as the others, which can be read nevertheless.
final class BadRow extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    BadRow(String message) {
        super(message);
    }
}
