package dev.weft.jinja;

import org.jspecify.annotations.Nullable;

/// A template that cannot be read, or that cannot be rendered with what it was given. The message names the template and
/// the line.
public final class TemplateException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    private final String template;
    private final int line;
    private final @Nullable String refusal;

    TemplateException(String template, int line, String problem) {
        super("%s, line %d: %s".formatted(template, line, inOneLine(problem)));
        this.template = template;
        this.line = line;
        refusal = null;
    }

    private TemplateException(String template, int line, String problem, String refusal) {
        super("%s, line %d: %s".formatted(template, line, problem));
        this.template = template;
        this.line = line;
        this.refusal = refusal;
    }

    static TemplateException refused(String template, int line, String message) {
        return new TemplateException(template, line, "the template refuses: " + inOneLine(message), message);
    }

    /// The name of the template.
    public String template() {
        return template;
    }

    /// The line in the template, from 1.
    public int line() {
        return line;
    }

    /// What the template itself said with `raise_exception`, or null when it did not.
    public @Nullable String refusal() {
        return refusal;
    }

    static String inOneLine(String text) {
        var line = new StringBuilder();
        text.codePoints().limit(2000).forEach(c -> {
            if (c == '\n' || c == '\t') {
                line.append(' ');
            } else if (Character.isISOControl(c) || c == 0x2028 || c == 0x2029 || c >= 0xD800 && c < 0xE000) {
                line.append("\\u%04x".formatted(c));
            } else {
                line.appendCodePoint(c);
            }
        });
        return line.toString();
    }
}
