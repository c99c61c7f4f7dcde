package dev.weft.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// The most probable way to cut a word into tokens, each of which has a log-probability (Kudo 2018,
/// <https://arxiv.org/abs/1804.10959>), by Viterbi's algorithm over a trie. Where no token stands for one character alone,
/// an unknown token does, at a price of 10 below the least probable token; neighbours of that kind become one.
///
/// Sums are of `double` as in Hugging Face's library, or rounded to `float` at each character as in SentencePiece, whose
/// choice between equally good ways depends on that.
final class Unigram implements Model {
    private static final double UNKNOWN_PENALTY = 10;

    private final Vocabulary vocabulary;
    private final double[] scores;
    private final int unkId;
    private final @Nullable ByteTokens bytes;
    private final List<ScoredPiece> pieces;
    private final Trie found = new Trie();
    private final double unknownScore;
    // What a token adds to its way: its score, but more for a piece that users of SentencePiece have asked for.
    private final double[] gains;
    private final WordCache<Word> cache = new WordCache<>();

    private Unigram(Vocabulary vocabulary, double[] scores, int unkId, boolean byteFallback, List<ScoredPiece> pieces) {
        this.vocabulary = vocabulary;
        this.scores = scores;
        this.unkId = unkId;
        this.pieces = pieces;
        bytes = byteFallback ? ByteTokens.of(vocabulary) : null;
        boolean all = pieces.isEmpty();
        for (int id = 0; id < scores.length; id++) {
            if (all) {
                String token = vocabulary.token(id);
                if (!token.isEmpty()) {
                    found.put(token, vocabulary.idOrNone(token));
                }
            } else if (pieces.get(id).isFound() && pieces.get(id).kind() != ScoredPiece.Kind.UNUSED) {
                found.put(pieces.get(id).text(), id);
            }
        }
        double[] counted = IntStream.range(0, scores.length)
                .filter(id -> all || pieces.get(id).kind() == ScoredPiece.Kind.NORMAL).mapToDouble(id -> scores[id])
                .toArray();
        double lowest = Arrays.stream(counted).min().orElse(0) - UNKNOWN_PENALTY;
        unknownScore = all ? lowest : (float) lowest;
        gains = scores.clone();
        float highest = (float) Arrays.stream(counted).max().orElse(0);
        for (int id = 0; id < pieces.size(); id++) {
            if (pieces.get(id).kind() == ScoredPiece.Kind.USER_DEFINED) {
                gains[id] = Utf8.length(pieces.get(id).text()) * highest - 0.1;
            }
        }
    }

    /// As a `tokenizer.json` has it: every token is found, also the unknown one where it is spelled out.
    static Unigram of(Vocabulary vocabulary, double[] scores, int unkId, boolean byteFallback) {
        return new Unigram(vocabulary, scores, unkId, byteFallback, List.of());
    }

    /// As SentencePiece has it, with an id for each piece in the order of the list; pieces behind those of the vocabulary
    /// are unknown where the text has them.
    static Unigram of(Vocabulary vocabulary, List<ScoredPiece> pieces, int unkId, boolean byteFallback) {
        return new Unigram(vocabulary, pieces.stream().mapToDouble(ScoredPiece::score).toArray(), unkId, byteFallback,
                pieces);
    }

    /// As SentencePiece lists them.
    ///
    /// @param added tokens that are found before all else, by content
    List<ScoredPiece> pieces(Map<String, AddedToken> added) {
        return !pieces.isEmpty()
                ? pieces
                : IntStream.range(0, scores.length).mapToObj(id -> ScoredPiece.of(vocabulary.token(id),
                        (float) scores[id], id == unkId, added.get(vocabulary.token(id)), bytes != null)).toList();
    }

    boolean byteFallback() {
        return bytes != null;
    }

    @Override
    public Vocabulary vocabulary() {
        return vocabulary;
    }

    @Override
    public int idShownAsText() {
        return unkId;
    }

    @Override
    public List<AddedToken> writtenAsAdded() {
        return SentencePieces.writtenAsAdded(pieces);
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
        int length = text.length();
        boolean single = !pieces.isEmpty();
        // The best way to each place: its score, where its last token begins, and that token, -1 for the unknown.
        double[] best = new double[length + 1];
        int[] from = new int[length + 1];
        int[] last = new int[length + 1];
        Arrays.fill(from, -1);
        for (int start = 0; start < length;) {
            double here = best[start];
            int next = start + Character.charCount(text.codePointAt(start));
            boolean covered = false;
            int node = Trie.ROOT;
            for (int end = start; end < length;) {
                node = found.step(node, text.charAt(end++));
                if (node == Trie.NONE) {
                    break;
                }
                int id = found.value(node);
                if (id == Trie.NONE) {
                    continue;
                }
                double score = gains[id] + here;
                score = single ? (float) score : score;
                if (from[end] < 0 || score > best[end]) {
                    best[end] = score;
                    from[end] = start;
                    last[end] = id;
                }
                covered |= end == next;
            }
            if (!covered) {
                double score = unknownScore + here;
                score = single ? (float) score : score;
                if (from[next] < 0 || score > best[next]) {
                    best[next] = score;
                    from[next] = start;
                    last[next] = -1;
                }
            }
            start = next;
        }
        int tokens = 0;
        for (int end = length; end > 0; end = from[end]) {
            tokens++;
        }
        int[] ends = new int[tokens];
        for (int end = length; end > 0; end = from[end]) {
            ends[--tokens] = end;
        }
        return written(piece, from, last, ends);
    }

    private Word written(Piece piece, int[] from, int[] last, int[] ends) {
        var ids = new IntList(ends.length);
        var starts = new IntList(ends.length);
        var stops = new IntList(ends.length);
        for (int i = 0; i < ends.length; i++) {
            int end = ends[i];
            int start = from[end];
            int id = last[end];
            if (id >= 0 && id != unkId) {
                ids.add(id < vocabulary.size() ? id : unkId);
                starts.add(start);
                stops.add(end);
                continue;
            }
            // SentencePiece writes the bytes of one character after the other, Hugging Face's library those of the run.
            boolean alone = bytes != null && !pieces.isEmpty();
            int first = i;
            while (!alone && i + 1 < ends.length && (last[ends[i + 1]] < 0 || last[ends[i + 1]] == unkId)) {
                end = ends[++i];
            }
            int[] spelled = bytes == null || id >= 0 && i == first
                    ? null
                    : bytes.of(piece.text, start, end);
            if (spelled == null) {
                if (unkId < 0) {
                    throw unknown(piece, start, start + Character.charCount(piece.text.codePointAt(start)));
                }
                spelled = new int[]{unkId};
            }
            for (int b : spelled) {
                ids.add(b);
                starts.add(start);
                stops.add(end);
            }
        }
        return new Word(ids.toArray(), starts.toArray(), stops.toArray());
    }

    static Unigram fromJson(JsonPart json) {
        json.allows("unk_id", "vocab", "byte_fallback");
        List<JsonPart> list = json.at("vocab").items();
        var vocabulary = new Vocabulary(list.size());
        double[] scores = new double[list.size()];
        if (scores.length >= Vocabulary.MAX_SIZE) {
            throw json.at("vocab").error("%d tokens are too many".formatted(scores.length));
        }
        for (int id = 0; id < scores.length; id++) {
            JsonPart entry = list.get(id);
            if (!entry.node().isArray() || entry.node().size() != 2) {
                throw entry.error("expected a token and its score, found " + entry.node());
            }
            List<JsonPart> pair = entry.items();
            JsonPart score = pair.get(1);
            if (!score.node().isNumber() || !Double.isFinite(score.node().asDouble())) {
                throw score.error("expected a finite score, found " + score.node());
            }
            scores[id] = score.node().asDouble();
            vocabulary.put(pair.get(0).string(), id);
        }
        int unkId = json.has("unk_id") ? json.at("unk_id").id() : -1;
        if (unkId >= scores.length) {
            throw json.at("unk_id")
                    .error("id %d is outside the vocabulary of %d tokens".formatted(unkId, scores.length));
        }
        return of(vocabulary, scores, unkId, json.flag("byte_fallback", false));
    }

    @Override
    public ObjectNode toJson() {
        ObjectNode json = JsonPart.object("Unigram");
        if (unkId < 0) {
            json.putNull("unk_id");
        } else {
            json.put("unk_id", unkId);
        }
        ArrayNode vocab = json.putArray("vocab");
        for (int id = 0; id < vocabulary.size(); id++) {
            vocab.addArray().add(vocabulary.token(id)).add(scores[id]);
        }
        return json.put("byte_fallback", bytes != null);
    }
}
