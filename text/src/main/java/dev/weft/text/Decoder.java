package dev.weft.text;

import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/// Tokens back to text, one after the other, so that a whole text and a stream of tokens take the same way.
sealed interface Decoder {
    /// Reads tokens as bytes in the [ByteAlphabet] and the bytes as UTF-8; a token outside the alphabet stands for its
    /// own text.
    record ByteLevel(boolean addPrefixSpace, boolean trimOffsets, boolean useRegex) implements Decoder {}

    /// Writes tokens one behind the other.
    record Fuse() implements Decoder {}

    /// What a file without a decoder means: a space between tokens.
    record Spaced() implements Decoder {}

    record Sequence(List<Decoder> decoders) implements Decoder {}

    /// One text on its way out.
    interface Decoding {
        /// Appends the text that this token makes certain.
        void push(String token, StringBuilder out);

        /// Appends what was held back: the text ends here, and a new one may begin.
        void end(StringBuilder out);
    }

    default Decoding begin() {
        return switch (this) {
            case ByteLevel ignored -> new Bytes(new Utf8());
            case Fuse() -> new Plain();
            case Spaced() -> new Spaces();
            case Sequence(List<Decoder> decoders) -> decoders.stream().map(Decoder::begin).reduce(Chain::new)
                    .orElseGet(Plain::new);
        };
    }

    record Bytes(Utf8 utf8) implements Decoding {
        @Override
        public void push(String token, StringBuilder out) {
            if (inAlphabet(token)) {
                for (int i = 0; i < token.length(); i++) {
                    utf8.push(ByteAlphabet.byteOf(token.charAt(i)), out);
                }
            } else {
                utf8.end(out);
                out.append(token);
            }
        }

        private static boolean inAlphabet(String token) {
            for (int i = 0; i < token.length(); i++) {
                if (ByteAlphabet.byteOf(token.charAt(i)) < 0) {
                    return false;
                }
            }
            return true;
        }

        @Override
        public void end(StringBuilder out) {
            utf8.end(out);
        }
    }

    record Plain() implements Decoding {
        @Override
        public void push(String token, StringBuilder out) {
            out.append(token);
        }

        @Override
        public void end(StringBuilder out) {}
    }

    /// A space before each token but the first.
    final class Spaces implements Decoding {
        private boolean begun;

        @Override
        public void push(String token, StringBuilder out) {
            out.append(begun ? " " : "").append(token);
            begun = true;
        }

        @Override
        public void end(StringBuilder out) {
            begun = false;
        }
    }

    /// What the first gives out is a token for the second.
    record Chain(Decoding first, Decoding second) implements Decoding {
        @Override
        public void push(String token, StringBuilder out) {
            var between = new StringBuilder();
            first.push(token, between);
            if (!between.isEmpty()) {
                second.push(between.toString(), out);
            }
        }

        @Override
        public void end(StringBuilder out) {
            var between = new StringBuilder();
            first.end(between);
            if (!between.isEmpty()) {
                second.push(between.toString(), out);
            }
            second.end(out);
        }
    }

    static Decoder fromJson(@Nullable JsonPart json) {
        if (json == null) {
            return new Spaced();
        }
        String type = json.string("type");
        return switch (type) {
            case "ByteLevel" -> {
                json.allows("add_prefix_space", "trim_offsets", "use_regex");
                yield new ByteLevel(json.flag("add_prefix_space", true), json.flag("trim_offsets", true),
                        json.flag("use_regex", true));
            }
            case "Fuse" -> {
                json.allows();
                yield new Fuse();
            }
            case "Sequence" -> new Sequence(
                    json.allows("decoders").at("decoders").items().stream().map(Decoder::fromJson).toList());
            default -> throw json.unknownType(type, "ByteLevel", "Fuse", "Sequence");
        };
    }

    /// Null for the decoder that files spell `null`.
    default @Nullable ObjectNode toJson() {
        return switch (this) {
            case ByteLevel(boolean addPrefixSpace, boolean trimOffsets, boolean useRegex) ->
                JsonPart.object("ByteLevel").put("add_prefix_space", addPrefixSpace).put("trim_offsets", trimOffsets)
                        .put("use_regex", useRegex);
            case Fuse() -> JsonPart.object("Fuse");
            case Spaced() -> null;
            case Sequence(List<Decoder> decoders) -> {
                ObjectNode json = JsonPart.object("Sequence");
                var list = json.putArray("decoders");
                decoders.forEach(decoder -> list.add(decoder.toJson()));
                yield json;
            }
        };
    }
}
