package dev.weft.text;

import tools.jackson.databind.node.ObjectNode;

/// Words to ids: the learned part of a tokenizer.
sealed interface Model permits Bpe {
    Vocabulary vocabulary();

    /// The ids of one word. Throws [IllegalArgumentException] with the place for a character that has no id.
    Word word(Piece piece);

    ObjectNode toJson();

    /// The tokens of a word: ids, and the chars `[starts[i], ends[i])` of the word that each stands for.
    record Word(int[] ids, int[] starts, int[] ends) {}

    static Model fromJson(JsonPart json) {
        String type = json.optionalString("type");
        if (type == null) {
            // The old form leaves the type out; the fields tell.
            type = json.has("merges") ? "BPE" : json.has("unk_id") ? "Unigram" : "WordPiece";
        }
        if (!type.equals("BPE")) {
            throw json.unknownType(type, "BPE");
        }
        return Bpe.fromJson(json);
    }
}
