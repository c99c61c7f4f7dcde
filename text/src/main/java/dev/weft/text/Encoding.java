package dev.weft.text;

import dev.weft.text.Truncation.Side;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/// What a text became: one entry per token in every array.
///
/// Token `i` stands for `text.substring(starts[i], ends[i])`; all tokens of a character that became several carry the
/// place of the whole character. The arrays belong to the caller.
///
/// @param ids                ids, ready for a model
/// @param tokens             the vocabulary's spelling of each id; an added token as it stood in the text, with the spaces it took
/// @param starts             where the token begins in its text, in UTF-16 units as in [String#substring(int, int)]; of
///                           words that came apart ([Tokenizer#encodeWords]), in its word
/// @param ends               where it ends (exclusive); tokens the post-processor added have 0 and 0
/// @param wordIds            number of the word (pre-token, or the word that was given) in its text, -1 for tokens of no text
/// @param typeIds            segment number as the post-processor gives it (0, and 1 for a second text in most families)
/// @param sequenceIds        0 or 1, the text the token comes from; -1 for tokens of no text
/// @param specialTokensMask  true for tokens the post-processor added, and for padding
/// @param attentionMask      1 for tokens, 0 for padding
public record Encoding(int[] ids, String[] tokens, int[] starts, int[] ends, int[] wordIds, int[] typeIds,
        int[] sequenceIds, boolean[] specialTokensMask, int[] attentionMask) {

    /// Number of tokens.
    public int size() {
        return ids.length;
    }

    /// `n` tokens that stand in no text.
    private static Encoding outside(int n, int id, String token, int typeId, int attention) {
        var same = new Encoding(new int[n], new String[n], new int[n], new int[n], new int[n], new int[n], new int[n],
                new boolean[n], new int[n]);
        Arrays.fill(same.ids, id);
        Arrays.fill(same.tokens, token);
        Arrays.fill(same.wordIds, -1);
        Arrays.fill(same.typeIds, typeId);
        Arrays.fill(same.sequenceIds, -1);
        Arrays.fill(same.specialTokensMask, true);
        Arrays.fill(same.attentionMask, attention);
        return same;
    }

    /// One token that stands in no text.
    static Encoding special(int id, String token, int typeId) {
        return outside(1, id, token, typeId, 1);
    }

    /// Tokens of a text, before anything is put around them.
    static Encoding of(int[] ids, String[] tokens, int[] starts, int[] ends, int[] wordIds, int sequence) {
        int n = ids.length;
        int[] sequences = new int[n];
        Arrays.fill(sequences, sequence);
        int[] attention = new int[n];
        Arrays.fill(attention, 1);
        return new Encoding(ids, tokens, starts, ends, wordIds, sequences.clone(), sequences, new boolean[n],
                attention);
    }

    Encoding withTypeId(int typeId) {
        int[] same = new int[size()];
        Arrays.fill(same, typeId);
        return new Encoding(ids, tokens, starts, ends, wordIds, same, sequenceIds, specialTokensMask, attentionMask);
    }

    /// The tokens `[from, to)`.
    Encoding slice(int from, int to) {
        return new Encoding(Arrays.copyOfRange(ids, from, to), Arrays.copyOfRange(tokens, from, to),
                Arrays.copyOfRange(starts, from, to), Arrays.copyOfRange(ends, from, to),
                Arrays.copyOfRange(wordIds, from, to), Arrays.copyOfRange(typeIds, from, to),
                Arrays.copyOfRange(sequenceIds, from, to), Arrays.copyOfRange(specialTokensMask, from, to),
                Arrays.copyOfRange(attentionMask, from, to));
    }

    /// `length` tokens, the others dropped at that side.
    Encoding cut(int length, Side side) {
        return length >= size() ? this : side == Side.RIGHT ? slice(0, length) : slice(size() - length, size());
    }

    /// All tokens in windows of `length` that share `stride`, the first one first; with `LEFT` the first one is the last
    /// of the text.
    List<Encoding> windows(int length, int stride, Side side) {
        int n = size();
        if (n <= length) {
            return List.of(this);
        }
        int step = length - stride;
        int count = 1 + Math.ceilDiv(n - length, step);
        return IntStream.range(0, count).mapToObj(i -> side == Side.RIGHT
                ? slice(i * step, Math.min(n, i * step + length))
                : slice(Math.max(0, n - i * step - length), n - i * step)).toList();
    }

    /// Filled up to a length.
    Encoding padded(int length, Side side, int id, String token, int typeId) {
        if (length <= size()) {
            return this;
        }
        Encoding padding = outside(length - size(), id, token, typeId, 0);
        return join(side == Side.RIGHT ? List.of(this, padding) : List.of(padding, this));
    }

    static Encoding join(List<Encoding> parts) {
        if (parts.size() == 1) {
            return parts.getFirst();
        }
        int size = parts.stream().mapToInt(Encoding::size).sum();
        var joined = new Encoding(new int[size], new String[size], new int[size], new int[size], new int[size],
                new int[size], new int[size], new boolean[size], new int[size]);
        int at = 0;
        for (Encoding part : parts) {
            int n = part.size();
            System.arraycopy(part.ids, 0, joined.ids, at, n);
            System.arraycopy(part.tokens, 0, joined.tokens, at, n);
            System.arraycopy(part.starts, 0, joined.starts, at, n);
            System.arraycopy(part.ends, 0, joined.ends, at, n);
            System.arraycopy(part.wordIds, 0, joined.wordIds, at, n);
            System.arraycopy(part.typeIds, 0, joined.typeIds, at, n);
            System.arraycopy(part.sequenceIds, 0, joined.sequenceIds, at, n);
            System.arraycopy(part.specialTokensMask, 0, joined.specialTokensMask, at, n);
            System.arraycopy(part.attentionMask, 0, joined.attentionMask, at, n);
            at += n;
        }
        return joined;
    }
}
