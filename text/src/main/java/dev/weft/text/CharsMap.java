package dev.weft.text;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.text.BreakIterator;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// The table of replacements inside a SentencePiece model (`precompiled_charsmap`): a double-array trie (Aoe 1989, in
/// the form of Yata's darts-clone) from UTF-8 to places in a list of texts that NULs end.
///
/// Applied as Hugging Face's library does: grapheme clusters of less than 6 bytes are looked up first, then single
/// characters, and the shortest entry that the looked-up text begins with stands for all of it.
final class CharsMap {
    /// Characters below this form clusters only as CR LF, which leaves a quick way for most European text.
    private static final int NO_CLUSTERS = 0x300;
    private static final int MAX_CLUSTER_BYTES = 5;

    private final byte[] blob;
    private final int[] units;
    private final byte[] replacements;
    private final @Nullable String[] known;
    private final @Nullable String[] singles = new String[NO_CLUSTERS];

    private CharsMap(byte[] blob, int[] units, byte[] replacements) {
        this.blob = blob;
        this.units = units;
        this.replacements = replacements;
        known = new String[replacements.length];
        for (int c = 0; c < NO_CLUSTERS; c++) {
            singles[c] = find(Character.toString(c), 0, 1);
        }
    }

    /// Reads the blob: the trie's length in bytes (32 bits, little endian), its units, the texts.
    ///
    /// @throws IllegalArgumentException if it is not one, saying why
    static CharsMap of(byte[] blob) {
        if (blob.length < 4) {
            throw malformed("it has %d bytes, too few for the length of its trie".formatted(blob.length));
        }
        ByteBuffer bytes = ByteBuffer.wrap(blob).order(ByteOrder.LITTLE_ENDIAN);
        long length = Integer.toUnsignedLong(bytes.getInt());
        if (length % 4 != 0 || length < 4 || length > blob.length - 4) {
            throw malformed("its trie should have %d bytes, a multiple of 4 up to %d".formatted(length,
                    blob.length - 4));
        }
        int[] units = new int[(int) length / 4];
        bytes.asIntBuffer().get(units);
        byte[] replacements = new byte[blob.length - 4 - (int) length];
        bytes.get(4 + (int) length, replacements);
        try {
            CharBuffer ignored = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(replacements));
        } catch (CharacterCodingException e) {
            throw malformed("its texts are not UTF-8");
        }
        for (int i = 0; i < units.length; i++) {
            if (units[i] >= 0 && hasLeaf(units[i])) {
                int leaf = i ^ offset(units[i]);
                if (leaf >= units.length || value(units[leaf]) >= replacements.length) {
                    throw malformed("unit %d of its trie points outside the %d bytes of texts".formatted(i,
                            replacements.length));
                }
            }
        }
        return new CharsMap(blob.clone(), units, replacements);
    }

    private static IllegalArgumentException malformed(String problem) {
        return new IllegalArgumentException("not a precompiled charsmap: " + problem);
    }

    byte[] blob() {
        return blob.clone();
    }

    private static boolean hasLeaf(int unit) {
        return (unit & 1 << 8) != 0;
    }

    private static int value(int unit) {
        return unit & 0x7FFFFFFF;
    }

    private static int label(int unit) {
        return unit & 0x800000FF;
    }

    private static int offset(int unit) {
        return unit >>> 10 << ((unit & 1 << 9) >>> 6);
    }

    /// What the shortest entry that `text[from, to)` begins with stands for, or null if there is none.
    @Nullable
    String find(String text, int from, int to) {
        int node = offset(units[0]);
        for (int i = from; i < to;) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            for (int n = utf8Length(c), at = 0; at < n; at++) {
                int b = utf8Byte(c, n, at);
                node ^= b;
                if (b == 0 || node >= units.length || label(units[node]) != b) {
                    return null;
                }
                int unit = units[node];
                node ^= offset(unit);
                if (hasLeaf(unit)) {
                    return replacement(value(units[node]));
                }
            }
        }
        return null;
    }

    /// A stretch of text that an entry stands for: where it ends, and what it becomes.
    record Match(int end, String replacement) {}

    /// The longest entry that `text` goes on with at `from`, or null: how SentencePiece itself looks things up.
    @Nullable
    Match longest(String text, int from) {
        int value = -1;
        int end = from;
        int node = offset(units[0]);
        int i = from;
        search : while (i < text.length()) {
            int c = text.codePointAt(i);
            int unit = 0;
            for (int n = utf8Length(c), at = 0; at < n; at++) {
                int b = utf8Byte(c, n, at);
                node ^= b;
                if (b == 0 || node >= units.length || label(units[node]) != b) {
                    break search;
                }
                unit = units[node];
                node ^= offset(unit);
            }
            i += Character.charCount(c);
            if (hasLeaf(unit)) {
                value = value(units[node]);
                end = i;
            }
        }
        return value < 0 ? null : new Match(end, replacement(value));
    }

    private static int utf8Length(int c) {
        return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    }

    private static int utf8Byte(int c, int length, int at) {
        if (length == 1) {
            return c;
        }
        int bits = c >>> 6 * (length - 1 - at);
        return at > 0 ? 0x80 | bits & 0x3F : 0xF00 >>> length & 0xFF | bits;
    }

    private String replacement(int from) {
        @Nullable
        String text = known[from];
        if (text == null) {
            int to = from;
            while (to < replacements.length && replacements[to] != 0) {
                to++;
            }
            text = new String(replacements, from, to - from, StandardCharsets.UTF_8);
            known[from] = text;
        }
        return text;
    }

    Piece apply(Piece piece) {
        String text = piece.text;
        int from = firstReplaced(text);
        if (from == text.length()) {
            return piece;
        }
        var writer = new Writer(text);
        for (int i = 0; i < from; i++) {
            writer.change.add(text.charAt(i), 0);
        }
        while (from < text.length()) {
            int to = from + Character.charCount(text.codePointAt(from));
            if (isAlone(text, from, to)) {
                writer.one(from, to);
                from = to;
                continue;
            }
            do {
                to += Character.charCount(text.codePointAt(to));
            } while (to < text.length() && !isEdge(text, to));
            writer.clusters(from, to);
            from = to;
        }
        if (!writer.modified) {
            return piece;
        }
        var result = piece.new Rewriting();
        writer.change.apply(piece, result, 0);
        return result.piece();
    }

    /// Up to where all characters are low, have no entry and form no clusters.
    private int firstReplaced(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c >= NO_CLUSTERS || singles[c] != null || c == '\r') {
                // The character before may belong to a cluster with this one.
                return Math.max(0, i - 1);
            }
        }
        return text.length();
    }

    private static boolean isAlone(String text, int from, int to) {
        return to == text.length() || isEdge(text, to);
    }

    private static boolean isEdge(String text, int at) {
        return isEdge(text.charAt(at - 1), text.charAt(at));
    }

    /// Whether a cluster surely ends between these two.
    static boolean isEdge(char before, char after) {
        return before < NO_CLUSTERS && after < NO_CLUSTERS
                ? before != '\r' || after != '\n'
                : Clusters.isSimple(before) && Clusters.isSimple(after);
    }

    /// Which characters never are part of a larger cluster, unless beside one that is not simple itself.
    private static final class Clusters {
        private static final byte[] SIMPLE = new byte[0x10000];

        static boolean isSimple(char c) {
            if (SIMPLE[c] == 0) {
                SIMPLE[c] = (byte) (probe(c) ? 1 : 2);
            }
            return SIMPLE[c] == 1;
        }

        private static boolean probe(char c) {
            // Surrogates, and the Hangul letters that build syllables.
            if (Character.isSurrogate(c) || c == '\r' || c >= 0x1100 && c <= 0x11FF || c >= 0xA960 && c <= 0xA97F
                    || c >= 0xD7B0 && c <= 0xD7FF) {
                return false;
            }
            BreakIterator clusters = BreakIterator.getCharacterInstance(Locale.ROOT);
            clusters.setText("a" + c + "a");
            return clusters.following(0) == 1 && clusters.following(1) == 2;
        }
    }

    private final class Writer {
        private final String text;
        final Change change;
        boolean modified;

        Writer(String text) {
            this.text = text;
            change = new Change(text.length() + text.length() / 8);
        }

        void clusters(int from, int to) {
            BreakIterator clusters = BreakIterator.getCharacterInstance(Locale.ROOT);
            clusters.setText(text.substring(from, to));
            int start = clusters.first();
            for (int end = clusters.next(); end != BreakIterator.DONE; end = clusters.next()) {
                cluster(from + start, from + end);
                start = end;
            }
        }

        private void cluster(int from, int to) {
            int bytes = 0;
            for (int i = from; i < to && bytes <= MAX_CLUSTER_BYTES; i += Character.charCount(text.codePointAt(i))) {
                bytes += utf8Length(text.codePointAt(i));
            }
            if (bytes <= MAX_CLUSTER_BYTES && replace(from, to)) {
                return;
            }
            for (int i = from; i < to;) {
                int next = i + Character.charCount(text.codePointAt(i));
                one(i, next);
                i = next;
            }
        }

        void one(int from, int to) {
            if (!replace(from, to)) {
                change.add(text.codePointAt(from), 0);
            }
        }

        private boolean replace(int from, int to) {
            char first = text.charAt(from);
            @Nullable
            String with = to - from == 1 && first < NO_CLUSTERS ? singles[first] : find(text, from, to);
            if (with == null) {
                return false;
            }
            modified = true;
            int more = with.codePointCount(0, with.length()) - text.codePointCount(from, to);
            with.codePoints().forEach(c -> change.add(c, 0));
            int size = change.size();
            for (int i = 0; i < more; i++) {
                change.set(size - 1 - i, change.character(size - 1 - i), 1);
            }
            if (more < 0 && size > 0) {
                change.set(size - 1, change.character(size - 1), change.change(size - 1) + more);
            }
            return true;
        }
    }
}
