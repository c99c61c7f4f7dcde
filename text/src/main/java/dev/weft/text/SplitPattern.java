package dev.weft.text;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// A pattern as a file spells it: plain text, or a regular expression as Oniguruma understands it.
///
/// @param compiled  the same for Java's engine; null for plain text
record SplitPattern(String text, boolean regex, @Nullable Pattern compiled) {
    static SplitPattern literal(String text) {
        return new SplitPattern(text, false, text.isEmpty() ? Pattern.compile("") : null);
    }

    /// @throws PatternSyntaxException if it is none, or says what Java's engine cannot do
    static SplitPattern regex(String text) {
        return new SplitPattern(text, true, Pattern.compile(new OnigurumaSyntax(text).inJava(), OnigurumaSyntax.FLAGS));
    }

    Matches matches(String in) {
        return compiled == null ? new Occurrences(text, in) : new RegexMatches(this, compiled, in);
    }

    /// The matches from left to right. An empty one right behind another is none, as in Oniguruma's scanning.
    interface Matches {
        boolean find();

        int start();

        int end();
    }

    private static final class Occurrences implements Matches {
        private final String sought;
        private final String in;
        private int start;
        private int end;

        Occurrences(String sought, String in) {
            this.sought = sought;
            this.in = in;
        }

        @Override
        public boolean find() {
            start = in.indexOf(sought, end);
            end = start + sought.length();
            return start >= 0;
        }

        @Override
        public int start() {
            return start;
        }

        @Override
        public int end() {
            return end;
        }
    }

    private static final class RegexMatches implements Matches {
        private final SplitPattern pattern;
        private final String in;
        private final Matcher matcher;
        private int next;
        private int lastEnd = -1;

        RegexMatches(SplitPattern pattern, Pattern compiled, String in) {
            this.pattern = pattern;
            this.in = in;
            matcher = compiled.matcher(new Budgeted(in, pattern.text));
        }

        @Override
        public boolean find() {
            while (next <= in.length() && search()) {
                boolean empty = matcher.end() == matcher.start();
                boolean again = empty && matcher.end() == lastEnd;
                next = matcher.end();
                lastEnd = matcher.end();
                if (empty) {
                    next += next < in.length() ? Character.charCount(in.codePointAt(next)) : 1;
                }
                if (!again) {
                    return true;
                }
            }
            return false;
        }

        private boolean search() {
            try {
                return next == 0 || next != lastEnd ? matcher.find(next) : matcher.find();
            } catch (StackOverflowError e) {
                throw new IllegalArgumentException(
                        "the pattern \"%s\" goes too deep for Java's engine on a text of %d characters; cut the text or choose a pattern without nested repetition"
                                .formatted(pattern.text, in.length()));
            }
        }

        @Override
        public int start() {
            return matcher.start();
        }

        @Override
        public int end() {
            return matcher.end();
        }
    }

    /// A text that counts how often it is looked at: what backtracks without end is refused, and not waited for.
    private static final class Budgeted implements CharSequence {
        /// Patterns in use look at a character 8 to 16 times.
        private static final int LOOKS_PER_CHARACTER = 512;
        private static final int LOOKS = 200_000;

        private final String text;
        private final String pattern;
        private long left;

        Budgeted(String text, String pattern) {
            this.text = text;
            this.pattern = pattern;
            left = budget();
        }

        private long budget() {
            return LOOKS + (long) LOOKS_PER_CHARACTER * text.length();
        }

        @Override
        public char charAt(int index) {
            if (--left < 0) {
                throw new IllegalArgumentException(
                        "the pattern \"%s\" costs too much on a text of %d characters: it was stopped after looking at %d; it backtracks, choose one that does not"
                                .formatted(pattern, text.length(), budget()));
            }
            return text.charAt(index);
        }

        @Override
        public int length() {
            return text.length();
        }

        @Override
        public CharSequence subSequence(int from, int to) {
            return text.subSequence(from, to);
        }

        @Override
        public String toString() {
            return text;
        }
    }

    static SplitPattern fromJson(JsonPart json) {
        if (json.node().isString()) {
            return literal(json.string());
        }
        json.allows("String", "Regex");
        if (json.has("String")) {
            return literal(json.string("String"));
        }
        try {
            return regex(json.string("Regex"));
        } catch (PatternSyntaxException e) {
            throw json.at("Regex").error("Java's engine does not know this regular expression: %s in %s"
                    .formatted(e.getDescription(), e.getPattern()));
        }
    }

    ObjectNode toJson() {
        return JsonNodeFactory.instance.objectNode().put(regex ? "Regex" : "String", text);
    }
}
