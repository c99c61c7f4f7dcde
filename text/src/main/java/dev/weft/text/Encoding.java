package dev.weft.text;

import java.util.Arrays;
import java.util.List;

/// What a text became: one entry per token in every array.
///
/// Token `i` stands for `text.substring(starts[i], ends[i])`; all tokens of a character that became several carry the
/// place of the whole character. The arrays belong to the caller.
///
/// @param ids                ids, ready for a model
/// @param tokens             the vocabulary's spelling of each id; an added token as it stood in the text, with the spaces it took
/// @param starts             where the token begins in its text, in UTF-16 units as in [String#substring(int, int)]
/// @param ends               where it ends (exclusive); tokens the post-processor added have 0 and 0
/// @param wordIds            number of the word (pre-token) in its text, -1 for tokens the post-processor added
/// @param typeIds            segment number as the post-processor gives it (0, and 1 for a second text in most families)
/// @param sequenceIds        0 or 1, the text the token comes from; -1 for tokens the post-processor added
/// @param specialTokensMask  true for tokens the post-processor added
public record Encoding(int[] ids, String[] tokens, int[] starts, int[] ends, int[] wordIds, int[] typeIds,
        int[] sequenceIds, boolean[] specialTokensMask) {

    /// Number of tokens.
    public int size() {
        return ids.length;
    }

    /// One token that stands in no text.
    static Encoding special(int id, String token, int typeId) {
        return new Encoding(new int[]{id}, new String[]{token}, new int[1], new int[1], new int[]{-1},
                new int[]{typeId}, new int[]{-1}, new boolean[]{true});
    }

    Encoding withTypeId(int typeId) {
        int[] same = new int[size()];
        Arrays.fill(same, typeId);
        return new Encoding(ids, tokens, starts, ends, wordIds, same, sequenceIds, specialTokensMask);
    }

    static Encoding join(List<Encoding> parts) {
        if (parts.size() == 1) {
            return parts.getFirst();
        }
        int size = parts.stream().mapToInt(Encoding::size).sum();
        var joined = new Encoding(new int[size], new String[size], new int[size], new int[size], new int[size],
                new int[size], new int[size], new boolean[size]);
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
            at += n;
        }
        return joined;
    }
}
