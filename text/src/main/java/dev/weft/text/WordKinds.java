package dev.weft.text;

import java.util.function.Consumer;
import java.util.function.IntUnaryOperator;

/// Words by the kind of their characters: runs of one kind are words, white space goes, and some characters stand alone.
final class WordKinds {
    private static final byte SPACE = 0;
    private static final byte ALONE = 1;
    private static final byte WORD = 2;
    private static final byte OTHER = 3;

    /// BERT: punctuation stands alone.
    static final WordKinds BERT = new WordKinds(c -> ReferenceCharacters.isPunctuation(c) ? ALONE : WORD);
    /// `\w+|[^\w\s]+`
    static final WordKinds WORDS = new WordKinds(c -> ReferenceCharacters.isWord(c) ? WORD : OTHER);
    /// Whatever white space leaves.
    static final WordKinds SPACES = new WordKinds(c -> WORD);

    private final IntUnaryOperator visible;
    private final byte[] kinds = new byte[0x10000];

    private WordKinds(IntUnaryOperator visible) {
        this.visible = visible;
        for (int c = 0; c < kinds.length; c++) {
            kinds[c] = Gpt2Words.isSpace((char) c) ? SPACE : (byte) visible.applyAsInt(c);
        }
    }

    void cut(Piece piece, Consumer<Piece> words) {
        String text = piece.text;
        int from = 0;
        byte kind = SPACE;
        for (int at = 0; at < text.length();) {
            char c = text.charAt(at);
            int to = at + 1;
            byte next = kinds[c];
            if (Character.isHighSurrogate(c) && to < text.length() && Character.isLowSurrogate(text.charAt(to))) {
                next = (byte) visible.applyAsInt(Character.toCodePoint(c, text.charAt(to)));
                to++;
            }
            if (next != kind || next == ALONE) {
                if (kind != SPACE) {
                    words.accept(piece.slice(from, at));
                }
                from = at;
                kind = next;
            }
            at = to;
        }
        if (kind != SPACE) {
            words.accept(piece.slice(from, text.length()));
        }
    }
}
