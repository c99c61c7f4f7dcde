package dev.weft.recipe;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import tools.jackson.databind.JsonNode;

/// What a key may be in the trials of a search.
public sealed interface SearchValues {
    /// One of several.
    record Listed(List<JsonNode> values) implements SearchValues {}

    /// Any number between two, both included: evenly, or evenly on a log scale.
    record Between(double from, double to, boolean whole, boolean log) implements SearchValues {
        @Override
        public String toString() {
            return (whole ? "%d..%d".formatted((long) from, (long) to) : from + ".." + to) + (log ? " log" : "");
        }
    }

    String NUMBER = "(-?[0-9]+(?:\\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)";
    Pattern RANGE = Pattern.compile(NUMBER + "\\.\\." + NUMBER + "(?:[\\s,]+(log))?");

    /// What is drawn from a range is written with so many digits: people read it.
    MathContext DIGITS = new MathContext(4);

    /// A list, or a text: a list with commas between its values, or a range such as `1e-5..1e-3 log`.
    ///
    /// @throws IllegalArgumentException if it is neither
    static SearchValues parse(String key, JsonNode told) {
        if (told.isString()) {
            String text = told.asString().strip();
            Matcher range = RANGE.matcher(text);
            if (range.matches()) {
                return between(key, range);
            }
            JsonNode list = RecipeTree.plain(text);
            return list.isArray()
                    ? parse(key, list)
                    : new Listed(Arrays.stream(text.split(",")).map(String::strip).map(RecipeTree::plain).toList());
        }
        if (told.isObject() || told.isArray() && told.isEmpty()) {
            throw new IllegalArgumentException("%s: must be a list of values, or a range such as %s, found %s"
                    .formatted(key, "1e-5..1e-3 log", told));
        }
        return new Listed(told.isArray() ? told.valueStream().toList() : List.of(told));
    }

    private static Between between(String key, Matcher range) {
        double from = Double.parseDouble(range.group(1));
        double to = Double.parseDouble(range.group(2));
        boolean log = range.group(3) != null;
        if (!(from < to) || log && from <= 0) {
            throw new IllegalArgumentException("%s: a range must go upwards%s, found %s".formatted(key,
                    log ? ", on a log scale from above 0" : "", range.group()));
        }
        boolean whole = (range.group(1) + range.group(2)).matches("[-0-9]+") && !takesFractions(key);
        return new Between(from, to, whole, log);
    }

    /// Of keys whose kind a recipe does not know, how the range is written decides.
    private static boolean takesFractions(String key) {
        try {
            return key.split("\\.").length <= 2 && Recipe.defaults().with(key, 0.5) != null;
        } catch (IllegalArgumentException wholeOrUnknown) {
            return false;
        }
    }

    /// One of them.
    default JsonNode draw(SplittableRandom random) {
        return switch (this) {
            case Listed(List<JsonNode> values) -> values.get(random.nextInt(values.size()));
            case Between(double from, double to, boolean whole, boolean log) -> {
                // Of whole numbers the ends are to be as likely as the others.
                double low = whole ? from - 0.5 : from;
                double high = whole ? to + 0.5 : to;
                double share = random.nextDouble();
                double drawn = log ? low * Math.pow(high / low, share) : low + share * (high - low);
                yield whole
                        ? number(Math.clamp(Math.round(drawn), (long) from, (long) to))
                        : Recipe.YAML
                                .valueToTree(Math.clamp(new BigDecimal(drawn).round(DIGITS).doubleValue(), from, to));
            }
        };
    }

    /// All of them, for a grid.
    ///
    /// @throws IllegalArgumentException if there is no end of them
    default List<JsonNode> all(String key) {
        return switch (this) {
            case Listed(List<JsonNode> values) -> values;
            case Between between -> {
                if (!between.whole || between.log) {
                    throw new IllegalArgumentException(
                            "%s: a grid needs a list of values, found the range %s; list some, or use the method random"
                                    .formatted(key, between));
                }
                yield LongStream.rangeClosed((long) between.from, (long) between.to).limit(SearchPlan.LARGEST_GRID + 1)
                        .mapToObj(SearchValues::number).toList();
            }
        };
    }

    private static JsonNode number(long number) {
        return RecipeTree.plain(Long.toString(number));
    }

    /// As it is told in YAML.
    default JsonNode node() {
        return switch (this) {
            case Listed(List<JsonNode> values) -> Recipe.YAML.createArrayNode().addAll(values);
            case Between between -> Recipe.YAML.valueToTree(between.toString());
        };
    }

    /// What must fit the key: every value, or both ends.
    default List<JsonNode> ends() {
        return switch (this) {
            case Listed(List<JsonNode> values) -> values;
            case Between(double from, double to, boolean whole, boolean log) -> whole
                    ? List.of(number((long) from), number((long) to))
                    : List.of(Recipe.YAML.valueToTree(from), Recipe.YAML.valueToTree(to));
        };
    }
}
