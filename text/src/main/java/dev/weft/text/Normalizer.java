package dev.weft.text;

import java.text.Normalizer.Form;
import java.util.ArrayList;
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
                rewrite(result, before, after, from, form);
            }
            from = to;
        }
        return result.piece();
    }

    /// Places as Hugging Face's library gives them: of what a character decomposes into, the first takes the character's
    /// place and the rest share it; a composed character has the place of its first part.
    private static void rewrite(Piece.Rewriting result, String before, String after, int from, Form form) {
        record Part(int codePoint, boolean first) {}
        Form decomposing = form == Form.NFC || form == Form.NFD ? Form.NFD : Form.NFKD;
        var parts = new ArrayList<Part>();
        before.codePoints().forEach(c -> {
            int[] decomposed = decomposed(c, decomposing);
            for (int i = 0; i < decomposed.length; i++) {
                parts.add(new Part(decomposed[i], i == 0));
            }
        });
        int start = 0;
        int end = 0;
        int next = 0;
        for (int codePoint : after.codePoints().toArray()) {
            int taken = 0;
            for (int part : decomposed(codePoint, decomposing)) {
                int at = 0;
                while (at < parts.size() && parts.get(at).codePoint != part) {
                    at++;
                }
                taken += at < parts.size() && parts.remove(at).first ? 1 : 0;
            }
            for (int i = 0; i < taken && next < before.length(); i++) {
                int width = Character.charCount(before.codePointAt(next));
                start = i == 0 ? next : start;
                end = i == 0 ? next + width : end;
                next += width;
            }
            result.write(Character.toString(codePoint), from + start, from + end);
        }
    }

    private static int[] decomposed(int codePoint, Form form) {
        return java.text.Normalizer.normalize(Character.toString(codePoint), form).codePoints().toArray();
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
