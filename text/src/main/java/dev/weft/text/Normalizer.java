package dev.weft.text;

import java.text.Normalizer.Form;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/// Rewrites text before it is cut into words; places keep pointing into the original.
sealed interface Normalizer {
    record Unicode(Form form) implements Normalizer {}

    record Lowercase() implements Normalizer {}

    /// BERT's cleaning: controls go, other white space becomes a space, ideographs get spaces around them, accents and
    /// capitals go. `stripAccents` null means as `lowercase`.
    record Bert(boolean cleanText, boolean handleChineseChars, @Nullable Boolean stripAccents,
            boolean lowercase) implements Normalizer {}

    /// Takes white space off the ends.
    record Strip(boolean left, boolean right) implements Normalizer {}

    /// Takes all marks out; those inside a composed character stay, so NFD goes before.
    record StripAccents() implements Normalizer {}

    record Replace(SplitPattern pattern, String content) implements Normalizer {}

    /// Puts a text before every text that is not empty.
    record Prepend(String prefix) implements Normalizer {}

    /// SentencePiece's `nmt`: controls go, separators and some invisible characters become spaces.
    record Nmt() implements Normalizer {}

    /// Writes the text in the 256 characters of [ByteAlphabet].
    record ByteLevel() implements Normalizer {}

    /// The replacements of a SentencePiece model.
    record Precompiled(CharsMap charsMap) implements Normalizer {}

    /// All that SentencePiece does; written as the steps of Hugging Face's library that come closest.
    record SentencePiece(SentencePieceRules rules) implements Normalizer {}

    record Sequence(List<Normalizer> normalizers) implements Normalizer {}

    default Piece apply(Piece piece) {
        return switch (this) {
            case Unicode(Form form) -> UnicodeForms.apply(piece, form);
            case Lowercase() -> lowercase(piece);
            case Bert bert -> BertCharacters.of(bert).apply(piece);
            case Strip(boolean left, boolean right) -> strip(piece, left, right);
            case StripAccents() -> stripAccents(piece);
            case Replace(SplitPattern pattern, String content) -> replace(piece, pattern, content);
            case Prepend(String prefix) -> piece.prepended(prefix);
            case Nmt() -> nmt(piece);
            case ByteLevel() -> ByteAlphabet.encode(piece);
            case Precompiled(CharsMap charsMap) -> charsMap.apply(piece);
            case SentencePiece(SentencePieceRules rules) -> rules.apply(piece);
            case Sequence(List<Normalizer> normalizers) -> {
                Piece result = piece;
                for (Normalizer normalizer : normalizers) {
                    result = normalizer.apply(result);
                }
                yield result;
            }
        };
    }

    private static Piece lowercase(Piece piece) {
        String text = piece.text;
        int from = 0;
        while (from < text.length() && (text.charAt(from) < 'A' || text.charAt(from) > 'Z')
                && text.charAt(from) < 0x80) {
            from++;
        }
        if (from == text.length()) {
            return piece;
        }
        var result = piece.new Rewriting();
        result.keep(0, from);
        while (from < text.length()) {
            int codePoint = text.codePointAt(from);
            int to = from + Character.charCount(codePoint);
            // One character at a time: the special form of a final sigma is not used.
            if (codePoint == 0x130) {
                result.write(ReferenceCharacters.lower(codePoint), from, to);
            } else {
                result.replace(Character.toLowerCase(codePoint), from, to);
            }
            from = to;
        }
        return result.piece();
    }

    private static Piece strip(Piece piece, boolean left, boolean right) {
        int from = 0;
        int to = piece.text.length();
        while (left && from < to && Gpt2Words.isSpace(piece.text.charAt(from))) {
            from++;
        }
        while (right && to > from && Gpt2Words.isSpace(piece.text.charAt(to - 1))) {
            to--;
        }
        return piece.slice(from, to);
    }

    private static Piece stripAccents(Piece piece) {
        String text = piece.text;
        var result = piece.new Rewriting();
        for (int from = 0; from < text.length();) {
            int codePoint = text.codePointAt(from);
            int to = from + Character.charCount(codePoint);
            if (!ReferenceCharacters.isMark(codePoint)) {
                result.keep(from, to);
            }
            from = to;
        }
        return result.piece();
    }

    private static Piece replace(Piece piece, SplitPattern pattern, String content) {
        String text = piece.text;
        if (!pattern.regex() && pattern.text().length() == 1 && content.length() == 1) {
            char from = pattern.text().charAt(0);
            return text.indexOf(from) < 0 ? piece : piece.withText(text.replace(from, content.charAt(0)));
        }
        SplitPattern.Matches matches = pattern.matches(text);
        if (!matches.find()) {
            return piece;
        }
        var result = piece.new Rewriting();
        int done = 0;
        do {
            result.keep(done, matches.start());
            done = matches.end();
            if (done == 0) {
                // Before everything: no place.
                for (int i = 0; i < content.length(); i++) {
                    result.writeAt(content.charAt(i), piece.start(0), piece.start(0));
                }
            } else {
                // The place of the last character that was replaced, as in the reference library.
                result.write(content, done - Character.charCount(text.codePointBefore(done)), done);
            }
        } while (matches.find());
        result.keep(done, text.length());
        return result.piece();
    }

    private static Piece nmt(Piece piece) {
        String text = piece.text;
        var result = piece.new Rewriting();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean space = switch (c) {
                case '\t', '\n', '\f', '\r', 0x1680, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2028, 0x2029, 0x2581,
                        0xFEFF, 0xFFFD ->
                    true;
                default -> false;
            };
            boolean gone = !space && (c >= 1 && c <= 0x1F || c == 0x7F || c == 0x8F || c == 0x9F);
            if (!gone) {
                result.write(space ? ' ' : c, i, i + 1);
            }
        }
        return result.piece();
    }

    static Normalizer fromJson(JsonPart json) {
        String type = json.string("type");
        return switch (type) {
            case "NFC", "NFD", "NFKC", "NFKD" -> new Unicode(Form.valueOf(json.allows().string("type")));
            case "Lowercase" -> {
                json.allows();
                yield new Lowercase();
            }
            case "BertNormalizer" -> {
                json.allows("clean_text", "handle_chinese_chars", "strip_accents", "lowercase");
                yield new Bert(json.flag("clean_text", true), json.flag("handle_chinese_chars", true),
                        json.has("strip_accents") ? json.flag("strip_accents", true) : null,
                        json.flag("lowercase", true));
            }
            case "Strip" -> {
                json.allows("strip_left", "strip_right");
                yield new Strip(json.flag("strip_left", true), json.flag("strip_right", true));
            }
            case "StripAccents" -> {
                json.allows();
                yield new StripAccents();
            }
            case "Replace" -> {
                json.allows("pattern", "content");
                yield new Replace(SplitPattern.fromJson(json.at("pattern")), json.string("content"));
            }
            case "Prepend" -> new Prepend(json.allows("prepend").string("prepend"));
            case "Nmt" -> {
                json.allows();
                yield new Nmt();
            }
            case "ByteLevel" -> {
                json.allows();
                yield new ByteLevel();
            }
            case "Precompiled" -> precompiled(json.allows("precompiled_charsmap").at("precompiled_charsmap"));
            case "Sequence" -> new Sequence(
                    json.allows("normalizers").at("normalizers").items().stream().map(Normalizer::fromJson).toList());
            default -> throw json.unknownType(type, "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "BertNormalizer",
                    "Strip", "StripAccents", "Replace", "Prepend", "Nmt", "ByteLevel", "Precompiled", "Sequence");
        };
    }

    private static Precompiled precompiled(JsonPart json) {
        String text = json.string();
        byte[] blob;
        try {
            blob = Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            throw json.error("not base64: " + e.getMessage());
        }
        try {
            return new Precompiled(CharsMap.of(blob));
        } catch (IllegalArgumentException e) {
            throw json.error(e.getMessage());
        }
    }

    default ObjectNode toJson() {
        return switch (this) {
            case Unicode(Form form) -> JsonPart.object(form.name());
            case Lowercase() -> JsonPart.object("Lowercase");
            case Bert(boolean cleanText, boolean handleChineseChars, @Nullable Boolean stripAccents, boolean lowercase) ->
                JsonPart.object("BertNormalizer").put("clean_text", cleanText)
                        .put("handle_chinese_chars", handleChineseChars).put("strip_accents", stripAccents)
                        .put("lowercase", lowercase);
            case Strip(boolean left, boolean right) ->
                JsonPart.object("Strip").put("strip_left", left).put("strip_right", right);
            case StripAccents() -> JsonPart.object("StripAccents");
            case Replace(SplitPattern pattern, String content) -> {
                ObjectNode json = JsonPart.object("Replace");
                json.set("pattern", pattern.toJson());
                yield json.put("content", content);
            }
            case Prepend(String prefix) -> JsonPart.object("Prepend").put("prepend", prefix);
            case Nmt() -> JsonPart.object("Nmt");
            case ByteLevel() -> JsonPart.object("ByteLevel");
            case Precompiled(CharsMap charsMap) -> JsonPart.object("Precompiled").put("precompiled_charsmap",
                    Base64.getEncoder().encodeToString(charsMap.blob()));
            case SentencePiece(SentencePieceRules rules) -> rules.steps().toJson();
            case Sequence(List<Normalizer> normalizers) -> {
                ObjectNode json = JsonPart.object("Sequence");
                json.putArray("normalizers").addAll(normalizers.stream().map(Normalizer::toJson).toList());
                yield json;
            }
        };
    }
}
