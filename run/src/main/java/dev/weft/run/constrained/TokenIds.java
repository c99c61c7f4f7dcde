package dev.weft.run.constrained;

import dev.weft.text.Tokenizer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.Map;
import java.util.WeakHashMap;

/// The bytes that the ids of a tokenizer write. Made once for a tokenizer, whatever constraints it meets.
final class TokenIds {
    private static final Map<Tokenizer, TokenIds> KNOWN = Collections.synchronizedMap(new WeakHashMap<>());

    private final byte[][] inside;
    private final byte[][] first;
    private final BitSet special = new BitSet();
    private final TokenTrie texts;
    private final TokenTrie begins;
    private final TokenTrie specials;

    private TokenIds(Tokenizer tokenizer) {
        inside = tokenizer.bytesOfIds(false);
        byte[][] atFirst = tokenizer.bytesOfIds(true);
        boolean same = Arrays.deepEquals(inside, atFirst);
        first = same ? inside : atFirst;
        for (int id = 0; id < inside.length; id++) {
            special.set(id, tokenizer.isSpecial(id));
        }
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

    /// @throws IllegalArgumentException if the text of an id depends on the id after it
    static TokenIds of(Tokenizer tokenizer) {
        return KNOWN.computeIfAbsent(tokenizer, TokenIds::new);
    }

    /// One more than the highest id.
    int size() {
        return inside.length;
    }

    /// What an id writes behind other text or before all. That of a special id is its name, which nobody sees.
    byte[] bytes(int id, boolean before) {
        return before ? first[id] : inside[id];
    }

    BitSet special() {
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
    boolean begun(int[] ids) {
        return texts == begins
                || Arrays.stream(ids).anyMatch(id -> id < size() && !special.get(id) && inside[id].length > 0);
    }
}
