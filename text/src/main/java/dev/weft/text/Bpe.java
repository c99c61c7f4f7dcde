package dev.weft.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Byte-pair encoding (Sennrich et al. 2016, <https://arxiv.org/abs/1508.07909>): a word begins as its characters, and
/// of all neighbours the pair that was learned first is merged, again and again, the leftmost where it occurs twice.
///
/// Whether a character is a letter or a byte in disguise is up to the pre-tokenizer. Without merges this is a
/// character-level tokenizer.
final class Bpe implements Model {
    /// Up to so many symbols the plain search for the best pair beats the heap.
    private static final int SHORT_WORD = 48;

    /// What a file may say beside vocabulary and merges, in its own words.
    record Options(@Nullable String unkToken, @Nullable String continuingSubwordPrefix,
            @Nullable String endOfWordSuffix,
            boolean fuseUnk, boolean byteFallback, boolean ignoreMerges) {
        static final Options PLAIN = new Options(null, null, null, false, false, false);

        Options withUnkToken(@Nullable String token) {
            return new Options(token, continuingSubwordPrefix, endOfWordSuffix, fuseUnk, byteFallback, ignoreMerges);
        }
    }

    /// Learned pairs in the order of their learning: `left[rank]`, `right[rank]` become `merged[rank]`.
    record Merges(int[] left, int[] right, int[] merged) {
        static final Merges NONE = new Merges(new int[0], new int[0], new int[0]);

        int size() {
            return left.length;
        }
    }

    private final Vocabulary vocabulary;
    private final Merges merges;
    private final Options options;
    private final PairTable ranks;
    private final int[] idOfChar;
    private final int unkId;
    private final WordCache<Word> cache = new WordCache<>();

    Bpe(Vocabulary vocabulary, Merges merges, Options options) {
        this.vocabulary = vocabulary;
        this.merges = merges;
        this.options = options;
        ranks = new PairTable(merges.size());
        for (int rank = 0; rank < merges.size(); rank++) {
            ranks.put(PairTable.pair(merges.left[rank], merges.right[rank]), rank);
        }
        idOfChar = new int[0x3000];
        for (char c = 0; c < idOfChar.length; c++) {
            idOfChar[c] = vocabulary.idOrNone(String.valueOf(c));
        }
        unkId = options.unkToken == null ? -1 : vocabulary.idOrNone(options.unkToken);
    }

    @Override
    public Vocabulary vocabulary() {
        return vocabulary;
    }

    private boolean hasMerges() {
        return merges.size() > 0;
    }

    /// Whether the ids of two texts, one behind the other, are the ids of both joined.
    boolean cutsAnywhere() {
        return !hasMerges() && !options.ignoreMerges && !options.fuseUnk && options.continuingSubwordPrefix == null
                && options.endOfWordSuffix == null;
    }

    /// Whether every character of the [ByteAlphabet] is a token.
    boolean knowsAllBytes() {
        for (char c : ByteAlphabet.sorted()) {
            if (idOfChar[c] < 0) {
                return false;
            }
        }
        return true;
    }

    @Override
    public Word word(Piece piece) {
        Word known = cache.find(piece.text, 0, piece.text.length());
        if (known == null) {
            known = tokenize(piece);
            cache.keep(piece.text, known);
        }
        return known;
    }

    private Word tokenize(Piece piece) {
        String text = piece.text;
        if (options.ignoreMerges) {
            int id = vocabulary.idOrNone(text);
            if (id >= 0) {
                return new Word(new int[]{id}, new int[]{0}, new int[]{text.length()});
            }
        }
        var symbols = new Symbols(text.length());
        for (int from = 0; from < text.length();) {
            int to = from + Character.charCount(text.codePointAt(from));
            addCharacter(piece, from, to, symbols);
            from = to;
        }
        if (hasMerges()) {
            if (symbols.size <= SHORT_WORD) {
                mergeShort(symbols);
            } else {
                mergeLong(symbols);
            }
        }
        return symbols.word();
    }

    private void addCharacter(Piece piece, int from, int to, Symbols symbols) {
        String text = piece.text;
        int id = idOfCharacter(text, from, to);
        if (id >= 0) {
            symbols.add(id, from, to);
            return;
        }
        if (options.byteFallback && addBytes(text.substring(from, to), from, to, symbols)) {
            return;
        }
        if (unkId < 0) {
            throw unknown(piece, from, to);
        }
        if (options.fuseUnk && symbols.size > 0 && symbols.ids[symbols.size - 1] == unkId) {
            symbols.ends[symbols.size - 1] = to;
        } else {
            symbols.add(unkId, from, to);
        }
    }

    private int idOfCharacter(String text, int from, int to) {
        boolean prefixed = from > 0 && options.continuingSubwordPrefix != null;
        boolean suffixed = to == text.length() && options.endOfWordSuffix != null;
        if (!prefixed && !suffixed) {
            char c = text.charAt(from);
            return c < idOfChar.length ? idOfChar[c] : vocabulary.idOrNone(text.substring(from, to));
        }
        return vocabulary.idOrNone((prefixed ? options.continuingSubwordPrefix : "") + text.substring(from, to)
                + (suffixed ? options.endOfWordSuffix : ""));
    }

    private boolean addBytes(String character, int from, int to, Symbols symbols) {
        byte[] bytes = character.getBytes(StandardCharsets.UTF_8);
        int[] ids = new int[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            ids[i] = vocabulary.idOrNone("<0x%02X>".formatted(bytes[i]));
            if (ids[i] < 0) {
                return false;
            }
        }
        for (int id : ids) {
            symbols.add(id, from, to);
        }
        return true;
    }

    private IllegalArgumentException unknown(Piece piece, int from, int to) {
        return new IllegalArgumentException(
                ("unknown character '%s' (U+%04X) at index %d of the text: none of the %d tokens stands for it and the "
                        + "tokenizer has no unk_token; remove the character or train a tokenizer that has seen it")
                        .formatted(piece.text.substring(from, to), piece.text.codePointAt(from), piece.start(from),
                                vocabulary.size()));
    }

    private int rank(int left, int right) {
        int rank = ranks.find(left, right);
        return rank < 0 ? Integer.MAX_VALUE : rank;
    }

    private void mergeShort(Symbols word) {
        int n = word.size;
        // rankAt[i]: rank of the pair of symbols i and i + 1
        int[] rankAt = new int[Math.max(0, n)];
        for (int i = 0; i + 1 < n; i++) {
            rankAt[i] = rank(word.ids[i], word.ids[i + 1]);
        }
        while (n > 1) {
            int best = 0;
            for (int i = 1; i + 1 < n; i++) {
                if (rankAt[i] < rankAt[best]) {
                    best = i;
                }
            }
            if (rankAt[best] == Integer.MAX_VALUE) {
                break;
            }
            word.ids[best] = merges.merged[rankAt[best]];
            word.ends[best] = word.ends[best + 1];
            word.remove(best + 1);
            System.arraycopy(rankAt, best + 1, rankAt, best, n - best - 1);
            n--;
            if (best > 0) {
                rankAt[best - 1] = rank(word.ids[best - 1], word.ids[best]);
            }
            if (best + 1 < n) {
                rankAt[best] = rank(word.ids[best], word.ids[best + 1]);
            }
        }
    }

    /// The same in O(n log n): a heap of (rank, place) over a linked list; entries that no longer hold are dropped late.
    private void mergeLong(Symbols word) {
        int n = word.size;
        int[] ids = word.ids;
        int[] next = new int[n];
        int[] previous = new int[n];
        var heap = new LongHeap(n);
        for (int i = 0; i < n; i++) {
            next[i] = i + 1;
            previous[i] = i - 1;
            offer(heap, ids, i, i + 1, n);
        }
        while (!heap.isEmpty()) {
            long top = heap.poll();
            int rank = (int) (top >>> 32);
            int at = (int) top;
            int right = next[at];
            if (ids[at] != merges.left[rank] || right >= n || ids[right] != merges.right[rank]) {
                continue;
            }
            ids[at] = merges.merged[rank];
            word.ends[at] = word.ends[right];
            ids[right] = -1;
            next[at] = next[right];
            if (next[at] < n) {
                previous[next[at]] = at;
            }
            if (previous[at] >= 0) {
                offer(heap, ids, previous[at], at, n);
            }
            offer(heap, ids, at, next[at], n);
        }
        word.keepIf(i -> ids[i] >= 0);
    }

    private void offer(LongHeap heap, int[] ids, int at, int right, int n) {
        int rank = right < n ? ranks.find(ids[at], ids[right]) : -1;
        if (rank >= 0) {
            heap.add((long) rank << 32 | at);
        }
    }

    /// The symbols of a word while they are merged.
    private static final class Symbols {
        int[] ids;
        int[] starts;
        int[] ends;
        int size;

        Symbols(int capacity) {
            ids = new int[capacity];
            starts = new int[capacity];
            ends = new int[capacity];
        }

        void add(int id, int start, int end) {
            if (size == ids.length) {
                ids = Arrays.copyOf(ids, size * 2 + 4);
                starts = Arrays.copyOf(starts, size * 2 + 4);
                ends = Arrays.copyOf(ends, size * 2 + 4);
            }
            ids[size] = id;
            starts[size] = start;
            ends[size++] = end;
        }

        void remove(int at) {
            System.arraycopy(ids, at + 1, ids, at, size - at - 1);
            System.arraycopy(starts, at + 1, starts, at, size - at - 1);
            System.arraycopy(ends, at + 1, ends, at, size - at - 1);
            size--;
        }

        void keepIf(IntPredicate kept) {
            int to = 0;
            for (int from = 0; from < size; from++) {
                if (kept.test(from)) {
                    ids[to] = ids[from];
                    starts[to] = starts[from];
                    ends[to++] = ends[from];
                }
            }
            size = to;
        }

        Word word() {
            return size == ids.length
                    ? new Word(ids, starts, ends)
                    : new Word(Arrays.copyOf(ids, size), Arrays.copyOf(starts, size), Arrays.copyOf(ends, size));
        }
    }

    static Bpe fromJson(JsonPart json) {
        json.allows("dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
                "byte_fallback", "ignore_merges", "vocab", "merges");
        if (json.has("dropout") && json.at("dropout").node().asDouble() != 0) {
            throw json.at("dropout").error("encoding with dropout is not supported; set it to null");
        }
        Vocabulary vocabulary = Vocabulary.fromJson(json.at("vocab"));
        String prefix = json.optionalString("continuing_subword_prefix");
        var options = new Options(json.optionalString("unk_token"), blankToNull(prefix),
                blankToNull(json.optionalString("end_of_word_suffix")), json.flag("fuse_unk", false),
                json.flag("byte_fallback", false), json.flag("ignore_merges", false));
        if (options.unkToken != null && vocabulary.idOrNone(options.unkToken) < 0) {
            throw json.at("unk_token").error("\"%s\" is not in the vocabulary".formatted(options.unkToken));
        }
        var reader = new MergeReader(vocabulary, prefix == null ? "" : prefix);
        for (JsonPart merge : json.at("merges").items()) {
            if (merge.node().isArray() && merge.node().size() == 2) {
                List<JsonPart> pair = merge.items();
                reader.add(pair.get(0).string(), pair.get(1).string(), merge);
            } else {
                reader.add(merge.string(), merge);
            }
        }
        return new Bpe(vocabulary, reader.merges(), options);
    }

    private static @Nullable String blankToNull(@Nullable String text) {
        return text == null || text.isEmpty() ? null : text;
    }

    /// Collects merges and checks each against the vocabulary.
    static final class MergeReader {
        private final Vocabulary vocabulary;
        private final String prefix;
        private final IntList left = new IntList(1024);
        private final IntList right = new IntList(1024);
        private final IntList merged = new IntList(1024);

        MergeReader(Vocabulary vocabulary, String continuingSubwordPrefix) {
            this.vocabulary = vocabulary;
            prefix = continuingSubwordPrefix;
        }

        /// A merge in its old form, two tokens with a space between them.
        void add(String merge, JsonPart where) {
            int space = merge.indexOf(' ');
            if (space < 1 || space != merge.lastIndexOf(' ') || space == merge.length() - 1) {
                throw where.error("expected two tokens with one space between them, found \"%s\"".formatted(merge));
            }
            add(merge.substring(0, space), merge.substring(space + 1), where);
        }

        void add(String first, String second, JsonPart where) {
            left.add(id(first, first, second, where));
            right.add(id(second, first, second, where));
            String bare = second.startsWith(prefix) ? second.substring(prefix.length()) : second;
            merged.add(id(first + bare, first, second, where));
        }

        private int id(String token, String first, String second, JsonPart where) {
            int id = vocabulary.idOrNone(token);
            if (id < 0) {
                throw where
                        .error("the merge of \"%s\" and \"%s\" needs the token \"%s\", which is not in the vocabulary"
                                .formatted(first, second, token));
            }
            return id;
        }

        Merges merges() {
            return new Merges(left.toArray(), right.toArray(), merged.toArray());
        }
    }

    @Override
    public ObjectNode toJson() {
        ObjectNode json = JsonPart.object("BPE").putNull("dropout").put("unk_token", options.unkToken)
                .put("continuing_subword_prefix", options.continuingSubwordPrefix)
                .put("end_of_word_suffix", options.endOfWordSuffix).put("fuse_unk", options.fuseUnk)
                .put("byte_fallback", options.byteFallback).put("ignore_merges", options.ignoreMerges);
        ObjectNode vocab = json.putObject("vocab");
        boolean anySpace = false;
        for (int id = 0; id < vocabulary.size(); id++) {
            String token = vocabulary.token(id);
            if (token != null) {
                vocab.put(token, id);
                anySpace |= token.indexOf(' ') >= 0;
            }
        }
        ArrayNode list = json.putArray("merges");
        for (int rank = 0; rank < merges.size(); rank++) {
            String first = vocabulary.token(merges.left[rank]);
            String second = vocabulary.token(merges.right[rank]);
            // Every reader knows the form "a b"; only a token with a space in it needs the younger form ["a", "b"].
            if (anySpace) {
                list.addArray().add(first).add(second);
            } else {
                list.add(first + " " + second);
            }
        }
        return json;
    }
}
