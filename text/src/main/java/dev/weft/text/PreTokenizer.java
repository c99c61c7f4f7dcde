package dev.weft.text;

import java.lang.Character.UnicodeScript;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;
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

    /// BERT's words: white space goes, punctuation marks stand alone.
    record Bert() implements PreTokenizer {}

    /// `\w+|[^\w\s]+`
    record Whitespace() implements PreTokenizer {}

    /// What white space leaves.
    record WhitespaceSplit() implements PreTokenizer {}

    /// SentencePiece's words: spaces become `replacement`, which begins a word (when `split`).
    record Metaspace(String replacement, PrependScheme prependScheme, boolean split) implements PreTokenizer {}

    record Punctuation(Behavior behavior) implements PreTokenizer {}

    /// Cuts at a character, which goes.
    record CharDelimiterSplit(String delimiter) implements PreTokenizer {}

    /// Sets numbers apart, digit by digit if `individualDigits`.
    record Digits(boolean individualDigits) implements PreTokenizer {}

    /// Cuts where the script changes; kana count as Han.
    record UnicodeScripts() implements PreTokenizer {}

    /// Cuts after every `length` characters.
    record FixedLength(int length) implements PreTokenizer {}

    record Sequence(List<PreTokenizer> pretokenizers) implements PreTokenizer {}

    /// What becomes of the matches where text is cut.
    enum Behavior {
        REMOVED("Removed"), ISOLATED("Isolated"), MERGED_WITH_PREVIOUS("MergedWithPrevious"), MERGED_WITH_NEXT(
                "MergedWithNext"), CONTIGUOUS("Contiguous");

        final String inFile;

        Behavior(String inFile) {
            this.inFile = inFile;
        }

        /// Whether two stretches, one behind the other, are one word.
        private boolean joins(boolean match, boolean nextMatch) {
            return switch (this) {
                case ISOLATED, REMOVED -> false;
                case CONTIGUOUS -> match == nextMatch;
                case MERGED_WITH_PREVIOUS -> nextMatch && !match;
                case MERGED_WITH_NEXT -> match && !nextMatch;
            };
        }
    }

    /// Before which stretches [Metaspace] puts its character: all, those where the text begins, none.
    enum PrependScheme {
        ALWAYS("always"), FIRST("first"), NEVER("never");

        final String inFile;

        PrependScheme(String inFile) {
            this.inFile = inFile;
        }

        /// Reads `prepend_scheme`, or the older `add_prefix_space`.
        static PrependScheme fromJson(JsonPart json) {
            boolean space = json.flag("add_prefix_space", true);
            String name = json.optionalString("prepend_scheme");
            if (name == null) {
                return space ? ALWAYS : NEVER;
            }
            for (PrependScheme scheme : values()) {
                if (scheme.inFile.equals(name)) {
                    if (!space && scheme != NEVER) {
                        throw json.error("prepend_scheme is \"%s\" but add_prefix_space false; take the latter out"
                                .formatted(name));
                    }
                    return scheme;
                }
            }
            throw json.at("prepend_scheme").error("expected always, first or never, found \"%s\"".formatted(name));
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
            case Split(SplitPattern pattern, Behavior behavior, boolean invert) ->
                cutAtPattern(pattern, behavior, invert, piece, words);
            case Bert() -> WordKinds.BERT.cut(piece, words);
            case Whitespace() -> WordKinds.WORDS.cut(piece, words);
            case WhitespaceSplit() -> WordKinds.SPACES.cut(piece, words);
            case Metaspace metaspace -> cutSpaces(metaspace, piece, words);
            case Punctuation(Behavior behavior) ->
                cutAtCharacters(ReferenceCharacters::isPunctuation, behavior, piece, words);
            case CharDelimiterSplit(String delimiter) -> {
                int c = delimiter.codePointAt(0);
                cutAtCharacters(at -> at == c, Behavior.REMOVED, piece, words);
            }
            case Digits(boolean individually) -> cutAtCharacters(ReferenceCharacters::isNumeric,
                    individually ? Behavior.ISOLATED : Behavior.CONTIGUOUS, piece, words);
            case UnicodeScripts() -> cutAtScripts(piece, words);
            case FixedLength(int length) -> cutAtLength(piece, length, words);
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
        Piece text = how.addPrefixSpace && piece.text.charAt(0) != ' ' ? piece.prepended(" ") : piece;
        if (how.useRegex) {
            gpt2Words(text, word -> words.accept(ByteAlphabet.encode(word)));
        } else {
            words.accept(ByteAlphabet.encode(text));
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

    private static void cutSpaces(Metaspace how, Piece piece, Consumer<Piece> words) {
        String mark = how.replacement;
        Piece text = new Normalizer.Replace(SplitPattern.literal(" "), mark).apply(piece);
        boolean prepends = switch (how.prependScheme) {
            case ALWAYS -> true;
            case FIRST -> text.start(0) == 0;
            case NEVER -> false;
        };
        if (prepends && !text.text.startsWith(mark)) {
            text = text.prepended(mark);
        }
        if (!how.split) {
            words.accept(text);
            return;
        }
        // A mark begins a word with all that is not a mark behind it.
        int from = 0;
        while (from < text.text.length()) {
            int next = text.text.indexOf(mark, from + (text.text.startsWith(mark, from) ? mark.length() : 1));
            int to = next < 0 ? text.text.length() : next;
            words.accept(text.slice(from, to));
            from = to;
        }
    }

    private static void cutAtPattern(SplitPattern pattern, Behavior behavior, boolean invert, Piece piece,
            Consumer<Piece> words) {
        var cutter = new Cutter(piece, behavior, words);
        SplitPattern.Matches matches = pattern.matches(piece.text);
        int done = 0;
        while (matches.find()) {
            if (matches.start() > done) {
                cutter.next(matches.start(), invert);
            }
            cutter.next(matches.end(), !invert);
            done = matches.end();
        }
        if (done < piece.text.length()) {
            cutter.next(piece.text.length(), invert);
        }
        cutter.end();
    }

    private static void cutAtCharacters(IntPredicate match, Behavior behavior, Piece piece, Consumer<Piece> words) {
        var cutter = new Cutter(piece, behavior, words);
        String text = piece.text;
        int done = 0;
        for (int at = 0; at < text.length();) {
            int codePoint = text.codePointAt(at);
            int to = at + Character.charCount(codePoint);
            if (match.test(codePoint)) {
                if (at > done) {
                    cutter.next(at, false);
                }
                cutter.next(to, true);
                done = to;
            }
            at = to;
        }
        if (done < text.length()) {
            cutter.next(text.length(), false);
        }
        cutter.end();
    }

    /// Makes words of stretches that are matches or not.
    final class Cutter {
        private final Piece piece;
        private final Behavior behavior;
        private final Consumer<Piece> words;
        private int from;
        private int to;
        private boolean match;
        private boolean begun;

        private Cutter(Piece piece, Behavior behavior, Consumer<Piece> words) {
            this.piece = piece;
            this.behavior = behavior;
            this.words = words;
        }

        /// The stretch from the end of the last one.
        private void next(int end, boolean isMatch) {
            if (begun && !behavior.joins(match, isMatch)) {
                end();
            }
            begun = true;
            match = isMatch;
            to = end;
        }

        private void end() {
            if (to > from && !(match && behavior == Behavior.REMOVED)) {
                words.accept(piece.slice(from, to));
            }
            from = to;
        }
    }

    private static void cutAtScripts(Piece piece, Consumer<Piece> words) {
        String text = piece.text;
        int from = -1;
        @Nullable
        UnicodeScript last = null;
        for (int at = 0; at < text.length();) {
            int codePoint = text.codePointAt(at);
            @Nullable
            UnicodeScript script = script(codePoint);
            if (script != null) {
                // As in the reference library, what stands before the first letter of any script is lost.
                if (script != last) {
                    if (from >= 0) {
                        words.accept(piece.slice(from, at));
                    }
                    from = at;
                }
                last = script;
            }
            at += Character.charCount(codePoint);
        }
        if (from >= 0) {
            words.accept(piece.slice(from, text.length()));
        }
    }

    /// Null for a space and for what belongs to no script.
    private static @Nullable UnicodeScript script(int codePoint) {
        if (codePoint == ' ' || codePoint == 0x30FC) {
            return codePoint == ' ' ? null : UnicodeScript.HAN;
        }
        @Nullable
        UnicodeScript script = ReferenceCharacters.script(codePoint);
        return script == UnicodeScript.HIRAGANA || script == UnicodeScript.KATAKANA ? UnicodeScript.HAN : script;
    }

    private static void cutAtLength(Piece piece, int length, Consumer<Piece> words) {
        String text = piece.text;
        for (int from = 0; from < text.length();) {
            int to = from;
            for (int i = 0; i < length && to < text.length(); i++) {
                to += Character.charCount(text.codePointAt(to));
            }
            words.accept(piece.slice(from, to));
            from = to;
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
            case "BertPreTokenizer" -> {
                json.allows();
                yield new Bert();
            }
            case "Whitespace" -> {
                json.allows();
                yield new Whitespace();
            }
            case "WhitespaceSplit" -> {
                json.allows();
                yield new WhitespaceSplit();
            }
            case "Metaspace" -> {
                json.allows("replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep");
                yield new Metaspace(character(json, "replacement"), PrependScheme.fromJson(json),
                        json.flag("split", true));
            }
            case "Punctuation" -> new Punctuation(
                    json.allows("behavior").has("behavior") ? behavior(json.at("behavior")) : Behavior.ISOLATED);
            case "CharDelimiterSplit" -> new CharDelimiterSplit(character(json.allows("delimiter"), "delimiter"));
            case "Digits" -> new Digits(json.allows("individual_digits").flag("individual_digits", false));
            case "UnicodeScripts" -> {
                json.allows();
                yield new UnicodeScripts();
            }
            case "FixedLength" -> {
                int length = json.allows("length").has("length") ? json.at("length").id() : 5;
                if (length == 0) {
                    throw json.at("length").error("a word has 1 character or more, found 0");
                }
                yield new FixedLength(length);
            }
            case "Sequence" -> new Sequence(
                    json.allows("pretokenizers").at("pretokenizers").items().stream().map(PreTokenizer::fromJson)
                            .toList());
            default -> throw json.unknownType(type, "ByteLevel", "Split", "BertPreTokenizer", "Whitespace",
                    "WhitespaceSplit", "Metaspace", "Punctuation", "CharDelimiterSplit", "Digits", "UnicodeScripts",
                    "FixedLength", "Sequence");
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

    /// A string of one character.
    static String character(JsonPart json, String name) {
        String text = json.string(name);
        if (text.isEmpty() || text.length() != Character.charCount(text.codePointAt(0))) {
            throw json.at(name).error("expected one character, found \"%s\"".formatted(text));
        }
        return text;
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
            case Bert() -> JsonPart.object("BertPreTokenizer");
            case Whitespace() -> JsonPart.object("Whitespace");
            case WhitespaceSplit() -> JsonPart.object("WhitespaceSplit");
            case Metaspace(String replacement, PrependScheme scheme, boolean split) ->
                JsonPart.object("Metaspace").put("replacement", replacement).put("prepend_scheme", scheme.inFile)
                        .put("split", split);
            case Punctuation(Behavior behavior) -> JsonPart.object("Punctuation").put("behavior", behavior.inFile);
            case CharDelimiterSplit(String delimiter) ->
                JsonPart.object("CharDelimiterSplit").put("delimiter", delimiter);
            case Digits(boolean individually) -> JsonPart.object("Digits").put("individual_digits", individually);
            case UnicodeScripts() -> JsonPart.object("UnicodeScripts");
            case FixedLength(int length) -> JsonPart.object("FixedLength").put("length", length);
            case Sequence(List<PreTokenizer> steps) -> {
                ObjectNode json = JsonPart.object("Sequence");
                json.putArray("pretokenizers").addAll(steps.stream().map(PreTokenizer::toJson).toList());
                yield json;
            }
        };
    }
}
