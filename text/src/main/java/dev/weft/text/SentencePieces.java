package dev.weft.text;

import java.util.ArrayList;
import java.util.List;

final class SentencePieces {
    private SentencePieces() {}

    /// What Hugging Face's library only finds when it is told to: pieces that a user asked for, and those that stand for
    /// no text.
    static List<AddedToken> writtenAsAdded(List<ScoredPiece> pieces) {
        var added = new ArrayList<AddedToken>();
        for (int id = 0; id < pieces.size(); id++) {
            boolean control = pieces.get(id).kind() == ScoredPiece.Kind.CONTROL;
            if (control || pieces.get(id).kind() == ScoredPiece.Kind.USER_DEFINED) {
                added.add(new AddedToken(id, pieces.get(id).text(), false, false, false, false, control));
            }
        }
        return added;
    }
}
