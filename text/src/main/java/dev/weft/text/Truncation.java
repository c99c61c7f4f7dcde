package dev.weft.text;

/// How an encoding that is too long is cut, as the reference library `tokenizers` cuts it.
///
/// @param maxLength  tokens at most, the special ones that are added around a text included
/// @param strategy   which text of a pair gives way
/// @param side       the end at which tokens are dropped
public record Truncation(int maxLength, Strategy strategy, Side side) {
    public Truncation {
        requirePositive(maxLength);
    }

    /// Which text of a pair is cut. A single text is a first one.
    public enum Strategy {
        /// The longer one down to the length of the other, then both in halves.
        LONGEST_FIRST,
        /// Only the first; it is an error if that is not enough.
        ONLY_FIRST,
        /// Only the second; it is an error if that is not enough, or if there is none.
        ONLY_SECOND
    }

    /// An end of a text.
    public enum Side {
        LEFT, RIGHT
    }

    /// At most so many tokens, dropped at the end, from the longer text of a pair first.
    public static Truncation to(int maxLength) {
        return new Truncation(maxLength, Strategy.LONGEST_FIRST, Side.RIGHT);
    }

    /// Instead of dropping what is too long, as many encodings as hold it all. In a pair it is the second text (the page
    /// to a question) that is spread over windows.
    ///
    /// @param maxLength  tokens of a window at most, special ones included
    /// @param stride     tokens that a window shares with the one before it
    public static Windows windows(int maxLength, int stride) {
        return new Windows(maxLength, stride, Strategy.ONLY_SECOND, Side.RIGHT);
    }

    public Truncation with(Strategy other) {
        return new Truncation(maxLength, other, side);
    }

    /// Drops tokens at this end.
    public Truncation at(Side other) {
        return new Truncation(maxLength, strategy, other);
    }

    /// Overlapping windows over what is too long.
    ///
    /// @param maxLength  tokens of a window at most, special ones included
    /// @param stride     tokens that a window shares with the one before it
    /// @param strategy   which text of a pair is spread over windows; a single text always is
    /// @param side       the end that tokens beyond the first window are at
    public record Windows(int maxLength, int stride, Strategy strategy, Side side) {
        public Windows {
            requirePositive(maxLength);
            if (stride < 0 || stride >= maxLength) {
                throw new IllegalArgumentException(
                        "windows of %d tokens share from 0 to %d of them, found a stride of %d"
                                .formatted(maxLength, maxLength - 1, stride));
            }
        }

        public Windows with(Strategy other) {
            return new Windows(maxLength, stride, other, side);
        }

        /// The first window holds this end's opposite: with LEFT it ends where the text ends.
        public Windows at(Side other) {
            return new Windows(maxLength, stride, strategy, other);
        }
    }

    private static void requirePositive(int maxLength) {
        if (maxLength < 1) {
            throw new IllegalArgumentException("an encoding has one token at least, asked for " + maxLength);
        }
    }

    /// How many tokens of one text, or of each of two, stay when all may have `room` together.
    int[] lengths(int[] sizes, int room) {
        int total = sizes[0] + (sizes.length > 1 ? sizes[1] : 0);
        if (total <= room) {
            return sizes.clone();
        }
        return switch (sizes.length == 1 && strategy == Strategy.LONGEST_FIRST ? Strategy.ONLY_FIRST : strategy) {
            case LONGEST_FIRST -> {
                boolean firstIsLonger = sizes[0] > sizes[1];
                int shorter = Math.min(sizes[0], sizes[1]);
                // What the shorter one leaves free is the longer one's; where it leaves less than half, both get half.
                int longer = shorter <= room / 2 ? room - shorter : room - room / 2;
                shorter = Math.min(shorter, room / 2);
                yield firstIsLonger ? new int[]{longer, shorter} : new int[]{shorter, longer};
            }
            case ONLY_FIRST -> only(0, sizes, total - room);
            case ONLY_SECOND -> only(1, sizes, total - room);
        };
    }

    private int[] only(int text, int[] sizes, int excess) {
        if (text >= sizes.length) {
            throw new IllegalArgumentException("only the second text may be cut, but there is no second text; "
                    + "use another strategy for single texts");
        }
        if (sizes[text] <= excess) {
            throw new IllegalArgumentException(
                    "%d tokens are too many for max_length %d, and the %s text has only %d to give; raise max_length or choose the strategy LONGEST_FIRST"
                            .formatted(excess, maxLength, text == 0 ? "first" : "second", sizes[text]));
        }
        int[] lengths = sizes.clone();
        lengths[text] -= excess;
        return lengths;
    }
}
