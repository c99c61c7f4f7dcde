package dev.weft.text;

import dev.weft.testing.Scratch;
import dev.weft.text.chat.ChatTemplate;
import dev.weft.text.chat.Conversation;
import dev.weft.jinja.TemplateException;
import dev.weft.jinja.TemplateLimits;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/// What the fuzzer runs. Each reader either reads the bytes and does its work, or refuses them in one line; all else is a
/// finding, and so is a run out of memory or time.
final class Fuzzed {
    /// One text with some of everything.
    private static final String TEXT = "Hello wörld, it's 42's 👋🏽 test\n\t  \u0301 <s> [MASK] 東京 \uFFFD x";

    private Fuzzed() {}

    /// A template for one conversation.
    public static final class OfTemplate {
        private static final Conversation CONVERSATION = Conversation
                .of(List.of(Conversation.message("system", "Be short."),
                        Conversation.message("user", "Hi\n \"there\" ü"),
                        Map.of("role", "assistant", "content", "", "tool_calls",
                                List.of(Map.of("id", "1", "function",
                                        Map.of("name", "f", "arguments", Map.of("a", 1.5, "b", List.of(1, 2))))))))
                .withTools(List.of(Map.of("type", "function", "function", Map.of("name", "f"))))
                .with("n", 3).with("big", 1e300);
        private static final TemplateLimits LIMITS = TemplateLimits.USUAL.withSteps(2_000_000);

        private OfTemplate() {}

        public static void fuzzerTestOneInput(byte[] input) {
            try {
                ChatTemplate template = ChatTemplate.of("fuzzed", new String(input, StandardCharsets.UTF_8))
                        .withSpecialToken("bos_token", "<s>").withLimits(LIMITS);
                template.render(CONVERSATION);
            } catch (TemplateException e) {
                if (!e.getMessage().startsWith("fuzzed, line ")) {
                    throw new AssertionError("no message for a reader: " + e.getMessage(), e);
                }
                inOneLine(e.getMessage());
            }
        }
    }

    /// A `tokenizer.json`.
    public static final class OfTokenizerJson {
        private OfTokenizerJson() {}

        public static void fuzzerTestOneInput(byte[] input) {
            read(Scratch.write("tokenizer.json", input), Tokenizer::load);
        }
    }

    /// A model of SentencePiece.
    public static final class OfSentencePiece {
        private OfSentencePiece() {}

        public static void fuzzerTestOneInput(byte[] input) {
            read(Scratch.write("spiece.model", input), Tokenizer::load);
        }
    }

    /// Loads a tokenizer and lets it work.
    static void read(Path file, Function<Path, Tokenizer> load) {
        Tokenizer tokenizer;
        try {
            tokenizer = load.apply(file);
        } catch (IllegalArgumentException e) {
            refused(file.toString(), e);
            return;
        }
        try {
            Encoding encoding = tokenizer.encode(TEXT);
            for (int i = 0; i < encoding.size(); i++) {
                TEXT.substring(encoding.starts()[i], encoding.ends()[i]);
            }
            tokenizer.decode(encoding.ids());
        } catch (IllegalArgumentException e) {
            refused("", e);
        }
    }

    private static void refused(String start, IllegalArgumentException e) {
        String message = String.valueOf(e.getMessage());
        // A subclass such as NumberFormatException was not meant for the reader.
        if (e.getClass() != IllegalArgumentException.class || !message.startsWith(start)
                || message.length() < start.length() + 5) {
            throw new AssertionError("no message for a reader: " + message, e);
        }
        inOneLine(message);
    }

    private static void inOneLine(String message) {
        if (message.matches("(?s).*[\\p{Cc}\\u2028\\u2029].*")) {
            throw new AssertionError("not one line: " + message);
        }
    }
}
