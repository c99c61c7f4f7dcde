package dev.weft.run;

/// Told of each id as it is made.
@FunctionalInterface
public interface TokenListener {
    TokenListener SILENT = (text, id) -> {};

    /// @param text which of the texts, in the order of [Generated#texts]
    /// @param id   the end id too, if the text ends with one
    void token(int text, int id);
}
