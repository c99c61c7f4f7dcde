package dev.weft.text;

import tools.jackson.databind.node.ObjectNode;

/// The longest token at the front of a word, then the longest that goes on from there (Schuster & Nakajima 2012; as in
/// BERT, Devlin et al. 2019). Tokens inside a word are spelled with a prefix, `##`. A word that cannot be cut so to its
/// end, or that is too long, is unknown as a whole.
final class WordPiece implements Model {
    private final Vocabulary vocabulary;
    private final String unkToken;
    private final String continuingSubwordPrefix;
    private final int maxInputCharsPerWord;
    private final Trie tokens = new Trie();
    private final int inside;
    private final int unkId;
    private final WordCache<Word> cache = new WordCache<>();

    WordPiece(Vocabulary vocabulary, String unkToken, String continuingSubwordPrefix, int maxInputCharsPerWord) {
        this.vocabulary = vocabulary;
        this.unkToken = unkToken;
        this.continuingSubwordPrefix = continuingSubwordPrefix;
        this.maxInputCharsPerWord = maxInputCharsPerWord;
        for (int id = 0; id < vocabulary.size(); id++) {
            String token = vocabulary.token(id);
            if (token != null) {
                tokens.put(token, id);
            }
        }
        inside = tokens.walk(continuingSubwordPrefix);
        unkId = vocabulary.idOrNone(unkToken);
    }

    @Override
    public Vocabulary vocabulary() {
        return vocabulary;
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
        if (length > maxInputCharsPerWord && text.codePointCount(0, length) > maxInputCharsPerWord) {
            return unknown(piece);
        }
        var ids = new IntList(8);
        var starts = new IntList(8);
        var ends = new IntList(8);
        for (int from = 0; from < length;) {
            int id = -1;
            int end = from;
            int node = from == 0 ? Trie.ROOT : inside;
            for (int i = from; i < length && node != Trie.NONE; i++) {
                node = tokens.step(node, text.charAt(i));
                if (node != Trie.NONE && tokens.value(node) != Trie.NONE) {
                    id = tokens.value(node);
                    end = i + 1;
                }
            }
            if (id < 0) {
                return unknown(piece);
            }
            ids.add(id);
            starts.add(from);
            ends.add(end);
            from = end;
        }
        return new Word(ids.toArray(), starts.toArray(), ends.toArray());
    }

    private Word unknown(Piece piece) {
        if (unkId < 0) {
            throw unknown(piece, 0, piece.text.length());
        }
        return Word.whole(unkId, piece.text.length());
    }

    static WordPiece fromJson(JsonPart json) {
        json.allows("vocab", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word");
        String unkToken = json.optionalString("unk_token");
        String prefix = json.optionalString("continuing_subword_prefix");
        return new WordPiece(Vocabulary.fromJson(json.at("vocab")), unkToken == null ? "[UNK]" : unkToken,
                prefix == null ? "##" : prefix,
                json.has("max_input_chars_per_word") ? json.at("max_input_chars_per_word").count() : 100);
    }

    @Override
    public ObjectNode toJson() {
        ObjectNode json = JsonPart.object("WordPiece").put("unk_token", unkToken)
                .put("continuing_subword_prefix", continuingSubwordPrefix)
                .put("max_input_chars_per_word", maxInputCharsPerWord);
        json.set("vocab", vocabulary.toJson());
        return json;
    }
}
