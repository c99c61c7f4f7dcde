package dev.weft.text;

import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// A token that is found in the text before anything else is done to it, such as `<|endoftext|>`.
///
/// @param id          its id
/// @param content     its spelling
/// @param singleWord  found only where no word character touches it
/// @param lstrip      takes the white space before it along
/// @param rstrip      takes the white space behind it along
/// @param normalized  looked for in the normalized text, not in the raw one
/// @param special     left out of the text when decoding without special tokens
public record AddedToken(int id, String content, boolean singleWord, boolean lstrip, boolean rstrip, boolean normalized,
        boolean special) {

    /// A special token as trainers add it: found in the raw text, strips nothing.
    static AddedToken special(int id, String content) {
        return new AddedToken(id, content, false, false, false, false, true);
    }

    AddedToken withId(int changed) {
        return new AddedToken(changed, content, singleWord, lstrip, rstrip, normalized, special);
    }

    static AddedToken fromJson(JsonPart json) {
        json.allows("id", "content", "single_word", "lstrip", "rstrip", "normalized", "special");
        return described(json, json.at("id").id());
    }

    /// A token as a file describes it that gives its id elsewhere.
    static AddedToken described(JsonPart json, int id) {
        boolean special = json.flag("special", false);
        return new AddedToken(id, json.string("content"), json.flag("single_word", false), json.flag("lstrip", false),
                json.flag("rstrip", false), json.flag("normalized", !special), special);
    }

    AddedToken with(int otherId, boolean isSpecial) {
        return new AddedToken(otherId, content, singleWord, lstrip, rstrip, normalized, isSpecial);
    }

    AddedToken withStrips(boolean left, boolean right) {
        return new AddedToken(id, content, singleWord, left, right, normalized, special);
    }

    ObjectNode toJson() {
        return JsonNodeFactory.instance.objectNode().put("id", id).put("content", content)
                .put("single_word", singleWord).put("lstrip", lstrip).put("rstrip", rstrip)
                .put("normalized", normalized).put("special", special);
    }
}
