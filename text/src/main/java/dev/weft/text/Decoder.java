package dev.weft.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/// Tokens back to text, one after the other, so that a whole text and a stream of tokens take the same way.
sealed interface Decoder {
    /// Reads tokens as bytes in the [ByteAlphabet] and the bytes as UTF-8; a token outside the alphabet stands for its
    /// own text.
    record ByteLevel(boolean addPrefixSpace, boolean trimOffsets, boolean useRegex) implements Decoder {}

    /// Takes the prefix off the pieces inside a word, and sets a space before all others but the first. `cleanup` takes
    /// out spaces before punctuation.
    record WordPiece(String prefix, boolean cleanup) implements Decoder {}

    /// Reads `replacement` as a space, but not in the first token where one was put before the text.
    record Metaspace(String replacement, PreTokenizer.PrependScheme prependScheme, boolean split) implements Decoder {}

    /// Reads the suffix as a space, in the last token as nothing.
    record Bpe(String suffix) implements Decoder {}

    /// Connectionist temporal classification (Graves et al. 2006): a token that repeats counts once, padding is nothing.
    record Ctc(String padToken, String wordDelimiterToken, boolean cleanup) implements Decoder {}

    /// Reads runs of tokens such as `<0xE2>` as UTF-8; of a run that is not, each byte is U+FFFD.
    record ByteFallback() implements Decoder {}

    /// Takes off up to `start` and `stop` characters `content` at the ends of each token.
    record Strip(String content, int start, int stop) implements Decoder {}

    record Replace(SplitPattern pattern, String content) implements Decoder {}

    /// Writes tokens one behind the other: for the decoders behind it there is one token.
    record Fuse() implements Decoder {}

    /// What a file without a decoder means: a space between tokens.
    record Spaced() implements Decoder {}

    /// As the sentencepiece library does: special pieces stand for no text, the unknown one for a surface of its own, and
    /// the space before the text goes (with `stripsAll` also those behind it, up to the first text).
    record SentencePiece(Set<String> controls, String unknown, String surface, boolean stripsFirst, boolean stripsAll)
            implements
                Decoder {
        /// The same in steps that a `tokenizer.json` can hold, but for `stripsAll`.
        Sequence steps() {
            var steps = new ArrayList<Decoder>();
            controls.stream().sorted()
                    .forEach(control -> steps.add(new Replace(SplitPattern.literal(control), "")));
            steps.add(new Replace(SplitPattern.literal(unknown), surface));
            steps.add(new Replace(SplitPattern.literal("\u2581"), " "));
            steps.add(new ByteFallback());
            steps.add(new Fuse());
            if (stripsFirst) {
                steps.add(new Strip(" ", 1, 0));
            }
            return new Sequence(steps);
        }
    }

    record Sequence(List<Decoder> decoders) implements Decoder {}

    default Decoding begin() {
        return new Decoding(this);
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
            case "WordPiece" -> {
                json.allows("prefix", "cleanup");
                yield new WordPiece(json.has("prefix") ? json.string("prefix") : "##", json.flag("cleanup", true));
            }
            case "Metaspace" -> {
                json.allows("replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep");
                yield new Metaspace(PreTokenizer.character(json, "replacement"),
                        PreTokenizer.PrependScheme.fromJson(json), json.flag("split", true));
            }
            case "BPEDecoder" -> {
                json.allows("suffix");
                yield new Bpe(json.has("suffix") ? json.string("suffix") : "</w>");
            }
            case "CTC" -> {
                json.allows("pad_token", "word_delimiter_token", "cleanup");
                yield new Ctc(json.has("pad_token") ? json.string("pad_token") : "<pad>",
                        json.has("word_delimiter_token") ? json.string("word_delimiter_token") : "|",
                        json.flag("cleanup", true));
            }
            case "ByteFallback" -> {
                json.allows();
                yield new ByteFallback();
            }
            case "Strip" -> {
                json.allows("content", "start", "stop");
                yield new Strip(PreTokenizer.character(json, "content"), count(json, "start"), count(json, "stop"));
            }
            case "Replace" -> {
                json.allows("pattern", "content");
                yield new Replace(SplitPattern.fromJson(json.at("pattern")), json.string("content"));
            }
            case "Fuse" -> {
                json.allows();
                yield new Fuse();
            }
            case "Sequence" -> new Sequence(
                    json.allows("decoders").at("decoders").items().stream().map(Decoder::fromJson).toList());
            default -> throw json.unknownType(type, "ByteLevel", "WordPiece", "Metaspace", "BPEDecoder", "CTC",
                    "ByteFallback", "Strip", "Replace", "Fuse", "Sequence");
        };
    }

    private static int count(JsonPart json, String name) {
        return json.has(name) ? json.at(name).id() : 0;
    }

    /// Null for the decoder that files spell `null`.
    default @Nullable ObjectNode toJson() {
        return switch (this) {
            case ByteLevel(boolean addPrefixSpace, boolean trimOffsets, boolean useRegex) ->
                JsonPart.object("ByteLevel").put("add_prefix_space", addPrefixSpace).put("trim_offsets", trimOffsets)
                        .put("use_regex", useRegex);
            case WordPiece(String prefix, boolean cleanup) ->
                JsonPart.object("WordPiece").put("prefix", prefix).put("cleanup", cleanup);
            case Metaspace(String replacement, PreTokenizer.PrependScheme scheme, boolean split) ->
                JsonPart.object("Metaspace").put("replacement", replacement).put("prepend_scheme", scheme.inFile)
                        .put("split", split);
            case Bpe(String suffix) -> JsonPart.object("BPEDecoder").put("suffix", suffix);
            case Ctc(String padToken, String wordDelimiterToken, boolean cleanup) ->
                JsonPart.object("CTC").put("pad_token", padToken).put("word_delimiter_token", wordDelimiterToken)
                        .put("cleanup", cleanup);
            case ByteFallback() -> JsonPart.object("ByteFallback");
            case Strip(String content, int start, int stop) ->
                JsonPart.object("Strip").put("content", content).put("start", start).put("stop", stop);
            case Replace(SplitPattern pattern, String content) -> {
                ObjectNode json = JsonPart.object("Replace");
                json.set("pattern", pattern.toJson());
                yield json.put("content", content);
            }
            case Fuse() -> JsonPart.object("Fuse");
            case Spaced() -> null;
            case SentencePiece pieces -> pieces.steps().toJson();
            case Sequence(List<Decoder> decoders) -> {
                ObjectNode json = JsonPart.object("Sequence");
                var list = json.putArray("decoders");
                decoders.forEach(decoder -> list.add(decoder.toJson()));
                yield json;
            }
        };
    }
}
