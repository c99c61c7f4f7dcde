package dev.weft.recipe;

import dev.weft.checkpoint.Json;
import dev.weft.train.Validation;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// One run of a search.
///
/// @param number         from 1
/// @param values         of the keys that are searched
/// @param metric         what it is judged by; null before its first evaluation
/// @param rungs          how it stood after each rung that it went through; only halving has several
/// @param early          whether its patience ended: it does not go on
/// @param seconds        spent on it, also by processes that were killed since its last evaluation or checkpoint
/// @param failed         why it gave no result; null if it did, or may yet
public record SearchTrial(int number, Map<String, JsonNode> values, @Nullable String metric, boolean higherIsBetter,
        List<Rung> rungs, boolean early, double seconds, @Nullable String failed) {
    /// Of a trial's folder: how it went.
    static final String FILE = "trial.json";

    /// @param step  updates done
    /// @param value the best evaluation's main value so far; NaN where none was defined
    public record Rung(long step, double value) {}

    public SearchTrial {
        values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
        rungs = List.copyOf(rungs);
    }

    static SearchTrial of(int number, Map<String, JsonNode> values) {
        return new SearchTrial(number, values, null, false, List.of(), false, 0, null);
    }

    /// As its folder tells, which may tell nothing yet.
    SearchTrial read(Path folder) {
        Path file = folder.resolve(FILE);
        if (!Files.exists(file)) {
            return this;
        }
        Json json = Json.read(file);
        return new SearchTrial(number, values, json.has("metric") ? json.text("metric") : null,
                json.flag("higher_is_better"),
                json.objects("rungs").stream()
                        .map(rung -> new Rung(rung.node().get("step").asLong(), rung.number("value", Double.NaN)))
                        .toList(),
                json.flag("early"), json.number("seconds"), json.has("failed") ? json.text("failed") : null);
    }

    void write(Path folder) {
        ObjectNode json = Json.object().put("trial", name());
        json.set("values", shown());
        json.put("metric", metric).put("higher_is_better", higherIsBetter);
        ArrayNode all = json.putArray("rungs");
        rungs.forEach(rung -> all.addObject().put("step", rung.step).put("value", shown(rung.value)));
        Json.write(folder.resolve(FILE), json.put("early", early).put("seconds", seconds).put("failed", failed));
    }

    /// A value as files have it: null where it is undefined.
    static @Nullable Double shown(double value) {
        return Double.isNaN(value) ? null : value;
    }

    ObjectNode shown() {
        ObjectNode all = Json.object();
        values.forEach(all::set);
        return all;
    }

    /// Its folder's.
    public String name() {
        return "trial-%03d".formatted(number);
    }

    /// Updates done when it was last judged.
    public long step() {
        return rungs.isEmpty() ? 0 : rungs.getLast().step;
    }

    /// The best evaluation's main value; NaN if it has none.
    public double value() {
        return rungs.isEmpty() ? Double.NaN : rungs.getLast().value;
    }

    /// A value of a searched key as people read it.
    public String text(String key) {
        JsonNode value = values.get(key);
        return value.isString() ? value.asString() : value.toString();
    }

    /// Whether nothing more is to be done up to a rung.
    boolean done(int rung) {
        return failed != null || rungs.size() > rung;
    }

    SearchTrial judged(Validation by) {
        return new SearchTrial(number, values, by.metric(), by.higherIsBetter(), rungs, early, seconds, failed);
    }

    SearchTrial after(Rung rung, boolean ended) {
        return new SearchTrial(number, values, metric, higherIsBetter,
                Stream.concat(rungs.stream(), Stream.of(rung)).toList(), ended, seconds, failed);
    }

    SearchTrial longer(double more) {
        return new SearchTrial(number, values, metric, higherIsBetter, rungs, early, seconds + more, failed);
    }

    SearchTrial failed(String why) {
        return new SearchTrial(number, values, metric, higherIsBetter, rungs, early, seconds, why);
    }
}
