package dev.weft.bridges;

import dev.weft.run.Generation;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// What a request says of generation; null where it says nothing.
///
/// @param temperature 0 means always the best; above, or with `topK` or `topP`, there is sampling
/// @param maxTokens   new ones
public record Asked(@Nullable Double temperature, @Nullable Integer topK, @Nullable Double topP,
        @Nullable Integer maxTokens, @Nullable Double frequencyPenalty, @Nullable Double presencePenalty,
        @Nullable List<String> stop) {
    /// Asked of a model that has these settings.
    ///
    /// @throws IllegalArgumentException if a value is out of bounds, naming it
    public Generation over(Generation settings) {
        Generation options = settings;
        options = temperature != null || topK != null || topP != null ? options.withDoSample(true) : options;
        options = temperature == null ? options : options.withTemperature(temperature);
        options = topK == null ? options : options.withTopK(topK);
        options = topP == null ? options : options.withTopP(topP);
        options = maxTokens == null ? options : options.withMaxNewTokens(maxTokens);
        options = frequencyPenalty == null ? options : options.withFrequencyPenalty(frequencyPenalty);
        options = presencePenalty == null ? options : options.withPresencePenalty(presencePenalty);
        return stop == null || stop.isEmpty() ? options : options.withStopStrings(stop);
    }

    /// Each request its own chance: those who ask twice because the first answer was of no use want another.
    public static Generation withNewSeed(Generation settings) {
        return settings.withSeed(ThreadLocalRandom.current().nextLong(Long.MAX_VALUE));
    }

    /// A tool as chat templates know them.
    ///
    /// @param schema of its arguments; null where it has none
    public static Map<String, Object> tool(String name, @Nullable String description, @Nullable JsonNode schema) {
        var function = new LinkedHashMap<String, Object>();
        function.put("name", name);
        function.put("description", description == null ? "" : description);
        function.put("parameters", schema == null ? Map.of("type", "object", "properties", Map.of()) : schema);
        return function(Map.of(), function);
    }

    /// A call of a tool as chat templates know them.
    public static Map<String, Object> call(String id, String name, JsonNode arguments) {
        var function = new LinkedHashMap<String, Object>();
        function.put("name", name);
        function.put("arguments", arguments);
        return function(Map.of("id", id), function);
    }

    /// In the order in which models have read it.
    private static Map<String, Object> function(Map<String, Object> more, Map<String, Object> function) {
        var whole = new LinkedHashMap<>(more);
        whole.put("type", "function");
        whole.put("function", function);
        return whole;
    }
}
