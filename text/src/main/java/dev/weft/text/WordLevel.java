package dev.weft.text;

import tools.jackson.databind.node.ObjectNode;

/// One token for each word, and one for all words it does not know.
record WordLevel(Vocabulary vocabulary, String unkToken) implements Model {
    @Override
    public Word word(Piece piece) {
        int id = vocabulary.idOrNone(piece.text);
        if (id < 0) {
            id = vocabulary.idOrNone(unkToken);
        }
        if (id < 0) {
            throw unknown(piece, 0, piece.text.length());
        }
        return Word.whole(id, piece.text.length());
    }

    static WordLevel fromJson(JsonPart json) {
        json.allows("vocab", "unk_token");
        String unkToken = json.optionalString("unk_token");
        return new WordLevel(Vocabulary.fromJson(json.at("vocab")), unkToken == null ? "<unk>" : unkToken);
    }

    @Override
    public ObjectNode toJson() {
        ObjectNode json = JsonPart.object("WordLevel");
        json.set("vocab", vocabulary.toJson());
        return json.put("unk_token", unkToken);
    }
}
