package dev.weft.text;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// What a `.model` file of SentencePiece says: pieces, and what is done to a text before it is cut into them and after it
/// is put together again. <https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto>
///
/// @param pieces        in the order of their ids
/// @param byteFallback  whether a character without a piece becomes its UTF-8 bytes
/// @param unkSurface    what an unknown piece is decoded as
/// @param rules         how text is rewritten, without the pieces that users asked for
record SentencePieceModel(List<ScoredPiece> pieces, Type type, boolean byteFallback, String unkSurface,
        SentencePieceRules rules) {

    private static final String UNK_SURFACE = " \u2047 ";

    enum Type {
        UNIGRAM, BPE, WORD, CHAR
    }

    /// Whether a file begins as such a file does, with the first of its pieces.
    static boolean isOne(byte[] file) {
        return file.length > 1 && file[0] == (1 << 3 | 2);
    }

    static SentencePieceModel read(Path file, byte[] bytes) {
        WireReader in = WireReader.of(file, "a SentencePiece model", bytes);
        var pieces = new ArrayList<ScoredPiece>();
        var settings = new Settings();
        while (in.next()) {
            switch (in.field()) {
                case 1 -> pieces.add(piece(in.message(), pieces.size()));
                case 2 -> settings.readTrainer(in.message());
                case 3 -> settings.readNormalizer(in.message());
                case 5 -> refuseDenormalizer(in.message());
                default -> in.skip();
            }
        }
        check(pieces, settings, in);
        return new SentencePieceModel(pieces, settings.type, settings.byteFallback, settings.unkSurface,
                settings.rules(file));
    }

    private static ScoredPiece piece(WireReader in, int id) {
        if (id >= Vocabulary.MAX_SIZE) {
            throw in.error("there are more than %d pieces".formatted(Vocabulary.MAX_SIZE));
        }
        String text = "";
        float score = 0;
        var kind = ScoredPiece.Kind.NORMAL;
        while (in.next()) {
            switch (in.field()) {
                case 1 -> text = in.string();
                case 2 -> score = in.float32();
                case 3 -> {
                    long number = in.varint();
                    if (number < 1 || number > ScoredPiece.Kind.BYTE.ordinal() + 1) {
                        throw in.error("piece %d has the unknown type %d".formatted(id, number));
                    }
                    kind = ScoredPiece.Kind.values()[(int) number - 1];
                }
                default -> in.skip();
            }
        }
        if (text.isEmpty()) {
            throw in.error("piece %d is empty".formatted(id));
        }
        if (!Float.isFinite(score)) {
            throw in.error("the score of piece %d \"%s\" is %s".formatted(id, text, score));
        }
        return new ScoredPiece(text, score, kind);
    }

    /// Rules that rewrite decoded text; a field without rules is harmless.
    private static void refuseDenormalizer(WireReader in) {
        while (in.next()) {
            if (in.field() == 2 && in.message().next()) {
                throw in.error("its decoded text is to be rewritten (denormalizer_spec), which is not supported");
            }
            in.skip();
        }
    }

    private static void check(List<ScoredPiece> pieces, Settings settings, WireReader in) {
        var found = new HashSet<String>();
        var reserved = new HashSet<String>();
        for (int id = 0; id < pieces.size(); id++) {
            ScoredPiece piece = pieces.get(id);
            if (!(piece.isFound() ? found : reserved).add(piece.text())) {
                throw in.error("piece %d \"%s\" is given twice".formatted(id, piece.text()));
            }
            if (piece.kind() == ScoredPiece.Kind.BYTE && !piece.text().matches("<0x[0-9A-F]{2}>")) {
                throw in.error("piece %d \"%s\" is not a byte".formatted(id, piece.text()));
            }
        }
        long unknown = pieces.stream().filter(piece -> piece.kind() == ScoredPiece.Kind.UNKNOWN).count();
        if (unknown != 1) {
            throw in.error("of its %d pieces %d stand for the unknown; there must be one".formatted(pieces.size(),
                    unknown));
        }
        long bytes = pieces.stream().filter(piece -> piece.kind() == ScoredPiece.Kind.BYTE).count();
        if (settings.byteFallback && bytes != 256) {
            throw in.error("it falls back to bytes, but has pieces for %d of them".formatted(bytes));
        }
        if (settings.type == Type.WORD) {
            throw in.error("its pieces are whole words (model_type WORD), which no published tokenizer uses");
        }
    }

    /// What a tokenizer does, as such a file says it.
    ///
    /// @throws IllegalArgumentException if it cannot say it, with the reason
    static SentencePieceModel of(TokenizerParts parts) {
        SentencePieceModel model = of(parts.model(), parts.addedTokens(),
                SentencePieceRules.of(parts.normalizer(), parts.preTokenizer()));
        if (parts.model() instanceof Bpe bpe) {
            bpe.requireMerges(model.pieces);
        }
        return model;
    }

    /// The pieces of a model.
    static SentencePieceModel of(Model model, List<AddedToken> added, SentencePieceRules rules) {
        Map<String, AddedToken> found = added.stream()
                .collect(Collectors.toMap(AddedToken::content, token -> token, (first, second) -> second));
        var says = switch (model) {
            case Unigram unigram ->
                new SentencePieceModel(unigram.pieces(found), Type.UNIGRAM, unigram.byteFallback(), UNK_SURFACE, rules);
            case Bpe bpe -> new SentencePieceModel(bpe.pieces(found), Type.BPE, bpe.byteFallback(), UNK_SURFACE, rules);
            case WordPiece w -> throw new IllegalArgumentException("WordPiece is no model of SentencePiece");
            case WordLevel w -> throw new IllegalArgumentException("whole words are no model of SentencePiece");
        };
        int unknown = says.unkId();
        if (says.pieces.stream().filter(piece -> piece.kind() == ScoredPiece.Kind.UNKNOWN).count() != 1) {
            throw new IllegalArgumentException("more than one piece is for the unknown, the first is \"%s\""
                    .formatted(says.pieces.get(unknown).text()));
        }
        return says;
    }

    /// The file, which [#read] reads. What has an id but no text becomes it is written as a control.
    byte[] bytes() {
        var file = new WireWriter();
        for (ScoredPiece piece : pieces) {
            var kind = piece.kind() == ScoredPiece.Kind.RESERVED ? ScoredPiece.Kind.CONTROL : piece.kind();
            file.message(1, new WireWriter().string(1, piece.text()).float32(2, piece.score()).varint(3,
                    kind.ordinal() + 1));
        }
        file.message(2, new WireWriter().varint(3, type.ordinal() + 1).varint(4, pieces.size())
                .flag(24, rules.spaceAsSuffix()).flag(35, byteFallback).varint(40, unkId()).varint(41, id("<s>"))
                .varint(42, id("</s>")).varint(43, id("<pad>")).string(44, unkSurface)
                .string(45, pieces.get(unkId()).text()));
        CharsMap charsMap = rules.charsMap();
        file.message(3, new WireWriter().string(1, charsMap == null ? "identity" : "user_defined")
                .bytes(2, charsMap == null ? new byte[0] : charsMap.blob()).flag(3, rules.addDummyPrefix())
                .flag(4, rules.removeExtraWhitespaces()).flag(5, rules.escapeWhitespaces()));
        return file.toBytes();
    }

    private int id(String text) {
        return IntStream.range(0, pieces.size()).filter(id -> pieces.get(id).text().equals(text)).findFirst()
                .orElse(-1);
    }

    int unkId() {
        for (int id = 0; id < pieces.size(); id++) {
            if (pieces.get(id).kind() == ScoredPiece.Kind.UNKNOWN) {
                return id;
            }
        }
        throw new IllegalArgumentException("no piece is left for the unknown, as <unk> is; SentencePiece needs one");
    }

    /// The same in another order or with more pieces.
    SentencePieceModel withPieces(List<ScoredPiece> changed) {
        return new SentencePieceModel(List.copyOf(changed), type, byteFallback, unkSurface, rules);
    }

    /// The numbered settings, with the defaults that the format names.
    private static final class Settings {
        private Type type = Type.UNIGRAM;
        private boolean byteFallback;
        private boolean suffix;
        private String unkSurface = UNK_SURFACE;
        private byte[] charsMap = {};
        private boolean addDummyPrefix = true;
        private boolean removeExtraWhitespaces = true;
        private boolean escapeWhitespaces = true;

        void readTrainer(WireReader in) {
            while (in.next()) {
                switch (in.field()) {
                    case 3 -> {
                        long number = in.varint();
                        if (number < 1 || number > Type.values().length) {
                            throw in.error("the model type %d is unknown".formatted(number));
                        }
                        type = Type.values()[(int) number - 1];
                    }
                    case 24 -> suffix = in.flag();
                    case 35 -> byteFallback = in.flag();
                    case 44 -> unkSurface = in.string();
                    default -> in.skip();
                }
            }
        }

        void readNormalizer(WireReader in) {
            while (in.next()) {
                switch (in.field()) {
                    case 2 -> charsMap = in.bytes();
                    case 3 -> addDummyPrefix = in.flag();
                    case 4 -> removeExtraWhitespaces = in.flag();
                    case 5 -> escapeWhitespaces = in.flag();
                    default -> in.skip();
                }
            }
        }

        SentencePieceRules rules(Path file) {
            try {
                return new SentencePieceRules(charsMap.length == 0 ? null : CharsMap.of(charsMap),
                        addDummyPrefix, removeExtraWhitespaces, escapeWhitespaces, suffix, new Trie());
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("%s: the normalizer: %s".formatted(file, e.getMessage()), e);
            }
        }
    }
}
