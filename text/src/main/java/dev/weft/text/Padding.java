package dev.weft.text;

import dev.weft.text.Truncation.Side;
import java.util.OptionalInt;

/// How encodings are brought to one length, with the tokenizer's `pad_token`, which models are told to overlook
/// ([Encoding#attentionMask]).
///
/// @param length      the length, or empty for that of the longest of a batch
/// @param multipleOf  lengths are rounded up to a multiple of this
/// @param side        the end that is filled up
public record Padding(OptionalInt length, int multipleOf, Side side) {
    public Padding {
        if (multipleOf < 1 || length.isPresent() && length.getAsInt() < 1) {
            throw new IllegalArgumentException("padding is to one token, or a multiple of one, at least; asked for "
                    + (multipleOf < 1 ? multipleOf : length.getAsInt()));
        }
    }

    /// To the longest of a batch, at the right.
    public static Padding longest() {
        return new Padding(OptionalInt.empty(), 1, Side.RIGHT);
    }

    /// To a length, at the right. Longer encodings stay as they are.
    public static Padding to(int length) {
        return new Padding(OptionalInt.of(length), 1, Side.RIGHT);
    }

    public Padding multipleOf(int multiple) {
        return new Padding(length, multiple, side);
    }

    /// Fills up this end.
    public Padding at(Side other) {
        return new Padding(length, multipleOf, other);
    }

    /// The length for a batch whose longest encoding has so many tokens.
    int target(int longest) {
        return Math.ceilDiv(length.orElse(longest), multipleOf) * multipleOf;
    }
}
