package dev.weft.data;

import dev.weft.text.StreamingDecoder;
import dev.weft.text.Tokenizer;

/// A long row of token ids that need not fit in memory. Safe to share between threads.
public interface Tokens {
    long count();

    /// All ids are below this.
    int vocabSize();

    /// Fills `ids` with those from `start` on.
    ///
    /// @throws IndexOutOfBoundsException if they do not all exist
    void read(long start, int[] ids);

    /// A view of a part.
    ///
    /// @throws IndexOutOfBoundsException if it does not lie inside
    default Tokens slice(long start, long count) {
        return new TokenSlice(this, start, count);
    }

    /// The last `fraction` held out for validation; views, nothing is copied.
    record Split(Tokens training, Tokens validation) {}

    /// @param fraction above 0 and below 1
    /// @throws IllegalArgumentException if one of the parts would be empty
    default Split split(double fraction) {
        long training = (long) (count() * (1 - fraction));
        if (!(fraction > 0 && fraction < 1) || training == 0 || training == count()) {
            throw new IllegalArgumentException(
                    "Holding out a fraction of %s of %d tokens leaves one part empty; choose another between 0 and 1"
                            .formatted(fraction, count()));
        }
        return new Split(slice(0, training), slice(training, count() - training));
    }

    /// Bytes in UTF-8 of the text that these ids stand for, special tokens left out: what bits per byte are counted by.
    default long textBytes(Tokenizer tokenizer) {
        StreamingDecoder decoder = tokenizer.streamingDecoder(true);
        long bytes = 0;
        int[] ids = new int[1 << 16];
        for (long at = 0; at < count(); at += ids.length) {
            if (count() - at < ids.length) {
                ids = new int[(int) (count() - at)];
            }
            read(at, ids);
            for (int id : ids) {
                bytes += Utf8Length.of(decoder.push(id));
            }
        }
        return bytes + Utf8Length.of(decoder.flush());
    }
}
