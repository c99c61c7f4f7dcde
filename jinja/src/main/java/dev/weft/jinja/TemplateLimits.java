package dev.weft.jinja;

/// What rendering once may cost; a template that needs more is refused with a message.
///
/// @param steps       expressions and statements evaluated, and items and pieces of eight characters made
/// @param outputChars length of the rendered text, in UTF-16 units
/// @param valueSize   length of one string (UTF-16 units), list, dictionary or range
/// @param depth       how deep expressions, blocks and calls of macros may lie in each other
public record TemplateLimits(long steps, int outputChars, int valueSize, int depth) {
    /// 20 million steps (a second or two), 10 million characters, 600 levels.
    public static final TemplateLimits USUAL = new TemplateLimits(20_000_000, 10_000_000, 10_000_000, 600);

    public TemplateLimits {
        if (steps < 1 || outputChars < 1 || valueSize < 1 || depth < 1) {
            throw new IllegalArgumentException("limits of templates are positive, found " + steps + ", " + outputChars
                    + ", " + valueSize + ", " + depth);
        }
    }

    public TemplateLimits withSteps(long number) {
        return new TemplateLimits(number, outputChars, valueSize, depth);
    }

    public TemplateLimits withOutputChars(int number) {
        return new TemplateLimits(steps, number, valueSize, depth);
    }

    public TemplateLimits withValueSize(int number) {
        return new TemplateLimits(steps, outputChars, number, depth);
    }

    public TemplateLimits withDepth(int number) {
        return new TemplateLimits(steps, outputChars, valueSize, number);
    }
}
