package dev.weft.grammar;

/// Some of the 256 bytes, a bit for each.
record ByteSet(long a, long b, long c, long d) {
    static final ByteSet NONE = new ByteSet(0, 0, 0, 0);
    static final ByteSet ALL = new ByteSet(-1, -1, -1, -1);

    static ByteSet of(int value) {
        long bit = 1L << (value & 63);
        return switch (value >> 6) {
            case 0 -> new ByteSet(bit, 0, 0, 0);
            case 1 -> new ByteSet(0, bit, 0, 0);
            case 2 -> new ByteSet(0, 0, bit, 0);
            default -> new ByteSet(0, 0, 0, bit);
        };
    }

    /// From `first` to `last`, both included.
    static ByteSet range(int first, int last) {
        ByteSet all = NONE;
        for (int value = first; value <= last; value++) {
            all = all.or(of(value));
        }
        return all;
    }

    boolean has(int value) {
        long word = switch (value >> 6) {
            case 0 -> a;
            case 1 -> b;
            case 2 -> c;
            default -> d;
        };
        return (word >>> value & 1) != 0;
    }

    ByteSet or(ByteSet other) {
        return new ByteSet(a | other.a, b | other.b, c | other.c, d | other.d);
    }

    ByteSet and(ByteSet other) {
        return new ByteSet(a & other.a, b & other.b, c & other.c, d & other.d);
    }

    int size() {
        return Long.bitCount(a) + Long.bitCount(b) + Long.bitCount(c) + Long.bitCount(d);
    }

    /// The least of them; there must be one.
    int first() {
        int value = 0;
        while (!has(value)) {
            value++;
        }
        return value;
    }
}
