package dev.weft.jinja;

/// What went wrong, before it is known in which template and line.
final class Problem extends RuntimeException {
    private static final long serialVersionUID = 1;

    /// Whether the template itself called `raise_exception`.
    final boolean raised;

    Problem(String message) {
        this(message, false);
    }

    private Problem(String message, boolean raised) {
        super(message, null, false, false);
        this.raised = raised;
    }

    static Problem raisedByTemplate(String message) {
        return new Problem(message, true);
    }

    static Problem of(String format, Object... arguments) {
        return new Problem(format.formatted(arguments));
    }
}
