package dev.weft.text;

import java.text.Normalizer.Form;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.node.ObjectNode;

/// Rewrites text before it is cut into words; places keep pointing into the original.
sealed interface Normalizer {
    record Unicode(Form form) implements Normalizer {}

    record Lowercase() implements Normalizer {}

    record Sequence(List<Normalizer> normalizers) implements Normalizer {}

    default Piece apply(Piece piece) {
        return switch (this) {
            case Unicode(Form form) -> unicode(piece, form);
            case Lowercase() -> lowercase(piece);
            case Sequence(List<Normalizer> normalizers) -> {
                Piece result = piece;
                for (Normalizer normalizer : normalizers) {
                    result = normalizer.apply(result);
                }
                yield result;
            }
        };
    }

    private static Piece unicode(Piece piece, Form form) {
        String text = piece.text;
        if (java.text.Normalizer.isNormalized(text, form)) {
            return piece;
        }
        var result = piece.new Rewriting();
        // A base with its marks is rewritten as one; where nothing changes, each char keeps its own place.
        for (int from = 0; from < text.length();) {
            int to = from + Character.charCount(text.codePointAt(from));
            while (to < text.length() && joinsBackwards(text.codePointAt(to))) {
                to += Character.charCount(text.codePointAt(to));
            }
            String before = text.substring(from, to);
            String after = java.text.Normalizer.normalize(before, form);
            if (after.equals(before)) {
                for (int i = from; i < to; i++) {
                    result.write(text.charAt(i), i, i + 1);
                }
            } else {
                result.write(after, from, to);
            }
            from = to;
        }
        return result.piece();
    }

    private static boolean joinsBackwards(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK, Character.ENCLOSING_MARK -> true;
            // Hangul vowels and finals, also the halfwidth ones, compose with the letter before them; and the halfwidth
            // katakana voice marks.
            default -> codePoint >= 0x1160 && codePoint <= 0x11FF || codePoint >= 0xFF9E && codePoint <= 0xFFDC;
        };
    }

    private static Piece lowercase(Piece piece) {
        var result = piece.new Rewriting();
        for (int from = 0; from < piece.text.length();) {
            int codePoint = piece.text.codePointAt(from);
            int to = from + Character.charCount(codePoint);
            // One character at a time: the special form of a final sigma is not used.
            String lower = Character.toString(codePoint).toLowerCase(Locale.ROOT);
            if (lower.length() == to - from) {
                for (int i = from; i < to; i++) {
                    result.write(lower.charAt(i - from), i, i + 1);
                }
            } else {
                result.write(lower, from, to);
            }
            from = to;
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
            case "Sequence" -> new Sequence(
                    json.allows("normalizers").at("normalizers").items().stream().map(Normalizer::fromJson).toList());
            default -> throw json.unknownType(type, "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Sequence");
        };
    }

    default ObjectNode toJson() {
        return switch (this) {
            case Unicode(Form form) -> JsonPart.object(form.name());
            case Lowercase() -> JsonPart.object("Lowercase");
            case Sequence(List<Normalizer> normalizers) -> {
                ObjectNode json = JsonPart.object("Sequence");
                json.putArray("normalizers").addAll(normalizers.stream().map(Normalizer::toJson).toList());
                yield json;
            }
        };
    }
}
