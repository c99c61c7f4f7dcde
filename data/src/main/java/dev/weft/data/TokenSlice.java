package dev.weft.data;

import java.util.Objects;

/// A part of [Tokens].
record TokenSlice(Tokens whole, long start, long count) implements Tokens {
    TokenSlice {
        Objects.checkFromIndexSize(start, count, whole.count());
    }

    @Override
    public int vocabSize() {
        return whole.vocabSize();
    }

    @Override
    public void read(long from, int[] ids) {
        Objects.checkFromIndexSize(from, ids.length, count);
        whole.read(start + from, ids);
    }
}
