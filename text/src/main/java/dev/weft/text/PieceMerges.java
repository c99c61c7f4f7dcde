package dev.weft.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// What SentencePiece's byte-pair encoding knows: two neighbours can be merged where their text is a piece, and the
/// piece of the highest score comes first. A character that begins or ends a piece need not be one itself; it then has
/// an id behind those of the pieces while a word is put together.
///
/// @param pieces             in the order of their ids
/// @param merges             in the order in which Hugging Face's library, which wants each pair ranked, should have them
/// @param idOfChar           by UTF-16 unit, -1 for none
/// @param idOfSupplementary  by code point, for those beyond a unit
/// @param userDefined        pieces that are found before all others and never merged
/// @param anyUnused          whether some piece can be made but must be taken apart again
record PieceMerges(List<ScoredPiece> pieces, Bpe.Merges merges, int[] idOfChar,
        Map<Integer, Integer> idOfSupplementary, Trie userDefined, boolean anyUnused) {

    private record Pair(int left, int right, int merged, int leftLength) {}

    static PieceMerges of(List<ScoredPiece> pieces) {
        var ids = HashMap.<String, Integer>newHashMap(pieces.size());
        var userDefined = new Trie();
        for (int id = 0; id < pieces.size(); id++) {
            ScoredPiece piece = pieces.get(id);
            if (piece.kind() == ScoredPiece.Kind.USER_DEFINED) {
                userDefined.put(piece.text(), id);
            } else if (piece.isFound()) {
                ids.put(piece.text(), id);
            }
        }
        var pairs = new ArrayList<Pair>();
        for (int id = 0; id < pieces.size(); id++) {
            String text = pieces.get(id).text();
            if (!ids.getOrDefault(text, -1).equals(id)) {
                continue;
            }
            for (int cut = next(text, 0); cut < text.length(); cut = next(text, cut)) {
                int left = symbol(text.substring(0, cut), ids, pieces.size());
                int right = symbol(text.substring(cut), ids, pieces.size());
                if (left >= 0 && right >= 0) {
                    pairs.add(new Pair(left, right, id, cut));
                }
            }
        }
        pairs.sort(Comparator.comparingDouble((Pair pair) -> -pieces.get(pair.merged).score())
                .thenComparingInt(pair -> -pair.leftLength));
        int[] ranks = new int[pairs.size()];
        for (int i = 1; i < ranks.length; i++) {
            boolean same = pieces.get(pairs.get(i).merged).score() == pieces.get(pairs.get(i - 1).merged).score();
            ranks[i] = ranks[i - 1] + (same ? 0 : 1);
        }
        int[] idOfChar = new int[1 << 16];
        Arrays.fill(idOfChar, -1);
        var idOfSupplementary = new HashMap<Integer, Integer>();
        ids.forEach((text, id) -> {
            if (text.length() == 1) {
                idOfChar[text.charAt(0)] = id;
            } else if (isCharacter(text)) {
                idOfSupplementary.put(text.codePointAt(0), id);
            }
        });
        var merges = new Bpe.Merges(pairs.stream().mapToInt(Pair::left).toArray(),
                pairs.stream().mapToInt(Pair::right).toArray(), pairs.stream().mapToInt(Pair::merged).toArray(), ranks);
        return new PieceMerges(pieces, merges, idOfChar, idOfSupplementary, userDefined,
                pieces.stream().anyMatch(piece -> piece.kind() == ScoredPiece.Kind.UNUSED));
    }

    private static int next(String text, int at) {
        return at + Character.charCount(text.codePointAt(at));
    }

    private static int symbol(String text, Map<String, Integer> ids, int pieces) {
        Integer id = ids.get(text);
        if (id == null && isCharacter(text)) {
            // Not in the list: an id behind those of all pieces.
            id = pieces + ids.size();
            ids.put(text, id);
        }
        return id == null ? -1 : id;
    }

    private static boolean isCharacter(String text) {
        return text.length() == next(text, 0);
    }

    /// The merges whose parts are pieces, as a file can list them.
    IntStream listed() {
        return IntStream.range(0, merges.size())
                .filter(i -> merges.left()[i] < pieces.size() && merges.right()[i] < pieces.size());
    }
}
