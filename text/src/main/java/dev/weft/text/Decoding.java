package dev.weft.text;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/// One text on its way out, through the stages of a [Decoder]. Text leaves as soon as no later token can change it.
final class Decoding {
    private final Sink sink = new Sink();
    private final Stage first;

    Decoding(Decoder decoder) {
        first = stage(decoder, sink);
    }

    /// Appends the text that this token makes certain.
    void push(String token, StringBuilder out) {
        sink.out = out;
        first.text(token);
        first.endToken();
    }

    /// Appends the characters that are held back though they are whole; the text goes on.
    ///
    /// @param halves whether halves of characters are given too, as U+FFFD
    void settle(boolean halves, StringBuilder out) {
        sink.out = out;
        first.settle(halves);
    }

    /// Appends what was held back: the text ends here, and a new one may begin.
    void end(StringBuilder out) {
        sink.out = out;
        first.end();
    }

    private static Stage stage(Decoder decoder, Stage next) {
        return switch (decoder) {
            case Decoder.ByteLevel ignored -> new Bytes(next);
            case Decoder.WordPiece(String prefix, boolean cleanup) -> new Words(next, prefix, cleanup);
            case Decoder.Metaspace(String replacement, PreTokenizer.PrependScheme scheme, boolean ignored) ->
                new MetaspaceCharacters(next, replacement, scheme != PreTokenizer.PrependScheme.NEVER);
            case Decoder.Bpe(String suffix) -> new Suffixes(next, suffix);
            case Decoder.Ctc ctc -> new Repetitions(next, ctc);
            case Decoder.ByteFallback() -> new ByteRuns(next);
            case Decoder.Strip(String content, int start, int stop) ->
                new Ends(next, content.codePointAt(0), start, stop);
            case Decoder.Replace(SplitPattern pattern, String content) ->
                pattern.regex() || pattern.text().isEmpty()
                        ? new Matches(next, pattern, content)
                        : new Occurrences(next, pattern.text(), content);
            case Decoder.Fuse() -> new Fused(next);
            case Decoder.Spaced() -> new Spaces(next);
            case Decoder.SentencePiece pieces -> new Pieces(new ByteRuns(next), pieces);
            case Decoder.Sequence(var decoders) -> {
                Stage first = next;
                for (Decoder earlier : decoders.reversed()) {
                    first = stage(earlier, first);
                }
                yield first;
            }
        };
    }

    /// Takes tokens, each in one or more parts, and gives tokens to the next stage.
    private abstract static sealed class Stage {
        /// A part of the token, of whole characters.
        abstract void text(String part);

        abstract void endToken();

        /// Whole characters wait no longer, and `halves` neither, where that is so; the text goes on.
        abstract void settle(boolean halves);

        /// The text is over; afterwards a new one may begin.
        abstract void end();
    }

    private static final class Sink extends Stage {
        private StringBuilder out = new StringBuilder();

        @Override
        void text(String part) {
            out.append(part);
        }

        @Override
        void endToken() {}

        @Override
        void settle(boolean halves) {}

        @Override
        void end() {}
    }

    /// Looks at characters and leaves tokens as they are.
    private abstract static sealed class Through extends Stage {
        final Stage next;

        Through(Stage next) {
            this.next = next;
        }

        @Override
        void text(String part) {
            next.text(part);
        }

        @Override
        void endToken() {
            next.endToken();
        }

        @Override
        void settle(boolean halves) {
            next.settle(halves);
        }

        @Override
        void end() {
            next.end();
        }
    }

    /// Looks at whole tokens.
    private abstract static sealed class Whole extends Through {
        private String token = "";
        private @Nullable StringBuilder parts;

        Whole(Stage next) {
            super(next);
        }

        abstract void token(String token);

        void pass(String text) {
            next.text(text);
            next.endToken();
        }

        @Override
        void text(String part) {
            if (parts != null) {
                parts.append(part);
            } else if (token.isEmpty()) {
                token = part;
            } else {
                parts = new StringBuilder(token).append(part);
            }
        }

        @Override
        void endToken() {
            String whole = parts == null ? token : parts.toString();
            token = "";
            parts = null;
            token(whole);
        }
    }

    private static final class Fused extends Through {
        Fused(Stage next) {
            super(next);
        }

        @Override
        void endToken() {}

        @Override
        void end() {
            next.endToken();
            next.end();
        }
    }

    /// SentencePiece's pieces; what they stand for may still be bytes.
    private static final class Pieces extends Whole {
        private final Decoder.SentencePiece how;
        private boolean begun;

        Pieces(Stage next, Decoder.SentencePiece how) {
            super(next);
            this.how = how;
        }

        @Override
        void token(String token) {
            if (how.controls().contains(token)) {
                return;
            }
            String text = token;
            if (token.equals(how.unknown())) {
                text = how.surface();
            } else {
                if (!begun && (how.stripsFirst() || how.stripsAll()) && token.startsWith("\u2581")) {
                    text = token.substring(1);
                    begun = !how.stripsAll();
                }
                text = text.replace('\u2581', ' ');
            }
            begun |= !text.isEmpty();
            pass(text);
        }

        @Override
        void end() {
            begun = false;
            super.end();
        }
    }

    /// A space before each token but the first.
    private static final class Spaces extends Through {
        private boolean begun;

        Spaces(Stage next) {
            super(next);
        }

        @Override
        void text(String part) {
            if (begun) {
                next.text(" ");
            }
            next.text(part);
        }

        @Override
        void endToken() {
            begun = true;
            next.endToken();
        }

        @Override
        void end() {
            begun = false;
            next.end();
        }
    }

    /// All bytes together are one token.
    private static final class Bytes extends Whole {
        private final Utf8 utf8 = new Utf8();
        private final StringBuilder text = new StringBuilder();

        Bytes(Stage next) {
            super(next);
        }

        @Override
        void token(String token) {
            if (inAlphabet(token)) {
                for (int i = 0; i < token.length(); i++) {
                    utf8.push(ByteAlphabet.byteOf(token.charAt(i)), text);
                }
            } else {
                utf8.end(text);
                text.append(token);
            }
            give();
        }

        private void give() {
            if (!text.isEmpty()) {
                next.text(text.toString());
                text.setLength(0);
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
        void settle(boolean halves) {
            if (halves) {
                utf8.end(text);
                give();
            }
            next.settle(halves);
        }

        @Override
        void end() {
            utf8.end(text);
            give();
            next.endToken();
            next.end();
        }
    }

    private static final class Words extends Whole {
        private final String prefix;
        private final boolean cleanup;
        private boolean begun;

        Words(Stage next, String prefix, boolean cleanup) {
            super(next);
            this.prefix = prefix;
            this.cleanup = cleanup;
        }

        @Override
        void token(String token) {
            String text = token;
            if (begun) {
                text = token.startsWith(prefix) ? token.substring(prefix.length()) : " " + token;
            }
            begun = true;
            pass(cleanup ? tidied(text) : text);
        }

        @Override
        void end() {
            begun = false;
            next.end();
        }
    }

    /// Without the spaces before punctuation and English contractions, as far as they stand in one token.
    private static String tidied(String token) {
        if (token.indexOf(' ') < 0) {
            return token;
        }
        return token.replace(" .", ".").replace(" ?", "?").replace(" !", "!").replace(" ,", ",").replace(" ' ", "'")
                .replace(" n't", "n't").replace(" 'm", "'m").replace(" do not", " don't").replace(" 's", "'s")
                .replace(" 've", "'ve").replace(" 're", "'re");
    }

    private static final class MetaspaceCharacters extends Through {
        private final String replacement;
        private final boolean dropsFirst;
        private boolean begun;

        MetaspaceCharacters(Stage next, String replacement, boolean dropsFirst) {
            super(next);
            this.replacement = replacement;
            this.dropsFirst = dropsFirst;
        }

        @Override
        void text(String part) {
            next.text(part.replace(replacement, begun || !dropsFirst ? " " : ""));
        }

        @Override
        void endToken() {
            begun = true;
            next.endToken();
        }

        @Override
        void end() {
            begun = false;
            next.end();
        }
    }

    /// Whether a suffix is a space or nothing is known with the next token.
    private static final class Suffixes extends Whole {
        private final String suffix;
        private @Nullable String held;

        Suffixes(Stage next, String suffix) {
            super(next);
            this.suffix = suffix;
        }

        @Override
        void token(String token) {
            give(" ");
            int at = token.indexOf(suffix);
            int certain = at < 0 ? token.length() : at;
            next.text(token.substring(0, certain));
            held = token.substring(certain);
        }

        private void give(String forSuffix) {
            if (held != null) {
                pass(held.replace(suffix, forSuffix));
                held = null;
            }
        }

        @Override
        void end() {
            give("");
            next.end();
        }
    }

    private static final class Repetitions extends Whole {
        private final Decoder.Ctc how;
        private @Nullable String last;

        Repetitions(Stage next, Decoder.Ctc how) {
            super(next);
            this.how = how;
        }

        @Override
        void token(String token) {
            if (token.equals(last)) {
                return;
            }
            last = token;
            String text = token.replace(how.padToken(), "");
            if (how.cleanup()) {
                text = tidied(text).replace(how.wordDelimiterToken(), " ");
            }
            if (!text.isEmpty()) {
                pass(text);
            }
        }

        @Override
        void end() {
            last = null;
            next.end();
        }
    }

    /// A run of bytes is held until it is over: one wrong byte spoils all of it.
    private static final class ByteRuns extends Whole {
        private final ByteArrayOutputStream run = new ByteArrayOutputStream();

        ByteRuns(Stage next) {
            super(next);
        }

        @Override
        void token(String token) {
            int value = ByteTokens.valueOf(token);
            if (value >= 0) {
                run.write(value);
            } else {
                give(true);
                pass(token);
            }
        }

        private void give(boolean halves) {
            if (run.size() == 0) {
                return;
            }
            byte[] bytes = run.toByteArray();
            try {
                pass(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
                run.reset();
            } catch (CharacterCodingException e) {
                for (int i = 0; halves && i < bytes.length; i++) {
                    pass("\uFFFD");
                    run.reset();
                }
            }
        }

        @Override
        void settle(boolean halves) {
            give(halves);
            next.settle(halves);
        }

        @Override
        void end() {
            give(true);
            next.end();
        }
    }

    private static final class Ends extends Through {
        private final int content;
        private final int start;
        private final int stop;
        /// How many of `content` were taken off at the beginning, -1 when that is over.
        private int taken;
        /// How many of `content` wait to be the end or not.
        private int waiting;

        Ends(Stage next, int content, int start, int stop) {
            super(next);
            this.content = content;
            this.start = start;
            this.stop = stop;
        }

        @Override
        void text(String part) {
            var certain = new StringBuilder(part.length());
            for (int i = 0; i < part.length();) {
                int c = part.codePointAt(i);
                i += Character.charCount(c);
                if (c == content && taken >= 0 && taken < start) {
                    taken++;
                    continue;
                }
                taken = -1;
                if (c == content) {
                    if (waiting < stop) {
                        waiting++;
                    } else {
                        certain.appendCodePoint(c);
                    }
                } else {
                    for (; waiting > 0; waiting--) {
                        certain.appendCodePoint(content);
                    }
                    certain.appendCodePoint(c);
                }
            }
            if (!certain.isEmpty()) {
                next.text(certain.toString());
            }
        }

        @Override
        void endToken() {
            taken = 0;
            waiting = 0;
            next.endToken();
        }
    }

    private static final class Matches extends Whole {
        private final SplitPattern pattern;
        private final String content;

        Matches(Stage next, SplitPattern pattern, String content) {
            super(next);
            this.pattern = pattern;
            this.content = content;
        }

        @Override
        void token(String token) {
            pass(new Normalizer.Replace(pattern, content).apply(Piece.of(token)).text);
        }
    }

    /// Plain text is replaced without waiting for the end of the token.
    private static final class Occurrences extends Through {
        private final String sought;
        private final String content;
        /// The end of what came, if `sought` may begin there.
        private String held = "";

        Occurrences(Stage next, String sought, String content) {
            super(next);
            this.sought = sought;
            this.content = content;
        }

        @Override
        void text(String part) {
            String text = held.concat(part);
            int last = text.lastIndexOf(sought);
            int done = 0;
            if (last >= 0) {
                // From the left, as occurrences may overlap.
                for (int at = text.indexOf(sought); at >= 0; at = text.indexOf(sought, done)) {
                    done = at + sought.length();
                }
            }
            int hold = text.length();
            while (hold > done && hold > text.length() - sought.length() + 1) {
                hold--;
            }
            while (!sought.startsWith(text.substring(hold))) {
                hold++;
            }
            held = text.substring(hold);
            String certain = text.substring(0, done).replace(sought, content) + text.substring(done, hold);
            if (!certain.isEmpty()) {
                next.text(certain);
            }
        }

        @Override
        void endToken() {
            if (!held.isEmpty()) {
                next.text(held);
                held = "";
            }
            next.endToken();
        }
    }
}
