package dev.weft.text;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// How SentencePiece rewrites a text: characters by a map, the longest match first; runs of spaces as one and none at the
/// ends; a space before all (or behind all, where spaces end words); spaces as `▁`. Pieces that users asked for stay as
/// they are.
///
/// @param charsMap                null for none
/// @param addDummyPrefix          whether a space is put before the text
/// @param removeExtraWhitespaces  whether spaces at the ends and double ones go
/// @param escapeWhitespaces       whether a space is written as `▁`
/// @param spaceAsSuffix           whether the space is put behind the text
/// @param userDefined             pieces that are not rewritten
record SentencePieceRules(@Nullable CharsMap charsMap, boolean addDummyPrefix, boolean removeExtraWhitespaces,
        boolean escapeWhitespaces, boolean spaceAsSuffix, Trie userDefined) {

    /// Nothing is rewritten but spaces: runs of them become one, those at the ends go, and `▁` stands for the others and
    /// before the text.
    static SentencePieceRules identity() {
        return new SentencePieceRules(null, true, true, true, false, new Trie());
    }

    /// What the steps of a `tokenizer.json` do, where SentencePiece can do it too.
    ///
    /// @throws IllegalArgumentException naming the first step that it cannot
    static SentencePieceRules of(@Nullable Normalizer normalizer, @Nullable PreTokenizer preTokenizer) {
        if (normalizer instanceof Normalizer.SentencePiece(SentencePieceRules rules)) {
            return rules;
        }
        CharsMap map = null;
        boolean prefix = false;
        boolean collapse = false;
        boolean escape = false;
        List<Normalizer> steps = normalizer == null
                ? List.of()
                : normalizer instanceof Normalizer.Sequence(List<Normalizer> all) ? all : List.of(normalizer);
        for (Normalizer step : steps) {
            switch (step) {
                case Normalizer.Precompiled(CharsMap charsMap) when step == steps.getFirst() -> map = charsMap;
                case Normalizer.Prepend(String text) when text.equals("\u2581") || text.equals(" ") -> prefix = true;
                case Normalizer.Replace(SplitPattern what, String by) when !what.regex() && what.text().equals(" ")
                        && by.equals("\u2581") ->
                    escape = true;
                case Normalizer.Replace(SplitPattern what, String by) when what.regex()
                        && (what.text().equals(" {2,}") && (by.equals(" ") || by.equals("\u2581"))
                                || what.text().equals("\\A | \\z") && by.isEmpty()) -> {
                    collapse = true;
                    escape |= by.equals("\u2581");
                }
                default -> throw cannot("rewrites text by " + step.getClass().getSimpleName());
            }
        }
        List<PreTokenizer> cuts = preTokenizer == null
                ? List.of()
                : preTokenizer instanceof PreTokenizer.Sequence(List<PreTokenizer> all) ? all : List.of(preTokenizer);
        for (PreTokenizer cut : cuts) {
            switch (cut) {
                case PreTokenizer.WhitespaceSplit() -> collapse = true;
                case PreTokenizer.Metaspace(String mark, PreTokenizer.PrependScheme scheme, boolean splits) when mark
                        .equals("\u2581") -> {
                    escape = true;
                    prefix |= scheme != PreTokenizer.PrependScheme.NEVER;
                }
                case PreTokenizer.Split split when split.pattern().text().equals("\u2581")
                        && split.behavior() == PreTokenizer.Behavior.MERGED_WITH_NEXT ->
                    {
                    }
                default -> throw cannot("cuts words by " + cut.getClass().getSimpleName());
            }
        }
        return new SentencePieceRules(map, prefix, collapse, escape, false, new Trie());
    }

    private static IllegalArgumentException cannot(String step) {
        return new IllegalArgumentException("this tokenizer %s, which a SentencePiece model cannot say; train one with "
                .formatted(step) + "TrainingPipeline.sentencePiece()");
    }

    SentencePieceRules withUserDefined(Trie pieces) {
        return new SentencePieceRules(charsMap, addDummyPrefix, removeExtraWhitespaces, escapeWhitespaces,
                spaceAsSuffix, pieces);
    }

    /// The same in steps that a `tokenizer.json` can hold, as far as it goes: its charsmap knows no match of several
    /// characters but in a cluster, and pieces that users asked for are not spared.
    ///
    /// @throws IllegalArgumentException if the space is put behind the text, for which there is no step
    Normalizer.Sequence steps() {
        if (spaceAsSuffix && addDummyPrefix) {
            throw new IllegalArgumentException("a tokenizer.json cannot say that a space is put behind the text "
                    + "(treat_whitespace_as_suffix); keep the SentencePiece model");
        }
        var steps = new ArrayList<Normalizer>();
        if (charsMap != null) {
            steps.add(new Normalizer.Precompiled(charsMap));
        }
        if (removeExtraWhitespaces) {
            // In this order neither pattern looks at a run of spaces twice.
            steps.add(new Normalizer.Replace(SplitPattern.regex(" {2,}"), " "));
            steps.add(new Normalizer.Replace(SplitPattern.regex("\\A | \\z"), ""));
        }
        if (addDummyPrefix) {
            steps.add(new Normalizer.Prepend(escapeWhitespaces ? "\u2581" : " "));
        }
        if (escapeWhitespaces) {
            steps.add(new Normalizer.Replace(SplitPattern.literal(" "), "\u2581"));
        }
        return new Normalizer.Sequence(steps);
    }

    Piece apply(Piece piece) {
        String text = piece.text;
        char space = escapeWhitespaces ? '\u2581' : ' ';
        var out = new Out(piece, space);
        boolean afterSpace = removeExtraWhitespaces;
        boolean begun = false;
        for (int from = 0; from < text.length();) {
            int to = userDefined.isEmpty() ? Trie.NONE : userDefined.longestEnd(text, from);
            CharsMap.Match match = to == Trie.NONE && charsMap != null ? charsMap.longest(text, from) : null;
            String mapped = match == null ? null : match.replacement();
            if (to == Trie.NONE) {
                to = match == null ? from + Character.charCount(text.codePointAt(from)) : match.end();
            }
            int length = mapped == null ? to - from : mapped.length();
            int skipped = 0;
            while (afterSpace && skipped < length
                    && (mapped == null ? text.charAt(from + skipped) : mapped.charAt(skipped)) == ' ') {
                skipped++;
            }
            if (!begun && !(removeExtraWhitespaces && length == 1 && skipped == 1)) {
                begun = true;
                if (addDummyPrefix && !spaceAsSuffix) {
                    out.write(space, from, to);
                }
            }
            char last = 0;
            for (int i = skipped; i < length; i++) {
                last = mapped == null ? text.charAt(from + i) : mapped.charAt(i);
                if (mapped == null) {
                    out.write(last == ' ' ? space : last, from + i, from + i + 1);
                } else {
                    out.write(last == ' ' ? space : last, from, to);
                }
            }
            if (skipped < length) {
                afterSpace = removeExtraWhitespaces && last == ' ';
            }
            from = to;
        }
        return out.piece(begun);
    }

    /// The rewritten text; spaces are held back until it is known that they are not the last.
    private final class Out {
        private final Piece piece;
        private final Piece.Rewriting rewriting;
        private final char space;
        private final IntList heldFrom = new IntList(4);
        private final IntList heldTo = new IntList(4);
        private int last;

        Out(Piece piece, char space) {
            this.piece = piece;
            this.space = space;
            rewriting = piece.new Rewriting();
        }

        void write(char c, int from, int to) {
            if (c == space && removeExtraWhitespaces) {
                heldFrom.add(from);
                heldTo.add(to);
                return;
            }
            release();
            rewriting.write(c, from, to);
            last = to;
        }

        private void release() {
            for (int i = 0; i < heldFrom.size; i++) {
                rewriting.write(space, heldFrom.values[i], heldTo.values[i]);
            }
            heldFrom.size = 0;
            heldTo.size = 0;
        }

        Piece piece(boolean begun) {
            if (spaceAsSuffix && addDummyPrefix && begun) {
                int at = Math.max(1, last);
                rewriting.write(space, at - 1, at);
            } else if (!removeExtraWhitespaces) {
                release();
            }
            return rewriting.piece();
        }
    }
}
