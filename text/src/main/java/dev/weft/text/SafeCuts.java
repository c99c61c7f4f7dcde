package dev.weft.text;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// Where a text can be cut so that its parts have the ids of the whole.
///
/// @param places           which places the pre-tokenizer never looks across
/// @param rawAdded         no cut in, or next to, an added token
/// @param normalizedAdded  likewise
record SafeCuts(Places places, AddedTokens rawAdded, AddedTokens normalizedAdded) {
    private static final AddedTokens NO_TOKENS = new AddedTokens(List.of(), null);

    /// Between GPT-2's words.
    static final SafeCuts GPT2 = new SafeCuts(Places.GPT2_WORDS, NO_TOKENS, NO_TOKENS);

    static final SafeCuts NOWHERE = new SafeCuts(Places.NOWHERE, NO_TOKENS, NO_TOKENS);

    /// Between lines.
    static final SafeCuts LINES = new SafeCuts(Places.LINES, NO_TOKENS, NO_TOKENS);

    enum Places {
        /// None is known.
        NOWHERE,
        /// Between any two characters: no merges, no words.
        ANYWHERE,
        /// Where GPT-2's pattern ends a word whatever stands before and behind.
        GPT2_WORDS,
        /// The same, but only before a space (U+0020) that follows a visible character: for pipelines that put a space
        /// before a text without one, or that rewrite text, since composing never crosses a space.
        GPT2_SPACES,
        /// Before the end of a line that has a visible character before it.
        LINES,
        /// Before a space that follows a letter: where every pattern of the GPT-4 family ends a word.
        LETTERS,
        /// Before a space that follows a visible character: where words end at spaces, whatever they are.
        SPACES
    }

    static SafeCuts of(TokenizerParts parts, AddedTokens rawAdded, AddedTokens normalizedAdded) {
        return new SafeCuts(places(parts, normalizedAdded), rawAdded, normalizedAdded);
    }

    private static Places places(TokenizerParts parts, AddedTokens normalizedAdded) {
        Normalizer normalizer = parts.normalizer();
        boolean rewrites = normalizer != null;
        if (rewrites && (!normalizedAdded.isEmpty() || !isLocal(normalizer))) {
            return Places.NOWHERE;
        }
        boolean keepsSpaces = !rewrites || keepsSpaces(normalizer);
        return switch (parts.preTokenizer()) {
            case PreTokenizer.ByteLevel bytes when bytes.useRegex() && keepsSpaces ->
                rewrites || bytes.addPrefixSpace() ? Places.GPT2_SPACES : Places.GPT2_WORDS;
            case PreTokenizer.Metaspace(String ignored, PreTokenizer.PrependScheme scheme, boolean split) when split ->
                Places.SPACES;
            case PreTokenizer.Sequence(List<PreTokenizer> steps) when !steps.isEmpty() -> switch (steps.getFirst()) {
                case PreTokenizer.Split split when split.isGpt2() && keepsSpaces -> Places.GPT2_SPACES;
                case PreTokenizer.Split split when BytePairFamily.cutsBehindLetters(split) && keepsSpaces
                        && steps.size() == 2 && steps.getLast() instanceof PreTokenizer.ByteLevel bytes
                        && !bytes.addPrefixSpace() && !bytes.useRegex() ->
                    Places.LETTERS;
                case PreTokenizer first when dropsSpaces(first)
                        && steps.stream().allMatch(SafeCuts::treatsWordsAlike) ->
                    Places.SPACES;
                default -> Places.NOWHERE;
            };
            case PreTokenizer words when dropsSpaces(words) -> Places.SPACES;
            case null -> !rewrites && parts.model() instanceof Bpe bpe && bpe.cutsAnywhere()
                    ? Places.ANYWHERE
                    : Places.NOWHERE;
            default -> Places.NOWHERE;
        };
    }

    private static boolean dropsSpaces(@Nullable PreTokenizer words) {
        return words instanceof PreTokenizer.Bert || words instanceof PreTokenizer.Whitespace
                || words instanceof PreTokenizer.WhitespaceSplit;
    }

    /// Whether it does not matter which word of a text a word is.
    private static boolean treatsWordsAlike(PreTokenizer step) {
        return switch (step) {
            case PreTokenizer.Metaspace metaspace ->
                metaspace.prependScheme() != PreTokenizer.PrependScheme.FIRST;
            case PreTokenizer.Sequence(List<PreTokenizer> steps) ->
                steps.stream().allMatch(SafeCuts::treatsWordsAlike);
            default -> true;
        };
    }

    /// Whether what becomes of a word does not depend on the words around it.
    private static boolean isLocal(Normalizer normalizer) {
        return switch (normalizer) {
            case Normalizer.Unicode ignored -> true;
            case Normalizer.Lowercase() -> true;
            case Normalizer.Bert ignored -> true;
            case Normalizer.StripAccents() -> true;
            case Normalizer.Nmt() -> true;
            case Normalizer.Precompiled ignored -> true;
            case Normalizer.Sequence(List<Normalizer> steps) -> steps.stream().allMatch(SafeCuts::isLocal);
            case Normalizer.Strip ignored -> false;
            case Normalizer.Replace ignored -> false;
            case Normalizer.Prepend ignored -> false;
            case Normalizer.ByteLevel() -> false;
            case Normalizer.SentencePiece ignored -> false;
        };
    }

    /// Whether spaces stay where they are, and visible characters visible: how many spaces stand together matters to
    /// GPT-2's words and their kin.
    private static boolean keepsSpaces(Normalizer normalizer) {
        return switch (normalizer) {
            case Normalizer.Unicode ignored -> true;
            case Normalizer.Lowercase() -> true;
            case Normalizer.Sequence(List<Normalizer> steps) -> steps.stream().allMatch(SafeCuts::keepsSpaces);
            default -> false;
        };
    }

    /// How many chars behind a place [#allows] may look at.
    int ahead() {
        return Math.max(rawAdded.longest(), normalizedAdded.longest());
    }

    boolean allows(CharSequence text, int place) {
        int before = Character.codePointBefore(text, place);
        if (Character.charCount(before) == 1 && Character.isSurrogatePair(text.charAt(place - 1), text.charAt(place))) {
            return false;
        }
        int after = Character.codePointAt(text, place);
        byte kind = Gpt2Words.kind(before);
        boolean allowed = switch (places) {
            case NOWHERE -> false;
            case ANYWHERE -> true;
            case GPT2_WORDS -> kind != Gpt2Words.SPACE && kind != Gpt2Words.kind(after)
                    && (before != '\'' || Gpt2Words.kind(after) == Gpt2Words.SPACE);
            case GPT2_SPACES -> after == ' ' && kind != Gpt2Words.SPACE;
            case LINES -> (after == '\r' || after == '\n') && kind != Gpt2Words.SPACE;
            case LETTERS -> after == ' ' && kind == Gpt2Words.LETTER;
            case SPACES -> after == ' ' && kind != Gpt2Words.SPACE && CharsMap.isEdge(text.charAt(place - 1), ' ');
        };
        // Some added tokens take spaces along: never cut behind one where there are any.
        return allowed && (ahead() == 0
                || kind != Gpt2Words.SPACE && !rawAdded.touches(text, place) && !normalizedAdded.touches(text, place));
    }
}
