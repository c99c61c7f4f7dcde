package dev.weft.jinja;

import java.time.Clock;
import java.util.List;
import java.util.Map;

/// A template, read once and rendered as often as wished, by several threads at a time.
public final class Template {
    /// A part of a text: `text.substring(start, end)`.
    public record Span(int start, int end) {}

    /// What a template made.
    ///
    /// @param text  the text
    /// @param spans where the `generation` blocks stand in it, in order
    public record Rendered(String text, List<Span> spans) {}

    private static final int LONGEST = 4_000_000;

    private final String name;
    private final String source;
    private final Parser.Parsed parsed;

    private Template(String name, String source, Parser.Parsed parsed) {
        this.name = name;
        this.source = source;
        this.parsed = parsed;
    }

    /// @param name what error messages call the template
    /// @throws TemplateException if the source is not a template, naming line and construct
    public static Template of(String name, String source) {
        String shown = TemplateException.inOneLine(name);
        if (source.length() > LONGEST) {
            throw new TemplateException(shown, 1,
                    "a template of %d characters; %d are allowed".formatted(source.length(), LONGEST));
        }
        try {
            return new Template(shown, source, Parser.parse(shown, source));
        } catch (StackOverflowError e) {
            throw new TemplateException(shown, 1, "it needs more stack than this thread has");
        }
    }

    public String name() {
        return name;
    }

    public String source() {
        return source;
    }

    /// Whether the template says with `{% generation %}` which parts of the text the assistant wrote.
    public boolean hasGeneration() {
        return parsed.hasGeneration();
    }

    /// The text for these variables.
    ///
    /// @param variables values as JSON has them: strings, numbers, booleans, null, lists and maps of these, or Jackson's trees
    /// @throws TemplateException if the template refuses them, uses what is not there, or costs more than usual
    public String render(Map<String, ?> variables) {
        return render(variables, TemplateLimits.USUAL, Clock.systemDefaultZone(), false).text();
    }

    /// The text for these variables, and where the `generation` blocks stand.
    ///
    /// @param clock     what `strftime_now` reads
    /// @param wantSpans whether to refuse `generation` blocks whose place is not known
    /// @throws TemplateException if the template refuses them, uses what is not there, or costs more than the limits
    public Rendered render(Map<String, ?> variables, TemplateLimits limits, Clock clock, boolean wantSpans) {
        var evaluator = new Evaluator(limits, clock, wantSpans);
        try {
            return evaluator.run(parsed, variables);
        } catch (Problem problem) {
            String message = problem.getMessage();
            throw problem.raised
                    ? TemplateException.refused(name, evaluator.line, message)
                    : new TemplateException(name, evaluator.line, message);
        } catch (StackOverflowError e) {
            throw new TemplateException(name, evaluator.line, "it needs more stack than this thread has");
        }
    }
}
