package dev.weft.text;

import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/// Words to ids: the learned part of a tokenizer.
sealed interface Model permits Bpe, WordPiece, Unigram, WordLevel {
    Vocabulary vocabulary();

    /// The ids of one word. Throws [IllegalArgumentException] with the place for a character that has no id.
    Word word(Piece piece);

    /// The id whose tokens show the text they stand for instead of the vocabulary's spelling, or -1: in some models a
    /// token for the unknown is spelled as what was not known.
    default int idShownAsText() {
        return -1;
    }

    /// Tokens that this model finds by itself but a `tokenizer.json` has to list among its added tokens.
    default List<AddedToken> writtenAsAdded() {
        return List.of();
    }

    ObjectNode toJson();

    /// The tokens of a word: ids, and the chars `[starts[i], ends[i])` of the word that each stands for.
    record Word(int[] ids, int[] starts, int[] ends) {
        /// One token for a whole word of that many chars.
        static Word whole(int id, int length) {
            return new Word(new int[]{id}, new int[]{0}, new int[]{length});
        }
    }

    static Model fromJson(JsonPart json) {
        String type = json.optionalString("type");
        if (type == null) {
            // The old form leaves the type out; the fields tell.
            type = json.has("merges")
                    ? "BPE"
                    : json.at("vocab").node().isArray()
                            ? "Unigram"
                            : json.has("max_input_chars_per_word") || json.has("continuing_subword_prefix")
                                    ? "WordPiece"
                                    : "WordLevel";
        }
        return switch (type) {
            case "BPE" -> Bpe.fromJson(json);
            case "WordPiece" -> WordPiece.fromJson(json);
            case "Unigram" -> Unigram.fromJson(json);
            case "WordLevel" -> WordLevel.fromJson(json);
            default -> throw json.unknownType(type, "BPE", "WordPiece", "Unigram", "WordLevel");
        };
    }

    /// What a model without a token for the unknown says of a word, or of a character in it.
    default IllegalArgumentException unknown(Piece piece, int from, int to) {
        int codePoint = piece.text.codePointAt(from);
        boolean one = to - from == Character.charCount(codePoint);
        return new IllegalArgumentException(OneLine.of(
                ("unknown %s '%s'%s at index %d of the text: none of the %d tokens stands for it and the "
                        + "tokenizer has no unk_token; remove the %s or train a tokenizer that has seen it")
                        .formatted(one ? "character" : "word", piece.text.substring(from, to),
                                one ? " (U+%04X)".formatted(codePoint) : "", piece.start(from), vocabulary().size(),
                                one ? "character" : "word")));
    }
}
