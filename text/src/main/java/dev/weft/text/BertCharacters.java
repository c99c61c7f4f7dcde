package dev.weft.text;

import java.text.Normalizer.Form;
import org.jspecify.annotations.Nullable;

/// What one [Normalizer.Bert] makes of each character. BERT's four steps look at single characters only, so that one
/// pass with a table does what four passes over the text define.
final class BertCharacters {
    private static final @Nullable BertCharacters[] KNOWN = new BertCharacters[16];

    /// Two noncharacters that say: this character goes, and: ask [#rewritten].
    private static final char GONE = '\uFFFF';
    private static final char SEVERAL = '\uFFFE';

    private final boolean clean;
    private final boolean ideographs;
    private final boolean strip;
    private final boolean lower;
    /// What is not looked up yet is 0.
    private final char[] single = new char[0x10000];
    private final @Nullable String[] several = new String[0x10000];

    private BertCharacters(boolean clean, boolean ideographs, boolean strip, boolean lower) {
        this.clean = clean;
        this.ideographs = ideographs;
        this.strip = strip;
        this.lower = lower;
        // The one character that would look like itself before it is looked up.
        learn('\0');
    }

    static BertCharacters of(Normalizer.Bert how) {
        boolean strip = how.stripAccents() == null ? how.lowercase() : how.stripAccents();
        return of(how.cleanText(), how.handleChineseChars(), strip, how.lowercase());
    }

    private static BertCharacters of(boolean clean, boolean ideographs, boolean strip, boolean lower) {
        int number = (clean ? 1 : 0) | (ideographs ? 2 : 0) | (strip ? 4 : 0) | (lower ? 8 : 0);
        @Nullable
        BertCharacters known = KNOWN[number];
        if (known == null) {
            known = new BertCharacters(clean, ideographs, strip, lower);
            KNOWN[number] = known;
        }
        return known;
    }

    private char learn(char c) {
        if (Character.isSurrogate(c) || c >= SEVERAL) {
            return SEVERAL;
        }
        @Nullable
        String rewritten = rewritten(c);
        single[c] = rewritten == null || rewritten.length() > 1
                ? SEVERAL
                : rewritten.isEmpty() ? GONE : rewritten.charAt(0);
        several[c] = single[c] == SEVERAL ? rewritten : null;
        return single[c];
    }

    /// What becomes of one character; null if that depends on its neighbours: it is a mark that stays, and marks are
    /// sorted.
    private @Nullable String rewritten(int codePoint) {
        int c = codePoint;
        if (clean) {
            if (c == 0 || ReferenceCharacters.isControl(c)) {
                return "";
            }
            c = ReferenceCharacters.isSpace(c) ? ' ' : c;
        }
        String text = Character.toString(c);
        if (ideographs && ReferenceCharacters.isIdeograph(c)) {
            text = " " + text + " ";
        }
        if (strip) {
            var kept = new StringBuilder();
            for (int part : UnicodeForms.apply(Piece.of(text), Form.NFD).text.codePoints().toArray()) {
                if (!ReferenceCharacters.isNonspacingMark(part)) {
                    if (UnicodeForms.combiningClass(part) > 0) {
                        return null;
                    }
                    kept.appendCodePoint(part);
                }
            }
            text = kept.toString();
        }
        if (lower) {
            var lowered = new StringBuilder();
            text.codePoints().forEach(part -> lowered.append(ReferenceCharacters.lower(part)));
            text = lowered.toString();
        }
        return text;
    }

    Piece apply(Piece piece) {
        String text = piece.text;
        int from = 0;
        while (from < text.length() && single[text.charAt(from)] == text.charAt(from)
                && text.charAt(from) < SEVERAL) {
            from++;
        }
        if (from == text.length()) {
            return piece;
        }
        var result = piece.new Rewriting();
        result.keep(0, from);
        while (from < text.length()) {
            char original = text.charAt(from);
            char c = single[original] == 0 ? learn(original) : single[original];
            if (c < SEVERAL) {
                result.write(c, from, from + 1);
                from++;
            } else if (c == GONE) {
                from++;
            } else {
                int codePoint = text.codePointAt(from);
                int to = from + Character.charCount(codePoint);
                @Nullable
                String rewritten = several[original] == null ? rewritten(codePoint) : several[original];
                if (rewritten == null) {
                    return stepByStep(piece);
                }
                if (rewritten.codePointCount(0, rewritten.length()) == 1) {
                    result.replace(rewritten.codePointAt(0), from, to);
                } else {
                    result.write(rewritten, from, to);
                }
                from = to;
            }
        }
        return result.piece();
    }

    private Piece stepByStep(Piece piece) {
        Piece clean = of(this.clean, ideographs, false, false).apply(piece);
        Piece apart = UnicodeForms.apply(clean, Form.NFD);
        String text = apart.text;
        var stripped = apart.new Rewriting();
        for (int from = 0; from < text.length();) {
            int to = from + Character.charCount(text.codePointAt(from));
            if (!ReferenceCharacters.isNonspacingMark(text.codePointAt(from))) {
                stripped.keep(from, to);
            }
            from = to;
        }
        return lower ? new Normalizer.Lowercase().apply(stripped.piece()) : stripped.piece();
    }
}
