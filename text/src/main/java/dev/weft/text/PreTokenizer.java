package dev.weft.text;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import tools.jackson.databind.node.ObjectNode;

/// Cuts text into words, the stretches that the model may not merge across.
sealed interface PreTokenizer {
    /// GPT-2's words (when `useRegex`), each written in the 256 characters of [ByteAlphabet].
    record ByteLevel(boolean addPrefixSpace, boolean trimOffsets, boolean useRegex) implements PreTokenizer {}

    /// Cuts at the matches of a pattern; `invert` swaps matches and what lies between them.
    record Split(SplitPattern pattern, Behavior behavior, boolean invert) implements PreTokenizer {
        /// Whether this is the one pattern that has a scanner of its own.
        boolean isGpt2() {
            return behavior == Behavior.ISOLATED && !invert && pattern.regex()
                    && pattern.text().equals(Gpt2Words.PATTERN);
        }
    }

    record Sequence(List<PreTokenizer> pretokenizers) implements PreTokenizer {}

    /// What [Split] does with the matches.
    enum Behavior {
        REMOVED("Removed"), ISOLATED("Isolated"), MERGED_WITH_PREVIOUS("MergedWithPrevious"), MERGED_WITH_NEXT(
                "MergedWithNext"), CONTIGUOUS("Contiguous");

        final String inFile;

        Behavior(String inFile) {
            this.inFile = inFile;
        }
    }

    /// Gives the words of a piece to `words`, in order, none empty.
    default void cut(Piece piece, Consumer<Piece> words) {
        if (piece.text.isEmpty()) {
            return;
        }
        switch (this) {
            case ByteLevel byteLevel -> cutBytes(byteLevel, piece, words);
            case Split split when split.isGpt2() -> gpt2Words(piece, words);
            case Split split -> cutAtPattern(split, piece, words);
            case Sequence(List<PreTokenizer> steps) -> cutInSteps(steps, 0, piece, words);
        }
    }

    private static void cutInSteps(List<PreTokenizer> steps, int step, Piece piece, Consumer<Piece> words) {
        if (step == steps.size()) {
            words.accept(piece);
        } else {
            steps.get(step).cut(piece, part -> cutInSteps(steps, step + 1, part, words));
        }
    }

    private static void cutBytes(ByteLevel how, Piece piece, Consumer<Piece> words) {
        Piece text = piece;
        if (how.addPrefixSpace && piece.text.charAt(0) != ' ') {
            var prefixed = piece.new Rewriting();
            // A place it does not have; as in the reference library, that of the character behind it.
            prefixed.write(' ', 0, Character.charCount(piece.text.codePointAt(0)));
            for (int i = 0; i < piece.text.length(); i++) {
                prefixed.write(piece.text.charAt(i), i, i + 1);
            }
            text = prefixed.piece();
        }
        if (how.useRegex) {
            gpt2Words(text, word -> words.accept(inBytes(word)));
        } else {
            words.accept(inBytes(text));
        }
    }

    private static void gpt2Words(Piece piece, Consumer<Piece> words) {
        int length = piece.text.length();
        for (int from = 0; from < length;) {
            int to = Gpt2Words.end(piece.text, from, length);
            words.accept(piece.slice(from, to));
            from = to;
        }
    }

    private static Piece inBytes(Piece word) {
        var bytes = word.new Rewriting();
        for (int i = 0; i < word.text.length();) {
            int from = i;
            int codePoint = word.text.codePointAt(i);
            int to = from + Character.charCount(codePoint);
            ByteAlphabet.encode(codePoint, c -> bytes.write(c, from, to));
            i = to;
        }
        return bytes.piece();
    }

    private static void cutAtPattern(Split split, Piece piece, Consumer<Piece> words) {
        record Span(int from, int to, boolean match) {}
        var spans = new ArrayList<Span>();
        Matcher matcher = split.pattern.matcher(piece.text);
        int done = 0;
        while (matcher.find()) {
            if (matcher.start() > done) {
                spans.add(new Span(done, matcher.start(), split.invert));
            }
            spans.add(new Span(matcher.start(), matcher.end(), !split.invert));
            done = matcher.end();
        }
        if (done < piece.text.length()) {
            spans.add(new Span(done, piece.text.length(), split.invert));
        }
        // Two spans belong together depending on which of them is a match.
        int from = 0;
        for (int i = 0; i < spans.size(); i++) {
            Span span = spans.get(i);
            boolean last = i == spans.size() - 1;
            boolean nextMatches = !last && spans.get(i + 1).match;
            boolean joinsNext = !last && switch (split.behavior) {
                case ISOLATED, REMOVED -> false;
                case CONTIGUOUS -> span.match == nextMatches;
                case MERGED_WITH_PREVIOUS -> nextMatches && !span.match;
                case MERGED_WITH_NEXT -> span.match && !nextMatches;
            };
            if (joinsNext) {
                continue;
            }
            boolean dropped = split.behavior == Behavior.REMOVED && span.match;
            if (!dropped && span.to > from) {
                words.accept(piece.slice(from, span.to));
            }
            from = span.to;
        }
    }

    static PreTokenizer fromJson(JsonPart json) {
        String type = json.string("type");
        return switch (type) {
            case "ByteLevel" -> {
                json.allows("add_prefix_space", "trim_offsets", "use_regex");
                yield new ByteLevel(json.flag("add_prefix_space", true), json.flag("trim_offsets", true),
                        json.flag("use_regex", true));
            }
            case "Split" -> {
                json.allows("pattern", "behavior", "invert");
                yield new Split(SplitPattern.fromJson(json.at("pattern")), behavior(json.at("behavior")),
                        json.flag("invert", false));
            }
            case "Sequence" -> new Sequence(
                    json.allows("pretokenizers").at("pretokenizers").items().stream().map(PreTokenizer::fromJson)
                            .toList());
            default -> throw json.unknownType(type, "ByteLevel", "Split", "Sequence");
        };
    }

    private static Behavior behavior(JsonPart json) {
        for (Behavior behavior : Behavior.values()) {
            if (behavior.inFile.equals(json.string())) {
                return behavior;
            }
        }
        throw json.error("behavior \"%s\" is not supported".formatted(json.string()));
    }

    default ObjectNode toJson() {
        return switch (this) {
            case ByteLevel(boolean addPrefixSpace, boolean trimOffsets, boolean useRegex) ->
                JsonPart.object("ByteLevel").put("add_prefix_space", addPrefixSpace).put("trim_offsets", trimOffsets)
                        .put("use_regex", useRegex);
            case Split(SplitPattern pattern, Behavior behavior, boolean invert) -> {
                ObjectNode json = JsonPart.object("Split");
                json.set("pattern", pattern.toJson());
                yield json.put("behavior", behavior.inFile).put("invert", invert);
            }
            case Sequence(List<PreTokenizer> steps) -> {
                ObjectNode json = JsonPart.object("Sequence");
                json.putArray("pretokenizers").addAll(steps.stream().map(PreTokenizer::toJson).toList());
                yield json;
            }
        };
    }
}
