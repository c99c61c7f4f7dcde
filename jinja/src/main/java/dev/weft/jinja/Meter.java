package dev.weft.jinja;

/// Counts what one rendering costs.
final class Meter {
    private static final int CHARS_A_STEP = 8;

    private final TemplateLimits limits;
    private long left;
    private int depth;

    Meter(TemplateLimits limits) {
        this.limits = limits;
        left = limits.steps();
    }

    void steps(long number) {
        left -= number;
        if (left < 0) {
            throw Problem.of("the template took more than %d steps; does it loop without end?", limits.steps());
        }
    }

    /// A string is about to be made.
    void chars(long length) {
        if (length > limits.valueSize()) {
            throw Problem.of("a string of %d characters; a template may make %d at most", length, limits.valueSize());
        }
        steps(length / CHARS_A_STEP);
    }

    /// A string is about to be looked for in another, which may compare each character with each.
    void search(String text, String part) {
        steps((long) text.length() * part.length() / 64);
    }

    /// A list or its like is about to be made, or gone through in one go.
    void items(long number) {
        if (number > limits.valueSize()) {
            throw Problem.of("a list of %d items; a template may make %d at most", number, limits.valueSize());
        }
        steps(number);
    }

    void output(long length) {
        if (length > limits.outputChars()) {
            throw Problem.of("the rendered text has more than %d characters", limits.outputChars());
        }
    }

    void enter() {
        steps(1);
        if (++depth > limits.depth()) {
            throw Problem.of("blocks, expressions or macros lie more than %d deep in each other", limits.depth());
        }
    }

    void leave() {
        depth--;
    }
}
