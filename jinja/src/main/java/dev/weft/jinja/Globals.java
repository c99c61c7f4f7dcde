package dev.weft.jinja;

import dev.weft.jinja.Values.Attributes;
import dev.weft.jinja.Values.DictValue;
import dev.weft.jinja.Values.Function;
import dev.weft.jinja.Values.Namespace;
import dev.weft.jinja.Values.RangeValue;
import java.math.BigInteger;
import java.time.ZonedDateTime;
import java.time.format.TextStyle;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The functions every template can call: Jinja's own, and the two that `transformers` adds.
final class Globals {
    /// Jinja's sandbox allows no longer one.
    private static final int LONGEST_RANGE = 100_000;

    static final Map<String, Object> ALL = Map.of("range", (Function) Globals::range, "dict",
            (Function) (evaluator, arguments) -> dict(evaluator, arguments, "dict"), "namespace",
            (Function) (evaluator, arguments) -> {
                var namespace = new Namespace();
                dict(evaluator, arguments, "namespace").entries()
                        .forEach(entry -> namespace.values.put(entry.getKey(), entry.getValue()));
                return namespace;
            }, "cycler", (Function) (evaluator, arguments) -> new Cycler(arguments), "joiner",
            (Function) (evaluator, arguments) -> joiner(arguments), "raise_exception",
            (Function) (evaluator, arguments) -> {
                throw Problem.raisedByTemplate(
                        evaluator.python.str(arguments.only("raise_exception")));
            }, "strftime_now", (Function) Globals::now, "lipsum", (Function) (evaluator, arguments) -> {
                throw new Problem("lipsum() is not supported: its text is random");
            });

    private Globals() {}

    private static Object range(Evaluator evaluator, Arguments arguments) {
        @Nullable
        Object[] given = arguments.bind("range", 1, "/start", "/stop", "/step");
        BigInteger first = whole(given[0], BigInteger.ZERO);
        BigInteger start = given[1] == null ? BigInteger.ZERO : first;
        BigInteger stop = given[1] == null ? first : whole(given[1], BigInteger.ZERO);
        BigInteger step = whole(given[2], BigInteger.ONE);
        if (step.signum() == 0) {
            throw new Problem("the step of range() cannot be zero");
        }
        BigInteger distance = step.signum() > 0 ? stop.subtract(start) : start.subtract(stop);
        BigInteger size = distance.signum() <= 0
                ? BigInteger.ZERO
                : distance.subtract(BigInteger.ONE).divide(step.abs()).add(BigInteger.ONE);
        if (size.compareTo(BigInteger.valueOf(LONGEST_RANGE)) > 0) {
            throw Problem.of("range() of more than %d numbers", LONGEST_RANGE);
        }
        return new RangeValue(start, stop, step, size.intValue());
    }

    private static BigInteger whole(@Nullable Object value, BigInteger otherwise) {
        return value == null ? otherwise : Python.wantInteger(value, "an argument of range()");
    }

    private static DictValue dict(Evaluator evaluator, Arguments arguments, String name) {
        if (arguments.positional().size() > 1) {
            throw Problem.of("%s() takes one argument without a name at most", name);
        }
        var dict = new DictValue();
        if (!arguments.positional().isEmpty()) {
            Object first = arguments.positional().getFirst();
            if (first instanceof DictValue other) {
                other.entries().forEach(entry -> dict.put(entry.getKey(), entry.getValue()));
            } else {
                for (Object pair : evaluator.python.list(first)) {
                    List<Object> two = evaluator.python.list(pair);
                    if (two.size() != 2) {
                        throw Problem.of("%s() needs pairs, found %d value(s)", name, two.size());
                    }
                    dict.put(two.get(0), two.get(1));
                }
            }
        }
        arguments.named().forEach(dict::put);
        return dict;
    }

    /// Goes through values, again and again.
    static final class Cycler implements Attributes {
        private final List<Object> items;
        private int at;

        private Cycler(Arguments arguments) {
            items = arguments.positional();
            if (items.isEmpty() || !arguments.named().isEmpty()) {
                throw new Problem("cycler() needs the values to go through");
            }
        }

        @Override
        public @Nullable Object attribute(String name) {
            return switch (name) {
                case "current" -> items.get(at);
                case "next" -> (Function) (evaluator, arguments) -> {
                    Object item = items.get(at);
                    at = (at + 1) % items.size();
                    return item;
                };
                case "reset" -> (Function) (evaluator, arguments) -> {
                    at = 0;
                    return Values.None.NONE;
                };
                default -> null;
            };
        }
    }

    private static Object joiner(Arguments arguments) {
        Object given = arguments.bind("joiner", 0, "sep")[0];
        Object separator = given == null ? ", " : given;
        boolean[] used = {false};
        return (Function) (evaluator, none) -> {
            boolean first = !used[0];
            used[0] = true;
            return first ? "" : separator;
        };
    }

    private static Object now(Evaluator evaluator, Arguments arguments) {
        String format = Python.wantText(arguments.only("strftime_now"), "the format of strftime_now");
        ZonedDateTime time = ZonedDateTime.now(evaluator.clock);
        var out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%') {
                out.append(c);
                continue;
            }
            boolean bare = i + 1 < format.length() && format.charAt(i + 1) == '-';
            i += bare ? 2 : 1;
            String part = part(time, i < format.length() ? format.charAt(i) : ' ');
            out.append(bare && part.length() > 1 ? part.replaceFirst("^0+(?=.)", "") : part);
            evaluator.python.meter.chars(out.length());
        }
        return out.toString();
    }

    private static String part(ZonedDateTime time, char letter) {
        int hour = time.getHour() % 12 == 0 ? 12 : time.getHour() % 12;
        return switch (letter) {
            case 'a' -> time.getDayOfWeek().getDisplayName(TextStyle.SHORT, Locale.US);
            case 'A' -> time.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.US);
            case 'b', 'h' -> time.getMonth().getDisplayName(TextStyle.SHORT, Locale.US);
            case 'B' -> time.getMonth().getDisplayName(TextStyle.FULL, Locale.US);
            case 'c' -> "%s %s %2d %s %d".formatted(part(time, 'a'), part(time, 'b'), time.getDayOfMonth(),
                    part(time, 'T'), time.getYear());
            case 'd' -> "%02d".formatted(time.getDayOfMonth());
            case 'D', 'x' -> part(time, 'm') + "/" + part(time, 'd') + "/" + part(time, 'y');
            case 'e' -> "%2d".formatted(time.getDayOfMonth());
            case 'f' -> "%06d".formatted(time.getNano() / 1000);
            case 'F' -> "%d-%s-%s".formatted(time.getYear(), part(time, 'm'), part(time, 'd'));
            case 'H' -> "%02d".formatted(time.getHour());
            case 'I' -> "%02d".formatted(hour);
            case 'j' -> "%03d".formatted(time.getDayOfYear());
            case 'm' -> "%02d".formatted(time.getMonthValue());
            case 'M' -> "%02d".formatted(time.getMinute());
            case 'n' -> "\n";
            case 'p' -> time.getHour() < 12 ? "AM" : "PM";
            case 'R' -> part(time, 'H') + ":" + part(time, 'M');
            case 's' -> Long.toString(time.toEpochSecond());
            case 'S' -> "%02d".formatted(time.getSecond());
            case 't' -> "\t";
            case 'T', 'X' -> part(time, 'R') + ":" + part(time, 'S');
            case 'u' -> Integer.toString(time.getDayOfWeek().getValue());
            case 'w' -> Integer.toString(time.getDayOfWeek().getValue() % 7);
            case 'y' -> "%02d".formatted(time.getYear() % 100);
            case 'Y' -> Integer.toString(time.getYear());
            case 'z', 'Z' -> "";
            case '%' -> "%";
            default -> throw Problem.of("'%%%c' in the format of strftime_now is not supported", letter);
        };
    }
}
