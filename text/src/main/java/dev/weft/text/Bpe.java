package dev.weft.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
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

    /// Learned pairs: `left[i]`, `right[i]` become `merged[i]`, the lowest of `ranks[i]` first.
    record Merges(int[] left, int[] right, int[] merged, int[] ranks) {
        static final Merges NONE = new Merges(new int[0], new int[0], new int[0]);

        /// Pairs in the order of their learning.
        Merges(int[] left, int[] right, int[] merged) {
            this(left, right, merged, IntStream.range(0, left.length).toArray());
        }

        int size() {
            return left.length;
        }
    }

    /// Leaves out each merge with this probability, so that a model sees a word in many forms (Provilkov et al. 2020,
    /// <https://arxiv.org/abs/1910.13267>). The n-th word that a tokenizer encodes draws from the n-th stream of the seed.
    record Dropout(double probability, long seed) {
        static final Dropout NONE = new Dropout(0, 0);
    }

    private static final char SPACE = '\u2581';
    /// The id of a character that is no token, until the word is finished.
    private static final int UNKNOWN = -1;
    /// The id of a symbol that was merged into the one before it.
    private static final int GONE = Integer.MIN_VALUE;

    private final Vocabulary vocabulary;
    private final Merges merges;
    private final Options options;
    private final Dropout dropout;
    private final @Nullable PieceMerges listed;
    private final PairTable ranks;
    private final int[] idOfChar;
    private final int unkId;
    private final @Nullable ByteTokens bytes;
    private final @Nullable BitSet beforeSpace;
    private final AtomicLong streams = new AtomicLong();
    private final WordCache<Word> cache = new WordCache<>();

    Bpe(Vocabulary vocabulary, Merges merges, Options options) {
        this(vocabulary, merges, options, Dropout.NONE, null);
    }

    private Bpe(Vocabulary vocabulary, Merges merges, Options options, Dropout dropout, @Nullable PieceMerges listed) {
        this.vocabulary = vocabulary;
        this.merges = merges;
        this.options = options;
        this.dropout = dropout;
        this.listed = listed;
        ranks = new PairTable(merges.size());
        for (int merge = 0; merge < merges.size(); merge++) {
            ranks.put(PairTable.pair(merges.left[merge], merges.right[merge]), merge);
        }
        idOfChar = listed == null ? new int[1 << 16] : listed.idOfChar();
        for (int c = 0; listed == null && c < idOfChar.length; c++) {
            idOfChar[c] = vocabulary.idOrNone(String.valueOf((char) c));
        }
        unkId = options.unkToken == null ? -1 : vocabulary.idOrNone(options.unkToken);
        bytes = options.byteFallback ? ByteTokens.of(vocabulary) : null;
        beforeSpace = beforeSpace();
    }

    Bpe withDropout(Dropout changed) {
        return new Bpe(vocabulary, merges, options, changed, listed);
    }

    /// As SentencePiece does it: of all neighbours whose text is a piece, those of the highest score are merged first,
    /// from left to right where pieces have the same. Pieces behind those of the vocabulary are unknown where the text has
    /// them.
    static Bpe of(Vocabulary vocabulary, List<ScoredPiece> pieces, String unkPiece, boolean byteFallback) {
        PieceMerges listed = PieceMerges.of(pieces);
        return new Bpe(vocabulary, listed.merges(),
                new Options(unkPiece, null, null, true, byteFallback, false), Dropout.NONE, listed);
    }

    /// As SentencePiece lists them, where each piece has one score: what was learned first has the highest.
    ///
    /// @param added tokens that are found before all else, by content
    /// @throws IllegalArgumentException if tokens are told apart by their place in a word
    List<ScoredPiece> pieces(Map<String, AddedToken> added) {
        if (listed != null) {
            return listed.pieces();
        }
        if (options.continuingSubwordPrefix != null || options.endOfWordSuffix != null || options.ignoreMerges) {
            throw new IllegalArgumentException(
                    "its tokens differ by their place in a word, or are found without merges; SentencePiece knows neither");
        }
        float[] scores = new float[vocabulary.size()];
        int next = merges.size();
        for (int merge = merges.size() - 1; merge >= 0; merge--) {
            scores[merges.merged[merge]] = -merge;
        }
        var pieces = new ArrayList<ScoredPiece>();
        for (int id = 0; id < scores.length; id++) {
            String token = vocabulary.token(id);
            if (token == null) {
                throw new IllegalArgumentException("no token has the id %d of %d".formatted(id, scores.length));
            }
            boolean character = token.codePointCount(0, token.length()) == 1;
            pieces.add(ScoredPiece.of(token, character ? -next++ : scores[id], id == unkId, added.get(token),
                    options.byteFallback));
        }
        return pieces;
    }

    boolean byteFallback() {
        return options.byteFallback;
    }

    /// Makes sure that merging by the scores of pieces is the same as by the list of pairs.
    ///
    /// @throws IllegalArgumentException if not, naming a pair
    void requireMerges(List<ScoredPiece> pieces) {
        if (listed != null) {
            return;
        }
        PieceMerges scored = PieceMerges.of(pieces);
        for (int merge : scored.listed().toArray()) {
            if (ranks.find(scored.merges().left[merge], scored.merges().right[merge]) < 0) {
                throw new IllegalArgumentException(
                        ("SentencePiece would join \"%s\" and \"%s\", which this tokenizer does not; train one with "
                                + "TrainingPipeline.sentencePiece()")
                                .formatted(vocabulary.token(scored.merges().left[merge]),
                                        vocabulary.token(scored.merges().right[merge])));
            }
        }
        var done = new BitSet();
        for (int merge = 0; merge < merges.size(); merge++) {
            int merged = merges.merged[merge];
            if (pieces.get(merged).kind() != ScoredPiece.Kind.NORMAL
                    || done.get(merged) && merges.merged[merge - 1] != merged) {
                throw new IllegalArgumentException(
                        "\"%s\" is joined in more than one rank; a piece of SentencePiece has one score"
                                .formatted(vocabulary.token(merged)));
            }
            done.set(merged);
        }
    }

    @Override
    public Vocabulary vocabulary() {
        return vocabulary;
    }

    @Override
    public int idShownAsText() {
        return listed == null ? -1 : unkId;
    }

    @Override
    public List<AddedToken> writtenAsAdded() {
        return listed == null ? List.of() : SentencePieces.writtenAsAdded(listed.pieces());
    }

    private boolean hasMerges() {
        return merges.size() > 0;
    }

    /// Whether the ids of two texts, one behind the other, are the ids of both joined.
    boolean cutsAnywhere() {
        return !hasMerges() && !options.ignoreMerges && !options.fuseUnk && options.continuingSubwordPrefix == null
                && options.endOfWordSuffix == null && listed == null;
    }

    /// Whether every character of the [ByteAlphabet] is a token, and words have the same ids each time.
    boolean knowsAllBytes() {
        for (char c : ByteAlphabet.sorted()) {
            if (idOfChar[c] < 0) {
                return false;
            }
        }
        return dropout.probability == 0;
    }

    /// The chars that stand before a `▁` in some token that merging can make, or null if a text cannot be cut at all. A
    /// text whose words begin with `▁` is one long word to models such as Llama's; but no merge reaches over a `▁` with
    /// another char before it, so what lies between such places can be tokenized alone, and remembered.
    private @Nullable BitSet beforeSpace() {
        if (options.continuingSubwordPrefix != null || options.endOfWordSuffix != null || idOfChar[SPACE] < 0
                || dropout.probability > 0 || listed != null && listed.anyUnused()) {
            return null;
        }
        var before = new BitSet();
        for (int merged : merges.merged) {
            noteBeforeSpace(vocabulary.token(merged), before);
        }
        if (options.ignoreMerges) {
            for (int id = 0; id < vocabulary.size(); id++) {
                noteBeforeSpace(vocabulary.token(id), before);
            }
        }
        if (listed != null) {
            listed.pieces().stream().filter(piece -> piece.kind() == ScoredPiece.Kind.USER_DEFINED)
                    .forEach(piece -> noteBeforeSpace(piece.text(), before));
        }
        return before;
    }

    private static void noteBeforeSpace(@Nullable String token, BitSet before) {
        for (int i = token == null ? -1 : token.indexOf(SPACE, 1); i > 0; i = token.indexOf(SPACE, i + 1)) {
            before.set(token.charAt(i - 1));
        }
    }

    @Override
    public Word word(Piece piece) {
        String text = piece.text;
        if (dropout.probability > 0) {
            return tokenize(piece);
        }
        int end = cut(text, 0);
        if (end == text.length()) {
            return known(piece, 0, end);
        }
        var symbols = new Symbols(text.length() / 3 + 8);
        for (int from = 0; from < text.length(); from = end) {
            end = cut(text, from);
            symbols.addAll(known(piece, from, end), from);
        }
        return symbols.word();
    }

    /// Where the part of a word that begins at `from` ends.
    private int cut(String text, int from) {
        if (beforeSpace == null) {
            return text.length();
        }
        int space = text.indexOf(SPACE, from + 1);
        while (space > 0 && beforeSpace.get(text.charAt(space - 1))) {
            space = text.indexOf(SPACE, space + 1);
        }
        return space < 0 ? text.length() : space;
    }

    private Word known(Piece piece, int from, int to) {
        Word known = cache.find(piece.text, from, to);
        if (known == null) {
            Piece part = piece.slice(from, to);
            known = tokenize(part);
            cache.keep(part.text, known);
        }
        return known;
    }

    private Word tokenize(Piece piece) {
        String text = piece.text;
        if (options.ignoreMerges) {
            int id = vocabulary.idOrNone(text);
            if (id >= 0) {
                return Word.whole(id, text.length());
            }
        }
        var symbols = new Symbols(text.length());
        for (int from = 0; from < text.length();) {
            int to = listed == null ? Trie.NONE : listed.userDefined().longestEnd(text, from);
            if (to == Trie.NONE) {
                to = from + Character.charCount(text.codePointAt(from));
                addCharacter(piece, from, to, symbols);
            } else {
                symbols.add(vocabulary.idOrNone(text.substring(from, to)), from, to);
            }
            from = to;
        }
        if (hasMerges()) {
            if (dropout.probability > 0) {
                mergeLong(symbols,
                        new SplittableRandom(dropout.seed + streams.getAndIncrement() * 0x9E3779B97F4A7C15L));
            } else if (symbols.size <= SHORT_WORD) {
                mergeShort(symbols);
            } else {
                mergeLong(symbols, null);
            }
        }
        return listed == null ? symbols.word() : finished(piece, symbols, listed);
    }

    private void addCharacter(Piece piece, int from, int to, Symbols symbols) {
        int id = idOfCharacter(piece.text, from, to);
        if (id >= 0 || listed != null) {
            symbols.add(id, from, to);
        } else {
            addUnknown(piece, from, to, symbols);
        }
    }

    private void addUnknown(Piece piece, int from, int to, Symbols symbols) {
        int[] spelled = bytes == null ? null : bytes.of(piece.text, from, to);
        if (spelled != null) {
            for (int id : spelled) {
                symbols.add(id, from, to);
            }
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
            if (to - from == 1) {
                return idOfChar[text.charAt(from)];
            }
            return listed == null
                    ? vocabulary.idOrNone(text.substring(from, to))
                    : listed.idOfSupplementary().getOrDefault(text.codePointAt(from), UNKNOWN);
        }
        return vocabulary.idOrNone((prefixed ? options.continuingSubwordPrefix : "") + text.substring(from, to)
                + (suffixed ? options.endOfWordSuffix : ""));
    }

    /// SentencePiece's end of a word: characters that are no pieces become bytes or unknown, and pieces that are there
    /// but not to be used are taken apart again.
    private Word finished(Piece piece, Symbols merged, PieceMerges listed) {
        var symbols = new Symbols(merged.size);
        for (int i = 0; i < merged.size; i++) {
            finish(piece, merged.ids[i], merged.starts[i], merged.ends[i], merged.parts, listed, symbols);
        }
        return symbols.word();
    }

    private void finish(Piece piece, int id, int from, int to, Map<Integer, int[]> parts, PieceMerges listed,
            Symbols symbols) {
        if (id < 0 || id >= listed.pieces().size()) {
            addUnknown(piece, from, to, symbols);
            return;
        }
        int[] pair = parts.get(id);
        if (pair == null || listed.pieces().get(id).kind() != ScoredPiece.Kind.UNUSED) {
            symbols.add(vocabulary.token(id) == null ? unkId : id, from, to);
            return;
        }
        int middle = from + pair[2];
        finish(piece, pair[0], from, middle, parts, listed, symbols);
        finish(piece, pair[1], middle, to, parts, listed, symbols);
    }

    private static final int NO_MERGE = Integer.MAX_VALUE;

    /// The merge of two neighbours, or [#NO_MERGE].
    private int merge(Symbols word, int left, int right) {
        int merge = ranks.find(word.ids[left], word.ids[right]);
        if (merge < 0) {
            return NO_MERGE;
        }
        int merged = merges.merged[merge];
        if (listed != null && listed.anyUnused() && listed.pieces().get(merged).kind() == ScoredPiece.Kind.UNUSED) {
            word.parts.put(merged,
                    new int[]{word.ids[left], word.ids[right], word.ends[left] - word.starts[left]});
        }
        return merge;
    }

    private int rank(int merge) {
        return merge == NO_MERGE ? NO_MERGE : merges.ranks[merge];
    }

    private void mergeShort(Symbols word) {
        int n = word.size;
        // mergeAt[i]: what symbols i and i + 1 can become
        int[] mergeAt = new int[n];
        int[] rankAt = new int[n];
        for (int i = 0; i + 1 < n; i++) {
            mergeAt[i] = merge(word, i, i + 1);
            rankAt[i] = rank(mergeAt[i]);
        }
        while (n > 1) {
            int best = 0;
            for (int i = 1; i + 1 < n; i++) {
                if (rankAt[i] < rankAt[best]) {
                    best = i;
                }
            }
            if (rankAt[best] == NO_MERGE) {
                break;
            }
            word.ids[best] = merges.merged[mergeAt[best]];
            word.ends[best] = word.ends[best + 1];
            word.remove(best + 1);
            System.arraycopy(mergeAt, best + 1, mergeAt, best, n - best - 1);
            System.arraycopy(rankAt, best + 1, rankAt, best, n - best - 1);
            n--;
            if (best > 0) {
                mergeAt[best - 1] = merge(word, best - 1, best);
                rankAt[best - 1] = rank(mergeAt[best - 1]);
            }
            if (best + 1 < n) {
                mergeAt[best] = merge(word, best, best + 1);
                rankAt[best] = rank(mergeAt[best]);
            }
        }
    }

    /// The same in O(n log n): a heap of (rank, place) over a linked list; entries that no longer hold are dropped late.
    /// With `dropout` a merge may have to wait until another one is done.
    private void mergeLong(Symbols word, @Nullable SplittableRandom dropout) {
        int n = word.size;
        int[] ids = word.ids;
        int[] next = new int[n];
        int[] previous = new int[n];
        var heap = new LongHeap(n);
        for (int i = 0; i < n; i++) {
            next[i] = i + 1;
            previous[i] = i - 1;
            offer(heap, word, i, i + 1);
        }
        var waiting = new ArrayList<Long>();
        while (!heap.isEmpty()) {
            long top = heap.poll();
            if (dropout != null) {
                if (dropout.nextDouble() < this.dropout.probability) {
                    waiting.add(top);
                    continue;
                }
                waiting.forEach(heap::add);
                waiting.clear();
            }
            int at = (int) top;
            int right = next[at];
            int merge = ids[at] == GONE || right >= n ? -1 : ranks.find(ids[at], ids[right]);
            if (merge < 0 || merges.ranks[merge] != (int) (top >>> 32)) {
                continue;
            }
            ids[at] = merges.merged[merge];
            word.ends[at] = word.ends[right];
            ids[right] = GONE;
            next[at] = next[right];
            if (next[at] < n) {
                previous[next[at]] = at;
            }
            if (previous[at] >= 0) {
                offer(heap, word, previous[at], at);
            }
            offer(heap, word, at, next[at]);
        }
        word.keepIf(i -> ids[i] != GONE);
    }

    private void offer(LongHeap heap, Symbols word, int at, int right) {
        int merge = right < word.size ? merge(word, at, right) : NO_MERGE;
        if (merge != NO_MERGE) {
            heap.add((long) merges.ranks[merge] << 32 | at);
        }
    }

    /// The symbols of a word while they are merged.
    private static final class Symbols {
        int[] ids;
        int[] starts;
        int[] ends;
        int size;
        /// What a piece that is not to be used was last made of: ids, and the chars of the first.
        final Map<Integer, int[]> parts = new HashMap<>();

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

        void addAll(Word word, int offset) {
            for (int i = 0; i < word.ids().length; i++) {
                add(word.ids()[i], word.starts()[i] + offset, word.ends()[i] + offset);
            }
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
        double dropout = json.has("dropout") ? json.at("dropout").node().asDouble(-1) : 0;
        if (!(dropout >= 0 && dropout <= 1)) {
            throw json.at("dropout").error("expected a probability from 0 to 1, found " + json.at("dropout").node());
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
        return new Bpe(vocabulary, reader.merges(), options, new Dropout(dropout, 0), null);
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
        ObjectNode json = JsonPart.object("BPE");
        if (dropout.probability > 0) {
            json.put("dropout", dropout.probability);
        } else {
            json.putNull("dropout");
        }
        json.put("unk_token", options.unkToken).put("continuing_subword_prefix", options.continuingSubwordPrefix)
                .put("end_of_word_suffix", options.endOfWordSuffix).put("fuse_unk", options.fuseUnk)
                .put("byte_fallback", options.byteFallback).put("ignore_merges", options.ignoreMerges);
        json.set("vocab", vocabulary.toJson());
        boolean anySpace = false;
        for (int id = 0; id < vocabulary.size(); id++) {
            String token = vocabulary.token(id);
            anySpace |= token != null && token.indexOf(' ') >= 0;
        }
        ArrayNode list = json.putArray("merges");
        int[] known = (listed == null ? IntStream.range(0, merges.size()) : listed.listed())
                .filter(merge -> vocabulary.token(merges.merged[merge]) != null
                        && vocabulary.token(merges.left[merge]) != null
                        && vocabulary.token(merges.right[merge]) != null)
                .toArray();
        for (int merge : known) {
            String first = vocabulary.token(merges.left[merge]);
            String second = vocabulary.token(merges.right[merge]);
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
