package dev.weft.text;

import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Finds added tokens in a text: from left to right, the longest at each place.
final class AddedTokens {
    private static final class Node {
        final Map<Character, Node> next = new HashMap<>();
        @Nullable
        AddedToken token;
    }

    private final Node root = new Node();
    private final BitSet firstChars = new BitSet();
    private int longest;

    /// `normalizer` rewrites the spelling that is looked for, or is null.
    AddedTokens(List<AddedToken> tokens, @Nullable Normalizer normalizer) {
        for (AddedToken token : tokens) {
            String content = normalizer == null
                    ? token.content()
                    : normalizer.apply(Piece.of(token.content())).text;
            if (!content.isEmpty()) {
                add(token, content);
            }
        }
    }

    private void add(AddedToken token, String content) {
        Node node = root;
        for (int i = 0; i < content.length(); i++) {
            node = node.next.computeIfAbsent(content.charAt(i), c -> new Node());
        }
        node.token = token;
        firstChars.set(content.charAt(0));
        longest = Math.max(longest, content.length());
    }

    boolean isEmpty() {
        return longest == 0;
    }

    /// Cuts a piece into added tokens and the text between them.
    void cut(Piece piece, Consumer<Piece> parts) {
        if (piece.text.isEmpty()) {
            return;
        }
        String text = piece.text;
        int done = 0;
        if (longest > 0) {
            for (int i = 0; i < text.length();) {
                int end = firstChars.get(text.charAt(i)) ? end(text, i) : -1;
                if (end < 0) {
                    i++;
                    continue;
                }
                AddedToken token = at(text, i, end);
                int from = i;
                i = end;
                if (token.singleWord() && (from > 0 && ReferenceCharacters.isWord(text.codePointBefore(from))
                        || end < text.length() && ReferenceCharacters.isWord(text.codePointAt(end)))) {
                    continue;
                }
                while (token.lstrip() && from > done && Gpt2Words.isSpace(text.charAt(from - 1))) {
                    from--;
                }
                while (token.rstrip() && i < text.length() && Gpt2Words.isSpace(text.charAt(i))) {
                    i++;
                }
                if (from > done) {
                    parts.accept(piece.slice(done, from));
                }
                parts.accept(piece.asToken(from, i, token.id()));
                done = i;
            }
        }
        if (done < text.length()) {
            parts.accept(piece.slice(done, text.length()));
        }
    }

    /// Where the longest token that begins at `from` ends, or -1.
    private int end(String text, int from) {
        Node node = root;
        int end = -1;
        for (int i = from; i < text.length(); i++) {
            Node next = node.next.get(text.charAt(i));
            if (next == null) {
                break;
            }
            node = next;
            if (node.token != null) {
                end = i + 1;
            }
        }
        return end;
    }

    private AddedToken at(String text, int from, int end) {
        Node node = root;
        for (int i = from; i < end; i++) {
            node = node.next.get(text.charAt(i));
        }
        return node.token;
    }

    /// Whether a token could reach over or up to `place`, or begin there, so that a cut would change what is found.
    boolean touches(CharSequence text, int place) {
        for (int from = Math.max(0, place - longest); from <= place && from < text.length(); from++) {
            Node node = root;
            for (int i = from; node != null && i < text.length(); i++) {
                node = node.next.get(text.charAt(i));
                if (node != null && node.token != null && i + 1 >= place) {
                    return true;
                }
            }
        }
        return false;
    }

    int longest() {
        return longest;
    }
}
