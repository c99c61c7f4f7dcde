package dev.weft.eval;

/// How many examples a metric has seen, and its complaints about them.
final class Seen {
    private final String metric;
    private long examples;

    Seen(String metric) {
        this.metric = metric;
    }

    /// One more.
    void add() {
        examples++;
    }

    /// The same number, or a message with its place: a NaN would make the whole score one.
    double finite(double value, String what) {
        if (!Double.isFinite(value)) {
            throw wrong("the " + what + " is " + value + "; it must be a finite number. Look for a division by zero or"
                    + " an overflow in what the model gave");
        }
        return value;
    }

    /// A complaint about the example at hand, counted from 1.
    IllegalArgumentException wrong(String problem) {
        return new IllegalArgumentException("%s, example %d: %s".formatted(metric, examples + 1, problem));
    }

    /// How many there were; none is an error.
    long some() {
        if (examples == 0) {
            throw new IllegalArgumentException(
                    "%s of no examples: at least one is needed. Is the data empty, or all of it filtered out?"
                            .formatted(metric));
        }
        return examples;
    }
}
