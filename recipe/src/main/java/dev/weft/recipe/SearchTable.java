package dev.weft.recipe;

import dev.weft.checkpoint.AtomicFile;
import dev.weft.checkpoint.Json;
import dev.weft.eval.picture.Chart;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What a search found, best first.
///
/// @param keys   that were searched
/// @param metric what trials were judged by; `value` where none was
/// @param ranked trials with a result; of equal ones that with more steps, then the earlier one comes first; those whose
///               metric is undefined are last
/// @param failed trials without
public record SearchTable(List<String> keys, String metric, List<SearchTrial> ranked, List<SearchTrial> failed) {
    /// Of a search's folder: the best trial's recipe.
    public static final String BEST = "best.yaml";
    private static final String DOT = "#4477aa";
    private static final String UNFINISHED_DOT = "#bbbbbb";
    private static final String BEST_DOT = "#cc3311";

    static SearchTable of(Collection<String> keys, Collection<SearchTrial> trials) {
        return new SearchTable(List.copyOf(keys),
                trials.stream().map(SearchTrial::metric).filter(each -> each != null).findFirst().orElse("value"),
                trials.stream().filter(each -> each.failed() == null && !each.rungs().isEmpty())
                        .sorted(better(trial -> trial.value())
                                .thenComparing(Comparator.comparingLong(SearchTrial::step).reversed())
                                .thenComparing(SearchTrial::number))
                        .toList(),
                trials.stream().filter(each -> each.failed() != null).toList());
    }

    /// How a trial is compared.
    interface Value {
        double of(SearchTrial trial);
    }

    /// The better one first, by its own metric's direction; those whose metric is undefined come last.
    static Comparator<SearchTrial> better(Value value) {
        // NaN is the largest number to Java.
        return Comparator.comparingDouble(trial -> trial.higherIsBetter() ? -value.of(trial) : value.of(trial));
    }

    /// The best trial, if the metric was defined for any.
    public Optional<SearchTrial> best() {
        return defined().findFirst();
    }

    private Stream<SearchTrial> defined() {
        return ranked.stream().filter(trial -> !Double.isNaN(trial.value()));
    }

    /// A line for each trial, under a line of names.
    public String text() {
        List<List<String>> lines = cells();
        List<Integer> widths = IntStream.range(0, lines.getFirst().size())
                .mapToObj(i -> lines.stream().mapToInt(line -> line.get(i).length()).max().orElse(0)).toList();
        var text = new StringBuilder();
        for (List<String> line : lines) {
            for (int i = 0; i < line.size(); i++) {
                text.append(("%-" + Math.max(1, widths.get(i)) + "s  ").formatted(line.get(i)));
            }
            text.setLength(text.toString().stripTrailing().length());
            text.append('\n');
        }
        return text.toString();
    }

    /// The same with tabs between, and a line of names.
    public String tsv() {
        return cells().stream()
                .map(line -> line.stream().map(cell -> cell.replaceAll("\\s+", " ")).collect(Collectors.joining("\t")))
                .collect(Collectors.joining("\n", "", "\n"));
    }

    private List<List<String>> cells() {
        var lines = new ArrayList<List<String>>();
        lines.add(line("rank", "trial", keys, metric, "steps", "seconds", "failed"));
        for (int i = 0; i < ranked.size(); i++) {
            lines.add(line(ranked.get(i), Integer.toString(i + 1), value(ranked.get(i)), ""));
        }
        failed.forEach(trial -> lines.add(line(trial, "-", "-", trial.failed())));
        return lines;
    }

    private List<String> line(SearchTrial trial, String rank, String value, @Nullable String why) {
        return line(rank, trial.name(), keys.stream().map(trial::text).toList(), value, Long.toString(trial.step()),
                number("%.1f", trial.seconds()), why == null ? "" : why);
    }

    /// Why trials failed is a column where some did.
    private List<String> line(String rank, String trial, List<String> values, String value, String steps,
            String seconds, String why) {
        var line = new ArrayList<>(List.of(rank, trial));
        line.addAll(values);
        line.addAll(List.of(value, steps, seconds));
        if (!failed.isEmpty()) {
            line.add(why);
        }
        return line;
    }

    private static String value(SearchTrial trial) {
        return Double.isNaN(trial.value()) ? "undefined" : number("%.4f", trial.value());
    }

    private static String number(String format, double number) {
        return String.format(Locale.ROOT, format, number);
    }

    /// All of it, with the metric in full precision.
    public ObjectNode json() {
        ObjectNode json = Json.object().put("metric", metric);
        best().ifPresent(trial -> json.put("higher_is_better", trial.higherIsBetter()).put("best", trial.name()));
        ArrayNode trials = json.putArray("trials");
        for (int i = 0; i < ranked.size(); i++) {
            ObjectNode line = trials.addObject().put("rank", i + 1);
            told(line, ranked.get(i)).put("value", SearchTrial.shown(ranked.get(i).value()));
        }
        failed.forEach(trial -> told(trials.addObject().putNull("rank"), trial).put("failed", trial.failed()));
        return json;
    }

    private static ObjectNode told(ObjectNode line, SearchTrial trial) {
        line.put("trial", trial.name());
        line.set("values", trial.shown());
        return line.put("steps", trial.step()).put("seconds", trial.seconds());
    }

    /// The table, a picture for each key, and the best trial's recipe.
    void write(Path folder) {
        Json.write(folder.resolve("results.json"), json());
        AtomicFile.write(folder.resolve("results.tsv"), tsv());
        best().ifPresent(best -> {
            keys.forEach(key -> AtomicFile.write(folder.resolve(key + ".svg"), svg(key)));
            try {
                AtomicFile.write(folder.resolve(BEST), "# %s: %s %s after %d steps%n%s".formatted(best.name(), metric,
                        best.value(), best.step(),
                        Files.readString(folder.resolve(best.name()).resolve(Recipe.FILE))));
            } catch (IOException e) {
                throw new UncheckedIOException("The recipe of %s cannot be read: %s".formatted(
                        folder.resolve(best.name()), e.getMessage()), e);
            }
        });
    }

    /// The metric over the values of a key.
    String svg(String key) {
        double low = defined().mapToDouble(SearchTrial::value).min().orElseThrow();
        double high = defined().mapToDouble(SearchTrial::value).max().orElseThrow();
        double rim = 0.05 * (high - low) + 1e-3 * Math.max(1e-3, Math.abs(high));
        Across across = Across.of(key, ranked);
        var chart = new Chart(across.name, new Chart.Range(across.low, across.high), across.ticks,
                new Chart.Range(low - rim, high + rim), "%.3f");
        long most = ranked.stream().mapToLong(SearchTrial::step).max().orElseThrow();
        boolean halved = ranked.stream().anyMatch(trial -> trial.step() < most);
        chart.dots(points(across, trial -> trial.step() < most), UNFINISHED_DOT)
                .dots(points(across, trial -> trial.step() == most), DOT)
                .dots(List.of(across.point(0, ranked.getFirst())), BEST_DOT)
                .legend("%s, best: %s".formatted(metric, number("%.4f", ranked.getFirst().value())), BEST_DOT)
                .legend("after " + most + " steps", DOT);
        return (halved ? chart.legend("after fewer", UNFINISHED_DOT) : chart).svg();
    }

    private List<Chart.Point> points(Across across, Predicate<SearchTrial> which) {
        return IntStream.range(0, (int) defined().count()).filter(i -> which.test(ranked.get(i)))
                .mapToObj(i -> across.point(i, ranked.get(i))).toList();
    }

    /// Where values of a key stand in a picture: as numbers, as their logarithms, or one beside the other.
    ///
    /// @param places of the ranked trials
    private record Across(String name, double low, double high, List<Chart.Tick> ticks, List<Double> places) {
        /// Numbers that differ by more than this factor stand on a log scale.
        private static final double WIDE = 20;

        static Across of(String key, List<SearchTrial> trials) {
            if (!trials.stream().allMatch(trial -> trial.values().get(key).isNumber())) {
                List<String> names = trials.stream().map(trial -> trial.text(key)).distinct().sorted().toList();
                return new Across(key, -0.5, names.size() - 0.5,
                        IntStream.range(0, names.size()).mapToObj(i -> new Chart.Tick(i, cut(names.get(i)))).toList(),
                        trials.stream().map(trial -> (double) names.indexOf(trial.text(key))).toList());
            }
            List<Double> numbers = trials.stream().map(trial -> trial.values().get(key).asDouble()).toList();
            double least = numbers.stream().min(Double::compare).orElseThrow();
            double most = numbers.stream().max(Double::compare).orElseThrow();
            boolean log = least > 0 && most > WIDE * least;
            double low = log ? Math.log10(least) : least;
            double high = log ? Math.log10(most) : most;
            double rim = 0.05 * (high - low) + 1e-3 * Math.max(1e-6, Math.abs(high));
            return new Across(key, low - rim, high + rim, IntStream.rangeClosed(0, 4).mapToObj(i -> {
                double at = low + (high - low) * i / 4;
                return new Chart.Tick(at, number("%.3g", log ? Math.pow(10, at) : at));
            }).toList(), numbers.stream().map(number -> log ? Math.log10(number) : number).toList());
        }

        private static String cut(String name) {
            return name.length() <= 20 ? name : "…" + name.substring(name.length() - 19);
        }

        Chart.Point point(int rank, SearchTrial trial) {
            return new Chart.Point(places.get(rank), trial.value());
        }
    }
}
