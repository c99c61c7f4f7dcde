package dev.weft.grammar;

import java.util.Arrays;
import java.util.BitSet;

/// The bytes that the ids of a vocabulary write. Made once for a vocabulary, whatever constraints it meets. Immutable, and safe
/// to share between threads.
public final class TokenIds {
    private final byte[][] inside;
    private final byte[][] first;
    private final BitSet special;
    private final TokenTrie texts;
    private final TokenTrie begins;
    private final TokenTrie specials;

    /// @param inside  what each id writes behind other text; nothing where it writes none
    /// @param first   the same where no text stands before
    /// @param special ids that stand for no text; their bytes are their names
    public TokenIds(byte[][] inside, byte[][] first, BitSet special) {
        if (inside.length != first.length) {
            throw new IllegalArgumentException("%d ids behind other text and %d before all".formatted(inside.length,
                    first.length));
        }
        boolean same = Arrays.deepEquals(inside, first);
        this.inside = inside;
        this.first = same ? inside : first;
        this.special = (BitSet) special.clone();
        texts = trie(inside, false);
        begins = same ? texts : trie(first, false);
        specials = trie(inside, true);
    }

    private TokenTrie trie(byte[][] bytes, boolean wantsSpecial) {
        byte[][] some = bytes.clone();
        for (int id = 0; id < some.length; id++) {
            if (special.get(id) != wantsSpecial) {
                some[id] = new byte[0];
            }
        }
        return new TokenTrie(some);
    }

    /// One more than the highest id.
    public int size() {
        return inside.length;
    }

    /// What an id writes behind other text or before all. That of a special id is its name, which nobody sees.
    public byte[] bytes(int id, boolean before) {
        return before ? first[id] : inside[id];
    }

    /// Ids that stand for no text. Not to be changed.
    public BitSet special() {
        return special;
    }

    /// Ids that are no special ones, behind other text.
    TokenTrie texts() {
        return texts;
    }

    /// The same where no text stands before.
    TokenTrie begins() {
        return begins;
    }

    TokenTrie specials() {
        return specials;
    }

    /// Whether the ids of a prompt leave text behind, so that the next one does not begin it.
    public boolean begun(int[] ids) {
        return texts == begins
                || Arrays.stream(ids).anyMatch(id -> id < size() && !special.get(id) && inside[id].length > 0);
    }
}
