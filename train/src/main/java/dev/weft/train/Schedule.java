package dev.weft.train;

/// The learning rate as a function of the step. Each rises linearly from 0 over its warm-up first.
public sealed interface Schedule {
    /// The same for ever.
    record Constant(double peak, long warmup) implements Schedule {}

    /// Falls linearly to `floor` at step `steps`.
    record Linear(double peak, double floor, long warmup, long steps) implements Schedule {}

    /// Falls along half a cosine to `floor` at step `steps`. Loshchilov & Hutter 2017, <https://arxiv.org/abs/1608.03983>.
    record Cosine(double peak, double floor, long warmup, long steps) implements Schedule {}

    /// Falls to `floor` at step `steps` as a power of what is left: 1 is linear.
    record Polynomial(double peak, double floor, double power, long warmup, long steps) implements Schedule {}

    /// Rises from `start` along half a cosine to `peak` at step `warmup` and falls along another to `floor` at step `steps`.
    /// Smith & Topin 2018, <https://arxiv.org/abs/1708.07120>.
    record OneCycle(double peak, double start, double floor, long warmup, long steps) implements Schedule {}

    /// Rises from `from` by a constant factor each step, to `to` at the last of `steps`: for [RateRangeTest].
    record Exponential(double from, double to, long steps) implements Schedule {}

    /// Falls as 1/√step after the warm-up, where it is `peak`: “Attention Is All You Need”, §5.3 (“Noam”).
    record InverseSquareRoot(double peak, long warmup) implements Schedule {}

    /// @param step counted from 0
    default double rate(long step) {
        return switch (this) {
            case Constant(double peak, long warmup) -> peak * rise(step, warmup);
            case Linear(double peak, double floor, long warmup, long steps) ->
                step < warmup ? peak * rise(step, warmup) : floor + (peak - floor) * (1 - fallen(step, warmup, steps));
            case Cosine(double peak, double floor, long warmup, long steps) -> step < warmup
                    ? peak * rise(step, warmup)
                    : halfCosine(peak, floor, fallen(step, warmup, steps));
            case Polynomial(double peak, double floor, double power, long warmup, long steps) -> step < warmup
                    ? peak * rise(step, warmup)
                    : floor + (peak - floor) * Math.pow(1 - fallen(step, warmup, steps), power);
            case OneCycle(double peak, double start, double floor, long warmup, long steps) -> step < warmup
                    ? halfCosine(start, peak, (double) step / warmup)
                    : halfCosine(peak, floor, fallen(step, warmup, steps));
            case Exponential(double from, double to, long steps) ->
                from * Math.pow(to / from, (double) step / Math.max(1, steps - 1));
            case InverseSquareRoot(double peak, long warmup) -> peak * Math.min(rise(step, warmup),
                    Math.sqrt(Math.max(1, warmup) / (step + 1.0)));
        };
    }

    private static double halfCosine(double from, double to, double share) {
        return to + (from - to) * (1 + Math.cos(Math.PI * share)) / 2;
    }

    private static double rise(long step, long warmup) {
        return step >= warmup ? 1 : (step + 1.0) / warmup;
    }

    private static double fallen(long step, long warmup, long steps) {
        return Math.min(1, (step - warmup) / (double) Math.max(1, steps - warmup));
    }

    /// By the name it has on the command line. A polynomial's power is 2; one cycle starts at a 25th of its peak.
    ///
    /// @throws IllegalArgumentException if there is none of this name
    static Schedule parse(String name, double peak, double floor, long warmup, long steps) {
        return switch (name) {
            case "constant" -> new Constant(peak, warmup);
            case "linear" -> new Linear(peak, floor, warmup, steps);
            case "cosine" -> new Cosine(peak, floor, warmup, steps);
            case "polynomial" -> new Polynomial(peak, floor, 2, warmup, steps);
            case "one-cycle" -> new OneCycle(peak, peak / 25, floor, warmup, steps);
            case "inverse-sqrt", "noam" -> new InverseSquareRoot(peak, warmup);
            default -> throw new IllegalArgumentException(
                    "Unknown schedule '" + name
                            + "'; choose constant, linear, cosine, polynomial, one-cycle or inverse-sqrt");
        };
    }
}
